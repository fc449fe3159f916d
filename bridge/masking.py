"""How people and secrets may be shown in logs, errors and answers. Pure text in, text out.

Rule for editors: whatever leaves the process for a person to read goes through here, so that "masked" means
the same everywhere: `+1415•••0101`, `a***@example.com`.
"""

import re
from collections.abc import Iterable

# Looked for where a word begins and nowhere inside it: else a long word without an @ would take its square.
# A word with two of them goes up to the last; in an address of the web an @ is a %40, and a + a %2B.
_WORD = r"[^\s@<>\"',;:()\[\]{}]"
_WORD_OR_AT = r"[^\s<>\"',;:()\[\]{}]"
_EMAIL = re.compile(rf"(?<!{_WORD})({_WORD}){_WORD_OR_AT}*(?:@|%40)({_WORD}+)|\"[^\"@\n]+\"@({_WORD}+)")
# Behind a plus 7 digits or more, whatever stands around them.
_INTERNATIONAL = r"(?:\+|(?<=%2B)|(?<=%2b))\(?\d(?:[ ().\-]{0,3}\d){6,}"
# Without one the 10 to 15 that Fusion takes. Digits that are part of a UUID, a date with a time, or a longer
# number are none: the edges must not touch a word (but an extension), a dash or dot of one, a time's colon.
_NATIONAL = r"(?<![\w+])(?<!\w[\-.])(?<!\d:)\(?\d(?:[ ().\-]{0,3}\d){9,14}"
_NATIONAL += r"(?:(?!\w|[\-.:]\w)|(?= ?(?:x|ext)\.? ?\d))"
_PHONE = re.compile(f"{_INTERNATIONAL}|{_NATIONAL}")


def mask_phone(text: str) -> str:
    """The number as it may be shown: "+1415•••0101"; little of it where it is short."""
    figures = re.sub(r"[^0-9+]", "", text)
    if len(figures) < 10:
        return f"•••{figures[-2:]}" if len(figures) > 4 else "•••"
    return f"{figures[: len(figures) - 7][:5]}•••{figures[-4:]}"


def mask_text(text: str, secrets: Iterable[str] = ()) -> str:
    """Text from anywhere with every phone and e-mail masked, and every secret gone."""
    for secret in secrets:
        if secret in text:
            text = text.replace(secret, "•••")
    if "@" in text or "%40" in text:
        text = _EMAIL.sub(lambda found: f"{found[1] or ''}***@{found[2] or found[3]}", text)
    return _PHONE.sub(lambda found: mask_phone(found.group()), text)
