"""Fitting values to Fusion's limits (facts/fusion.md §1): each function gives (what fits, a warning or '').

Knows the limits; knows nothing of rules, routes or where a value came from. Rule for editors: any JSON
value may come in, and nothing may raise: what can't be repaired is left out, with a warning.
"""

import math
import re
import unicodedata
from typing import Any, Final

from bridge.rules.spelling import clean, cut, line
from bridge.rules.values import flat, plain_text

# Lengths are those of a JavaScript validator: UTF-16 units (facts/fusion.md §1).
COMPANY_MAX: Final = 100
TAG_MAX: Final = 50
TAGS_MAX: Final = 20
_TAG_READ: Final = 1000  # characters of a tag that are looked at
CUSTOM_TEXT_MAX: Final = 1000
CUSTOM_FIELDS_MAX: Final = 20
CUSTOM_KEY: Final = re.compile(r"[a-zA-Z0-9_-]+", re.ASCII)
_WARNINGS_MAX: Final = (
    3  # about the tags of one rule; they go with the event, and a payload may hold thousands
)
# JavaScript reads whole numbers beyond this inexactly, and JSON libraries refuse them beyond 64 bits.
SAFE_INTEGER: Final = 2**53 - 1

_TAG: Final = re.compile(rf"[A-Za-z0-9_-]{{1,{TAG_MAX}}}")
_NOT_IN_TAG: Final = re.compile(r"[^A-Za-z0-9_-]+")
# Letters that Unicode doesn't take apart into a plain letter and an accent.
_LETTERS: Final = str.maketrans(
    {"ß": "ss", "æ": "ae", "Æ": "AE", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "œ": "oe"}
    | {"Œ": "OE", "þ": "th", "Þ": "Th", "ð": "d", "ı": "i"}
)


def company(value: Any) -> tuple[str, str]:
    """One line of at most 100 characters, cut at a word."""
    return cut(line(value), COMPANY_MAX)


def spell_tags(value: Any, *, as_is: bool = False) -> tuple[tuple[str, ...], str]:
    """The tags of one rule: lists flattened, each text one tag, spelt with [A-Za-z0-9_-], at most 50 long.

    `as_is` keeps the spelling. What leaves nothing to spell is left out with a warning.
    """
    spelt: list[str] = []
    warnings: list[str] = []
    for text in filter(None, map(line, flat(value))):
        tag = text if as_is else _spell(text)
        if not tag:
            warnings.append(f"tag {text[:TAG_MAX]!r} has no letter that Fusion takes, left out")
        elif not as_is and len(tag) > TAG_MAX:
            tag = tag[:TAG_MAX].rstrip("-")
            warnings.append(f"tag {tag!r} cut to {TAG_MAX} characters")
        if tag:
            spelt.append(tag)
    more = [f"{len(warnings) - _WARNINGS_MAX} more like it"] if len(warnings) > _WARNINGS_MAX else []
    return tuple(spelt), "; ".join(warnings[:_WARNINGS_MAX] + more)


def join_tags(tags: tuple[str, ...]) -> tuple[tuple[str, ...], str]:
    """The tags without repeats (upper and lower case alike: GHL makes them lower), the first 20 of them."""
    first: dict[str, str] = {}
    for tag in tags:
        first.setdefault(tag.casefold(), tag)
    kept = tuple(first.values())
    if len(kept) <= TAGS_MAX:
        return kept, ""
    return kept[:TAGS_MAX], f"{len(kept)} tags, only the first {TAGS_MAX} kept"


def custom_field(value: Any) -> tuple[str | int | float | bool | None, str]:
    """A text of at most 1000 characters (lists joined with commas), number or boolean; None when empty."""
    if isinstance(value, bool):
        return value, ""
    if isinstance(value, int) and abs(value) <= SAFE_INTEGER:
        return value, ""
    if isinstance(value, float):
        return (value, "") if math.isfinite(value) else (None, "not a number, left out")
    text = clean(plain_text(value)).strip()
    if not text:
        return None, "neither text nor number, left out" if isinstance(value, dict) and value else ""
    return cut(text, CUSTOM_TEXT_MAX)


def _spell(text: str) -> str:
    if _TAG.fullmatch(text):
        return text
    # One sign may become eighteen, and only the first 50 letters are kept.
    decomposed = unicodedata.normalize("NFKD", text[:_TAG_READ].translate(_LETTERS))
    letters = "".join(sign for sign in decomposed if not unicodedata.combining(sign))
    return re.sub("-{2,}", "-", _NOT_IN_TAG.sub("-", letters)).strip("-")
