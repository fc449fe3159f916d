"""A stranger's text made fit to be read: unseen signs away, one line, cut at a word; entities decoded.

Knows signs and lengths; knows no field of a lead. Rule for editors: any text may come in, nothing may
raise, and a cut never leaves half a sign (a letter without its accent, a part of an emoji).
"""

import html
import re
import unicodedata
from collections.abc import Mapping
from typing import Any, Final

from bridge.rules.values import plain_text

# Controls and lone surrogates; marks that can't be seen and turn or join the signs beside them.
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_INVISIBLE: Final = re.compile(
    r"[\u00ad\u034f\u061c\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff"
    r"\ufff9-\ufffb\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
# Letters by their category, and blank: Hangul's fillers, the braille sign without a dot.
_BLANK: Final = re.compile(r"[\u115f\u1160\u2800\u3164\uffa0]")
# Only with its semicolon: "AT&T" and "R&D &copy" are meant as they are written.
_ENTITY: Final = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")

_LEVELS: Final = 50  # of a payload; what lies deeper is no text of a lead

_JOINERS: Final = "\u200c\u200d"  # unseen, but Persian words and emoji are made with them
_LONGEST_SIGN: Final = 24  # code points of one sign that a cut steps over; longer ones are no writing


def line(value: Any) -> str:
    """The value as one line of text without controls, unseen signs and needless blanks."""
    return " ".join(clean(plain_text(value)).split())


def decoded(value: Any, levels: int = _LEVELS) -> Any:
    """The value, its texts without HTML entities (`&#39;`, `&amp;`), which forms and CRMs leave in them.

    Once: what was encoded twice stays visible. The readers of `inbound` do the same for all they read.
    """
    if isinstance(value, str):
        return _ENTITY.sub(lambda found: html.unescape(found[0]), value) if "&" in value else value
    if levels and isinstance(value, Mapping):
        return {key: decoded(item, levels - 1) for key, item in value.items()}
    if levels and isinstance(value, list):
        return [decoded(item, levels - 1) for item in value]
    return value


def clean(text: str) -> str:
    """The text without what can't be seen; a control or a blank letter becomes a blank."""
    if text.isascii() and text.isprintable():
        return text
    return _INVISIBLE.sub("", _BLANK.sub(" ", _CONTROL.sub(" ", text)))


def units(text: str) -> int:
    """The text's length as JavaScript counts it: in UTF-16 units."""
    return len(text) if text.isascii() else len(text) + sum(sign > "\uffff" for sign in text)


def signs(text: str) -> int:
    """How many signs a reader sees: an accent, a joiner or a part of an emoji is none of its own.

    A vowel sign that takes room of its own (Mc: Devanagari, Tamil, Thai …) counts: it is written.
    """
    if text.isascii():
        return len(text)
    count = 0
    before = ""
    for sign in unicodedata.normalize("NFC", text):
        joined = _belongs(before, sign)
        count += not joined and sign not in _JOINERS
        before = "" if joined and _is_flag(sign) else sign  # the third letter begins the next flag
    return count


def cut(text: str, limit: int) -> tuple[str, str]:
    """At most `limit` UTF-16 units, ending with a whole word unless that would lose half of it."""
    if units(text) <= limit:
        return text, ""
    end = len(text[:limit].encode("utf-16-le", "replace")[: 2 * limit].decode("utf-16-le", "ignore"))
    space = text.rfind(" ", limit // 2, end + 1)
    kept = text[: space if space > 0 else _between_signs(text, end)]
    return kept.rstrip().rstrip(_JOINERS), f"cut to {limit} characters"


def _between_signs(text: str, end: int) -> int:
    """The last place up to `end` that parts no sign."""
    lowest = max(1, end - _LONGEST_SIGN)
    at = end
    while at > lowest and (_belongs(text[at - 1], text[at]) or text[at] in _JOINERS):
        at -= 1
    return at if at > lowest else end


def _belongs(before: str, sign: str) -> bool:
    """Whether the sign is a part of the sign before it."""
    if sign.isascii():
        return False
    return (
        before == "\u200d"
        or unicodedata.category(sign) in ("Mn", "Me")
        or "\U0001f3fb" <= sign <= "\U0001f3ff"  # the colours of skin
        or (_is_flag(sign) and bool(before) and _is_flag(before))
    )


def _is_flag(sign: str) -> bool:
    """One of the letters that are a flag in pairs."""
    return "\U0001f1e6" <= sign <= "\U0001f1ff"
