"""Values that config.example.yaml made up: a configuration that keeps one never works, and doesn't say so.

Knows the example's made-up values and where the real ones are found. The rule to keep: every id and host of
the example is in this table; a test compares them.
"""

from collections.abc import Iterator
from typing import Any

from bridge.config.document import Document, Steps, spell
from bridge.errors import Problem

_LOCATION = (
    "location id",
    "write your sub-account's: GoHighLevel has it under Settings, Business Profile, and behind /location/",
)
# The example's value → what it is, and where the real one is found.
PLACEHOLDERS = {
    "0123456789abcdef01234567": (
        "app id",
        "write your app's: in GoHighLevel's developer portal, the part of its Client ID before the dash",
    ),
    "ve9EPM428h8vShlRW1KT": _LOCATION,
    "Xk2JbMp9dQ7rTz4LcV0w": _LOCATION,
    "6f1c2a90-3f0e-4b7e-9c1d-2a6c1b0e7d55": (
        "campaign id",
        "write your campaign's: open it in Fusion, its address holds the UUID",
    ),
    "bridge.example.com": (
        "address",
        "write the one by which others reach the bridge: https:// and your host's name; or remove the line",
    ),
}


def placeholders(document: Document) -> Iterator[Problem]:
    """Every place with a value of the example, as key, as value or within an expression."""
    for steps, text in _texts(document.data or {}, ()):
        for value, (what, fix) in PLACEHOLDERS.items():
            if value.lower() in text.lower():
                yield Problem(spell(steps), f"is the {what} of config.example.yaml", fix)


def _texts(value: Any, steps: Steps) -> Iterator[tuple[Steps, str]]:
    if isinstance(value, str):
        yield steps, value
    elif isinstance(value, dict):
        for key, entry in value.items():
            yield (*steps, key), key
            yield from _texts(entry, (*steps, key))
    elif isinstance(value, list):
        for at, entry in enumerate(value):
            yield from _texts(entry, (*steps, at))
