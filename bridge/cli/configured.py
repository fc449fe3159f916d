"""The option -c/--config that every command shares, and the loading of what it names.

Knows where a configuration is looked for; `bridge.config` knows what it means. Rule for editors: imports
bridge.config only when called (0.2 s), and leaves the words to `output.refuse`.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

if TYPE_CHECKING:
    from bridge.config import Config

DEFAULT_CONFIG: Final = Path("config.yaml")

# Use: `config: ConfigOption = DEFAULT_CONFIG`.
ConfigOption = Annotated[
    Path,
    typer.Option(
        "-c",
        "--config",
        metavar="FILE",
        envvar="BRIDGE_CONFIG",
        help="The configuration.",
    ),
]


def load_config(path: Path) -> "Config":
    """The configuration, or every problem on stderr and exit 2."""
    from bridge.config import load  # noqa: PLC0415 -- brings pydantic and the rules

    return load(path)
