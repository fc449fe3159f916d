"""Dates and times as people, forms and programs write them: "Nov 3, 2026 4:15pm", "3.11.2026 16:15 CET".

Pure: reads no clock, so that what isn't said (a year, a day) is never taken from today. Rule for editors: a
text that could be read in two ways is read in the one that its region writes, and a zone that isn't said
is never guessed here.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

# Where the month comes first. (Canada writes both; its business software, mostly American, this one.)
MONTH_FIRST = frozenset({"US", "AS", "CA", "FM", "GU", "MH", "MP", "PH", "PR", "PW", "UM", "VI"})

_LONGEST = 80
_DIGITS = re.compile(r"\d")
_YEAR_FIRST = re.compile(r"\D*\d{4}\D?\d")
_DOTTED = re.compile(r"(?<!\d)\d{1,2}\.\s?\d{1,2}\.\s?\d{2,4}(?!\d)")
_CLOCK = re.compile(r"\d{1,2}\s?([:.h]\s?\d{2}|[ap]\.?m\b)|T\d{4}", re.IGNORECASE)
_TIME = re.compile(r"(?<![\d:])\d{1,2}:\d{2}")
_BESIDE_CLOCK = re.compile(r"\s(?:@|à|um)\s|\s*\bUhr\b\.?", re.IGNORECASE)
# A form that wasn't escaped makes a blank of the plus: 2026-11-30T16:15:00 05:30.
_LOST_PLUS = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?) (?=(?:0\d|1[0-4]):?\d\d$)")
_REMARK = re.compile(r"\s*\((?![^)]*\d)[^)]*\)\s*$")  # "(Eastern Standard Time)"
_IANA = re.compile(r"\s*\[?\b([A-Z][A-Za-z]+(?:/[A-Za-z_+-]+){1,2})\]?$")
_OFFSET = re.compile(r"(?<=[\dmMzZ\sTC])\s*(?:GMT|UTC|Z)?\s*([+-])(\d{1,2})(?::?(\d{2}))?$")
_ABBREVIATION = re.compile(r"\s*\b([A-Za-z]{1,5})$")
_POINT_CLOCK = re.compile(r"(?<!\d)(\d{1,2})[.](\d{2})(?=\s*[ap]\.?m)", re.IGNORECASE)
_WORD = re.compile(r"[^\W\d_]+")
_BY_HOURS = {
    0.0: "UTC GMT Z WET ZULU",
    -10.0: "HST",
    -9.0: "AKST",
    -8.0: "AKDT PST",
    -7.0: "PDT MST",
    -6.0: "MDT CST",
    -5.0: "CDT EST",
    -4.0: "EDT AST",
    -3.5: "NST",
    -3.0: "ADT",
    -2.5: "NDT",
    1.0: "CET MEZ WEST WAT",
    2.0: "CEST MESZ EET SAST CAT",
    3.0: "EEST MSK EAT",
    5.0: "PKT",
    8.0: "SGT AWST",
    9.0: "JST KST",
    9.5: "ACST",
    10.0: "AEST",
    10.5: "ACDT",
    11.0: "AEDT",
    12.0: "NZST",
    13.0: "NZDT",
}
_HOURS = {zone: hours for hours, zones in _BY_HOURS.items() for zone in zones.split()}
# Summer and winter by the day: "ET" is either.
_ZONES = {
    "ET": "America/New_York",
    "CT": "America/Chicago",
    "MT": "America/Denver",
    "PT": "America/Los_Angeles",
}
_MONTHS = "january february march april may june july august september october november december"
_DAYS = "monday tuesday wednesday thursday friday saturday sunday"
_SAID = frozenset(
    {"sept", "tues", "thur", "thurs", "am", "pm", "a", "p", "m", "at", "on", "of", "and", "the"}
    | {"st", "nd", "rd", "th", "t", "h"}
    | {spelt for word in f"{_MONTHS} {_DAYS}".split() for spelt in (word, word[:3])}
)


@dataclass(frozen=True, slots=True)
class Read:
    """A date as it was read; its time of day is midnight where `clock` is false."""

    at: datetime  # with a zone only where the text says one
    clock: bool


def read(text: str, *, day_first: bool = False) -> Read | None:
    """The date, and the time, in a text; None where it doesn't say a day, a month and a year."""
    text = text.strip()
    if not 6 <= len(text) <= _LONGEST or not _DIGITS.search(text):
        return None
    if " " in text:
        text = _LOST_PLUS.sub(r"\1+", text)
    try:
        at = datetime.fromisoformat(text.upper())
    except ValueError:
        return _read(text, day_first=day_first)
    return Read(at, clock=len(text) > 10 and (":" in text or "T" in text.upper()))


def _read(text: str, *, day_first: bool) -> Read | None:
    rest, zone = _zoned(_BESIDE_CLOCK.sub(" ", _REMARK.sub("", text)).strip())
    if len(_TIME.findall(rest)) > 1:
        return None  # from, until: either may be meant
    if any(word.casefold() not in _SAID for word in _WORD.findall(rest)):
        return None  # "nov. 31 o'clock" or another language: a word that is left out may change the meaning
    rest = _POINT_CLOCK.sub(r"\1:\2", rest)
    first = not _YEAR_FIRST.match(rest) and (day_first or bool(_DOTTED.search(rest)))
    at = _parsed(rest, day_first=first)
    if at is None:
        return None
    try:
        return Read(at.replace(tzinfo=zone) if zone else at, clock=bool(_CLOCK.search(rest)))
    except (ValueError, OverflowError):
        return None


def _parsed(text: str, *, day_first: bool) -> datetime | None:
    """By dateutil, twice: what differs wasn't said but taken from the default."""
    # Imported when first needed: it takes 40 ms, and most bridges read ISO 8601 alone.
    from dateutil import parser  # noqa: PLC0415

    defaults = (datetime(2001, 1, 1), datetime(2004, 2, 2))  # noqa: DTZ001 - the zone is read apart
    try:
        one, other = (
            parser.parse(text, dayfirst=day_first, default=default, ignoretz=True) for default in defaults
        )
    except (ValueError, OverflowError, TypeError, AttributeError, IndexError, ArithmeticError):
        return None
    return one if one == other else None


def _zoned(text: str) -> tuple[str, tzinfo | None]:
    """The text without the zone at its end, and that zone."""
    if (named := _IANA.search(text)) and (zone := _named(named[1])):
        inner, offset = _zoned(text[: named.start()])
        return inner, offset or zone
    if (offset_said := _OFFSET.search(text)) and _CLOCK.search(text[: offset_said.start()]):
        sign, hours, minutes = offset_said.groups(default="0")
        ahead = timedelta(hours=int(hours), minutes=int(minutes))
        if ahead < timedelta(hours=15):
            return text[: offset_said.start()], timezone(-ahead if sign == "-" else ahead)
    word = _ABBREVIATION.search(text)
    if word and (found := _abbreviated(word[1].upper())) and _CLOCK.search(text[: word.start()] or " "):
        return text[: word.start()], found
    return text, None


def _abbreviated(word: str) -> tzinfo | None:
    if word in _ZONES:
        return _named(_ZONES[word])
    hours = _HOURS.get(word)
    return None if hours is None else UTC if hours == 0 else timezone(timedelta(hours=hours))


@lru_cache(maxsize=128)
def _named(name: str) -> tzinfo | None:
    try:
        return ZoneInfo(name)
    except (KeyError, OSError, ValueError):  # OSError: the name of a folder of zones
        return None
