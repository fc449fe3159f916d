"""What a stranger's JSON value means as text, as yes or no, as a moment, as tags.

Knows nothing of GHL or of any field. Rule for editors: nothing here raises; a value of the wrong kind
is "not said" (empty or None), because one odd field must not cost the lead.
"""

import html
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any

import orjson
import phonenumbers

from bridge import dates

# A merge field that the sender didn't fill: "{{contact.phone}}".
_UNRESOLVED = re.compile(r"\{\{[^{}]*\}\}")
_BREAKS = re.compile("[\t\n\v\f\r\x85\u2028\u2029]+")
# Control characters, and the invisible marks that are copied along with numbers from phone books
# (U+202A … U+202C). Joiners (U+200C, U+200D) stay: emojis and several scripts are spelt with them.
_INVISIBLE = "\0-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff"
_CONTROL = re.compile(f"[{_INVISIBLE}]")
# Only with its semicolon: "AT&T" and "?a=1&copy=2" are none.
_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
# Exactly so, as GHL and JavaScript spell it: there are people named Null.
_NOT_SAID = frozenset({"null", "undefined", "NaN", "[object Object]"})
_NO_NAME = frozenset({"null", "undefined"})

_YES = frozenset({"true", "yes", "y", "1", "on", "active", "permanent"})
_NO = frozenset({"false", "no", "n", "0", "off", "inactive"})

_EPOCH = re.compile(r"[0-9]{1,16}(\.[0-9]{1,9})?")
_MILLISECONDS_FROM = 1e11  # as seconds the year 5138, as milliseconds 1973
_YEAR_2000, _YEAR_2100 = 946_684_800.0, 4_102_444_800.0  # outside it is no event's time

_CLEANED_LEVELS = 4  # of lists and objects inside a custom field; deeper they stay as sent
_LEVELS = 4  # of lists and objects around a text
_ITEMS = 100  # of a list that is looked through for a text
# Where an object holds its text, in this order. With one of the first words the others are only its label.
_HELD = (
    "value", "number", "phone", "phoneNumber", "phone_number", "e164", "email", "address", "full", "text",
)  # fmt: skip
_PRIMARY = ("primary", "isPrimary", "is_primary")
_LABELLED = ("name", "label", "title")
_CALLING = ("callingCode", "calling_code", "countryCallingCode", "dialCode", "countryCode", "country_code")
_CODE = re.compile(r"\+?[1-9][0-9]{0,3}")
_NAMES = (("first", "last"), ("firstName", "lastName"), ("first_name", "last_name"), ("given", "family"))
_TAG_HELD = ("name", "label", "tag", "value", "title", "text")
_LISTED = re.compile(r"\[.*\]|\{.*\}", re.DOTALL)
_IN_BRACKETS = re.compile(r"\[[^\[\]]*\]")  # "[vip, new]", as no program of JSON writes it


@dataclass(frozen=True, slots=True)
class Zone:
    """How a source writes dates and times without saying it each time."""

    zone: tzinfo | None = None  # of times without one; None: such a time isn't guessed
    day_first: bool = False  # 03/04/2026 is the third of April


NO_ZONE = Zone()


def text(value: Any, levels: int = _LEVELS) -> str:
    """One line of text, "" when there is none: 15551234567.0 is "15551234567".

    A list is its primary item, else the first that gives a text; an object its value, number, phone, name …
    """
    match value:
        case str():
            return _tidy(value)
        case bool():
            return ""
        case int() | float():
            return _digits(value)
        case list() | tuple() if levels:
            return next(
                filter(None, (text(item, levels - 1) for item in sorted(value[:_ITEMS], key=_second))), ""
            )
        case Mapping() if levels:
            return _held(value, levels - 1)
        case _:
            return ""


def _second(item: Any) -> bool:
    """Of a person's phones the primary one is first: [{"value": "…"}, {"value": "…", "primary": true}]."""
    primary = isinstance(item, Mapping) and next((item[word] for word in _PRIMARY if word in item), None)
    return flag(primary) is not True


def name(said: str) -> str:
    """A name without what programs put into it for no name: "null null" is "", "Ann null" is "Ann"."""
    if "null" not in said and "undefined" not in said:
        return said
    return " ".join(word for word in said.split() if word not in _NO_NAME)


def plain(value: Any, levels: int = _CLEANED_LEVELS) -> Any:
    """A custom value as sent, but for what no one meant: unresolved fields, "null", control characters."""
    match value:
        case str():
            return _tidy(value, lines=True)
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
    if isinstance(value, list | tuple | Mapping):
        return None
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


def moment(value: Any, written: Zone = NO_ZONE) -> float | None:
    """Unix seconds of a time as programs and people write it, or of an epoch in seconds or milliseconds.

    A time that says no zone is read in the source's; without one it is None: read in the wrong zone it
    would lie hours ahead, and every event that really came later would be stale. So is a date without a time.
    """
    word = text(value) if not isinstance(value, Mapping) else ""
    try:
        if _EPOCH.fullmatch(word):
            number = float(word)
            seconds = number / 1000 if number >= _MILLISECONDS_FROM else number
        else:
            at = _time(word, written)
            if at is None or at.utcoffset() is None:
                return None
            seconds = at.timestamp()
    except (ValueError, OverflowError):
        return None
    return seconds if _YEAR_2000 <= seconds < _YEAR_2100 else None


def time_doubt(word: str, value: Any, written: Zone) -> str:
    """What the operator must know of a value that should be a time; '' when it was read, or isn't there."""
    shown = text(value)[:40]
    if not shown:
        return f"{word}: the merge field wasn't filled" if unfilled(value) else ""
    if moment(value, written) is not None:
        return ""
    read = None if _EPOCH.fullmatch(text(value)) else dates.read(text(value), day_first=written.day_first)
    counts = "the event counts by its arrival"
    if read is None:
        return f"{word}: {shown!r} isn't understood as a time, so {counts}: write 2026-11-03T16:15:00-05:00"
    if not read.clock:
        return f"{word}: {shown!r} is a date without a time of day, so {counts}"
    if read.at.utcoffset() is None and written.zone is None:
        return f"{word}: {shown!r} says no time zone, so {counts}: give the source a `timezone`"
    return f"{word}: {shown!r} can't be the time of an event, so {counts}"


def is_date(word: str) -> bool:
    """Whether a text is the date of something, with or without a time."""
    read = dates.read(word)
    return read is not None and 2000 <= read.at.year < 2100


def tags(value: Any) -> tuple[str, ...]:
    """Tags from a list, an object, or text (separated by commas, or JSON); in order, without repeats.

    A comma in a list's item belongs to the tag; in text it can't be told from a separator.
    """
    return tuple(dict.fromkeys(tag for tag in _tags(value, _LEVELS) if tag))


def _tags(value: Any, levels: int) -> Iterable[str]:
    match value:
        case str() if _LISTED.fullmatch(value.strip()):
            return _tags_of_json(value.strip(), levels)
        case list() | tuple() if levels:
            return [
                tag
                for item in value
                for tag in (
                    (text(item),)
                    if isinstance(item, str) and not _LISTED.fullmatch(item.strip())
                    else _tags(item, levels - 1)
                )
            ]
        case Mapping() if levels:
            return _tags_of_object(value, levels - 1)
        case Mapping() | list() | tuple():
            return ()
        case _:
            return (text(part) for part in text(value).split(","))


def _tags_of_json(said: str, levels: int) -> Iterable[str]:
    try:
        return _tags(orjson.loads(said), levels) if levels else ()
    except orjson.JSONDecodeError:
        if not _IN_BRACKETS.fullmatch(said):
            return (text(part) for part in text(said).split(","))
        return (text(part.strip().strip("\"'")) for part in said[1:-1].split(","))


def _tags_of_object(value: Mapping[str, Any], levels: int) -> Iterable[str]:
    """The tag in an object, {"name": "vip"}; of {"vip": true, "new": false} those that are true."""
    held = next(
        (value[word] for word in _TAG_HELD if word in value and not isinstance(value[word], bool)), None
    )
    if held is not None:
        return (text(held),) if isinstance(held, str) else _tags(held, levels)
    if value and all(isinstance(each, bool) for each in value.values()):
        return [text(key) for key, each in value.items() if each]
    if value and all(str(key).isdecimal() for key in value):
        return _tags(list(value.values()), levels)
    return ()


def _held(value: Mapping[str, Any], levels: int) -> str:
    for words in (_HELD, _LABELLED):
        present = [word for word in words if word in value]
        found = next(filter(None, (text(value[word], levels) for word in present)), "")
        if found and words is _HELD:
            return _with_code(value, found)
        if found or present:
            return found
    parts = ([text(value.get(word), 0) for word in pair] for pair in _NAMES)
    return next(filter(None, (" ".join(filter(None, pair)) for pair in parts)), "")


def _with_code(value: Mapping[str, Any], number: str) -> str:
    """The number with the calling code beside it: {"countryCode": "+1", "number": "2025550142"}."""
    codes = [text(value[word], 0) for word in _CALLING if word in value]
    code = next((code.removeprefix("+") for code in codes if _CODE.fullmatch(code)), "")
    if number.startswith(("+", "00")) or not any(map(str.isdigit, number)):
        return number
    if code:
        return f"+{code}{number}"
    region = next((code.upper() for code in codes if code.upper() in phonenumbers.SUPPORTED_REGIONS), "")
    try:
        read = phonenumbers.parse(number, region) if region else None
    except phonenumbers.NumberParseException:
        return number
    return phonenumbers.format_number(read, phonenumbers.PhoneNumberFormat.E164) if read else number


def _time(word: str, written: Zone) -> datetime | None:
    read = dates.read(word, day_first=written.day_first)
    if read is None or not read.clock:
        return None
    return read.at if read.at.utcoffset() is not None else read.at.replace(tzinfo=written.zone)


def _tidy(value: str, *, lines: bool = False) -> str:
    if "&" in value:  # decoded once: what was encoded twice stays visible
        value = _ENTITY.sub(_character, value)
    if not value.isprintable():  # nearly all are, and three searches for each text add up
        value = _CONTROL.sub("", value if lines else _BREAKS.sub(" ", value))
    if "{{" in value:
        value = _UNRESOLVED.sub("", value)
    tidy = value.strip()
    return "" if tidy in _NOT_SAID else tidy


def _character(entity: re.Match[str]) -> str:
    return html.unescape(entity[0]).replace("\xa0", " ")


def _digits(number: float) -> str:
    try:
        return str(int(number)) if number == int(number) else str(number)
    except (ValueError, OverflowError):  # NaN, infinity, or more digits than Python will print
        return ""
