"""Who speaks to us: authenticate the bytes, say what must be stored, and read an event in common words.

One module a kind of source; `Source` is all that the rest of the bridge knows of them. Pure: bytes
and JSON in, values out. Rule for editors: `receive` may refuse, `read` never does, because by then the
event is stored and only the rules may decide about it.
"""

from collections.abc import Mapping
from typing import Any, Protocol

from bridge.inbound.ghl_app import GhlApp
from bridge.inbound.ghl_workflow import GhlWorkflow
from bridge.inbound.json_source import JsonSource
from bridge.model import Ignored, Incoming, Reading

__all__ = ["GhlApp", "GhlWorkflow", "JsonSource", "Source"]


class Source(Protocol):
    """A sender of events, as configured under `sources:`."""

    @property
    def name(self) -> str: ...

    @property
    def default_region(self) -> str:
        """The region of phone numbers without a country code, "" for the configuration's."""

    def authenticate(self, headers: Mapping[str, str], token: str | None, body: bytes) -> None:
        """Raise InvalidSignature unless it is the sender.

        Header names are lower-case; `token` is the one in the URL, if any.
        """

    def receive(self, payload: Mapping[str, Any]) -> Incoming | Ignored:
        """Say what must be known to store the event. Raises MalformedPayload or InvalidSignature."""

    def read(self, payload: Mapping[str, Any]) -> Reading:
        """The event in words that mean the same for every source. Raises nothing, whatever the payload."""
