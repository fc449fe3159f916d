"""An answer as it came, taken apart once: headers by lower-case name, the body as JSON where it is some.

Knows what a web page looks like. Doesn't know what any of it means.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson


@dataclass(frozen=True, slots=True)
class Received:
    """What Fusion, or a proxy in front of it, answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    json: Any  # None: it isn't JSON, or a web page
    html: bool

    @property
    def data(self) -> Any:
        """The `data` of Fusion's envelope; None where there is none."""
        return self.json.get("data") if isinstance(self.json, dict) else None

    @property
    def readable(self) -> bool:
        """Whether a 2xx is an answer of Fusion at all. Its content type may say what it likes."""
        return isinstance(self.json, dict) and self.json.get("success") is not False


def receive(status: int, headers: Mapping[str, str], body: bytes) -> Received:
    """Take an answer apart."""
    headers = {name.lower(): value for name, value in headers.items()}
    html = "html" in headers.get("content-type", "").lower() or body[:64].lstrip().startswith(b"<")
    return Received(status, headers, body, None if html else _parse(body), html)


def _parse(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
