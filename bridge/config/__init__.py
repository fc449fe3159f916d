"""YAML, environment and secret files → one frozen Config, or every problem at once.

The only reader of the environment. `load` is all that others call; the rest of the rooms know Config and
its parts. Rule for editors: secrets leave by their fields and `Config.secrets`, never in a text.
"""

from bridge.config.load import line_of, load
from bridge.config.model import Account, Config, Fusion, Limit, Retention, Server
from bridge.outbox.facts import OwnTags
from bridge.outbox.retry import Retry

__all__ = [
    "Account",
    "Config",
    "Fusion",
    "Limit",
    "OwnTags",
    "Retention",
    "Retry",
    "Server",
    "line_of",
    "load",
]
