"""Fitting values to Fusion's limits (facts/fusion.md §1): each function gives (what fits, a warning or '').

Knows the limits; knows nothing of rules, routes or where a value came from. Rule for editors: any JSON
value may come in, and nothing may raise: what can't be repaired is left out, with a warning.
"""

import math
import re
import unicodedata
from typing import Any, Final

from email_validator import EmailNotValidError, validate_email

from bridge.rules.values import flat, plain_text

# Lengths are those of a JavaScript validator: UTF-16 units (facts/fusion.md §1).
NAME_MIN: Final = 2
NAME_MAX: Final = 100
COMPANY_MAX: Final = 100
EMAIL_MAX: Final = 254
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

# Controls and lone surrogates; marks that can't be seen and turn or join what stands beside them.
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_INVISIBLE: Final = re.compile(r"[\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]")
_TAG: Final = re.compile(rf"[A-Za-z0-9_-]{{1,{TAG_MAX}}}")
_NOT_IN_TAG: Final = re.compile(r"[^A-Za-z0-9_-]+")
# Letters that Unicode doesn't take apart into a plain letter and an accent.
_LETTERS: Final = str.maketrans(
    {"ß": "ss", "æ": "ae", "Æ": "AE", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "œ": "oe"}
    | {"Œ": "OE", "þ": "th", "Þ": "Th", "ð": "d", "ı": "i"}
)


def name(value: Any) -> tuple[str, str]:
    """One line of 2 to 100 characters, cut at a word; '' when there is nothing, or too little."""
    text = _line(value)
    if text and units(text) < NAME_MIN:
        return "", f"shorter than {NAME_MIN} characters"
    return _cut(text, NAME_MAX)


def company(value: Any) -> tuple[str, str]:
    """One line of at most 100 characters, cut at a word."""
    return _cut(_line(value), COMPANY_MAX)


def email(value: Any) -> tuple[str, str]:
    """A valid address in ASCII (domains in other letters as punycode); '' when it isn't one."""
    text = _line(value)
    if not text:
        return "", ""
    if len(text) > EMAIL_MAX:
        return "", f"longer than {EMAIL_MAX} characters, left out"
    try:
        # No DNS: a name server that is down mustn't cost a lead its address.
        valid = validate_email(text, check_deliverability=False, allow_smtputf8=False)
    except (EmailNotValidError, ValueError):
        return "", "not a valid address, left out"
    address = valid.ascii_email or ""
    return (address, "") if 0 < len(address) <= EMAIL_MAX else ("", "not a usable address, left out")


def spell_tags(value: Any, *, as_is: bool = False) -> tuple[tuple[str, ...], str]:
    """The tags of one rule: lists flattened, each text one tag, spelt with [A-Za-z0-9_-], at most 50 long.

    `as_is` keeps the spelling. What leaves nothing to spell is left out with a warning.
    """
    spelt: list[str] = []
    warnings: list[str] = []
    for text in filter(None, map(_line, flat(value))):
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
    text = _clean(plain_text(value)).strip()
    if not text:
        return None, "neither text nor number, left out" if isinstance(value, dict) and value else ""
    return _cut(text, CUSTOM_TEXT_MAX)


def units(text: str) -> int:
    """The text's length as JavaScript counts it."""
    return len(text) if text.isascii() else len(text) + sum(sign > "\uffff" for sign in text)


def _line(value: Any) -> str:
    return " ".join(_clean(plain_text(value)).split())


def _clean(text: str) -> str:
    if text.isascii() and text.isprintable():
        return text
    return _INVISIBLE.sub("", _CONTROL.sub(" ", text))


def _cut(text: str, limit: int) -> tuple[str, str]:
    """At most `limit` UTF-16 units, ending with a whole word unless that would lose half of it."""
    if units(text) <= limit:
        return text, ""
    end = limit
    while units(text[:end]) > limit:
        end -= 1
    while end > 1 and unicodedata.combining(text[end]):  # a letter keeps its accents
        end -= 1
    space = text.rfind(" ", limit // 2, end + 1)
    return text[: space if space > 0 else end].rstrip(), f"cut to {limit} characters"


def _spell(text: str) -> str:
    if _TAG.fullmatch(text):
        return text
    # One sign may become eighteen, and only the first 50 letters are kept.
    decomposed = unicodedata.normalize("NFKD", text[:_TAG_READ].translate(_LETTERS))
    letters = "".join(sign for sign in decomposed if not unicodedata.combining(sign))
    return re.sub("-{2,}", "-", _NOT_IN_TAG.sub("-", letters)).strip("-")
