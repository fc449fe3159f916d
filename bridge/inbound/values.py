"""What a stranger's JSON value means as text, as yes or no, as a moment, as tags.

Knows nothing of GHL or of any field. Rule for editors: nothing here raises; a value of the wrong kind
is "not said" (empty or None), because one odd field must not cost the lead.
"""

import math
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

# A merge field that the sender didn't fill: "{{contact.phone}}".
_UNRESOLVED = re.compile(r"\{\{[^{}]*\}\}")
_BREAKS = re.compile("[\t\n\v\f\r\x85\u2028\u2029]+")
# Control characters, and the invisible marks that are copied along with numbers from phone books
# (U+202A … U+202C). Joiners (U+200C, U+200D) stay: emojis and several scripts are spelt with them.
_INVISIBLE = "\0-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff"
_CONTROL = re.compile(f"[{_INVISIBLE}]")
# Exactly so, as GHL and JavaScript spell it: there are people named Null.
_NOT_SAID = frozenset({"null", "undefined"})

_YES = frozenset({"true", "yes", "y", "1", "on", "active", "permanent"})
_NO = frozenset({"false", "no", "n", "0", "off", "inactive"})

_EPOCH = re.compile(r"[0-9]{1,16}(\.[0-9]{1,9})?")
_MILLISECONDS_FROM = 1e11  # as seconds the year 5138, as milliseconds 1973
_YEAR_2000, _YEAR_2100 = 946_684_800.0, 4_102_444_800.0  # outside it is no event's time

_CLEANED_LEVELS = 4  # of lists and objects inside a custom field; deeper they stay as sent


def text(value: Any) -> str:
    """One line of text, "" when there is none. 15551234567.0 is "15551234567", a list is nothing."""
    match value:
        case str():
            return _tidy(value if value.isprintable() else _BREAKS.sub(" ", value))
        case bool():
            return ""
        case int() | float():
            return _digits(value)
        case _:
            return ""


def plain(value: Any, levels: int = _CLEANED_LEVELS) -> Any:
    """A custom value as sent, but for what no one meant: unresolved fields, "null", control characters."""
    match value:
        case str():
            return _tidy(value)
        case bool() | int():
            return value
        case float():
            return value if math.isfinite(value) else ""
        case list() | tuple():
            return [plain(item, levels - 1) for item in value] if levels else list(value)
        case Mapping():
            return {key: plain(item, levels - 1) for key, item in value.items()} if levels else dict(value)
        case _:
            return ""


def flag(value: Any) -> bool | None:
    """Yes, no, or None when the value says neither."""
    if isinstance(value, bool):
        return value
    word = text(value).lower()
    if word in _YES:
        return True
    return False if word in _NO else None


def unfilled(value: Any) -> bool:
    """Whether it is a merge field that the sender left as it was: "{{contact.phone}}"."""
    return isinstance(value, str) and "{{" in value and not text(value)


def says(value: Any) -> bool:
    """Whether a value is there at all, be it empty. Null and an unfilled merge field aren't."""
    if isinstance(value, str):
        return not unfilled(value) and value.strip() not in _NOT_SAID
    return value is not None


def moment(value: Any) -> float | None:
    """Unix seconds of an ISO 8601 text or an epoch in seconds or milliseconds.

    A time without an offset is None: read in the wrong zone it would lie hours ahead, and every event
    that really came later would be stale.
    """
    word = text(value)
    try:
        if _EPOCH.fullmatch(word):
            number = float(word)
            seconds = number / 1000 if number >= _MILLISECONDS_FROM else number
        else:
            at = datetime.fromisoformat(word.upper())
            if at.utcoffset() is None:
                return None
            seconds = at.timestamp()
    except (ValueError, OverflowError):
        return None
    return seconds if _YEAR_2000 <= seconds < _YEAR_2100 else None


def tags(value: Any) -> tuple[str, ...]:
    """Tags from a list (of lists), or from comma-separated text; in order, without repeats.

    A comma in a list's item belongs to the tag; in text it can't be told from a separator.
    """
    if isinstance(value, list | tuple):
        flat = [part for item in value for part in (item if isinstance(item, list | tuple) else (item,))]
        found = (text(item) for item in flat)
    else:
        found = (text(part) for part in text(value).split(","))
    return tuple(dict.fromkeys(tag for tag in found if tag))


def _tidy(value: str) -> str:
    if not value.isprintable():  # nearly all are, and three searches for each text add up
        value = _CONTROL.sub("", value)
    if "{{" in value:
        value = _UNRESOLVED.sub("", value)
    tidy = value.strip()
    return "" if tidy in _NOT_SAID else tidy


def _digits(number: float) -> str:
    try:
        return str(int(number)) if number == int(number) else str(number)
    except (ValueError, OverflowError):  # NaN, infinity, or more digits than Python will print
        return ""
