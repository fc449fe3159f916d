"""What is a name: 2 to 100 characters however they are counted, and not what programs write for none.

Knows the words and signs that mean "no name"; knows nothing of rules. Rule for editors: what may be a
person's name stays one ("Nil", "Na" and "Null" are), because a name that is taken away may cost the lead.
"""

import re
import unicodedata
from typing import Any, Final

from bridge.rules.spelling import cut, line, signs

# Lengths count as a JavaScript validator's (UTF-16 units); others count code points, or signs. 2 of a sign
# that is seen are 2 of every kind, and 100 units are at most 100 of any.
NAME_MIN: Final = 2
NAME_MAX: Final = 100
_READ: Final = 1000  # characters of a value that are looked at

# In any case; with or without brackets, dots and dashes around them.
_NO_NAME: Final = frozenset(
    {"null", "undefined", "none", "n/a", "n.a", "n.a.", "n\\a", "#n/a", "object object", "null-null"}
    | {"not provided", "not available", "not applicable", "not set", "no name", "false", "empty"}
    | {"#ref", "#value", "#name", "#error", "unknown", "unknown caller", "unknown name", "anonymous"}
    | {"anonymous caller", "wireless caller", "private caller", "private number", "no caller id"}
)
# Names of people when they are written otherwise ("Nil", "Na", "Nan").
_NO_NAME_AS_WRITTEN: Final = frozenset({"nil", "NIL", "na", "NA", "nan", "NaN", "NAN"})
# A part of a name only as programs write it: "Jennifer Null" is a person.
_NO_PART: Final = frozenset({"null", "undefined", "None", "NaN", "N/A", "n/a", "#N/A"})
_AROUND: Final = "()[]{}<>\"'`“”‘’«»"
# Merge fields that a CRM didn't fill: names of fields, not of people.
_UNFILLED: Final = re.compile(r"\{\{.*?\}\}")
# What a CRM puts there for a caller whom it doesn't know: nobody is greeted by a number.
_NUMBER: Final = re.compile(r"\+?(?:[\s().-]*[0-9]){7,}[\s().-]*")
_HOLLOW: Final = re.compile(r"\(\s*\)|\[\s*\]|\{\s*\}|<\s*>")


def fit_name(value: Any) -> tuple[str, str]:
    """One line of 2 to 100 characters, cut at a word, and a warning or ''; '' when it is no name."""
    text = line(value)[:_READ]
    found = _without_nothing(text)
    if not found:
        return "", "says no name" if any(sign.isalnum() for sign in text) else ""
    if signs(found) < NAME_MIN:
        return "", f"shorter than {NAME_MIN} characters"
    return cut(found, NAME_MAX)


def _without_nothing(text: str) -> str:
    """The name without the parts that mean a missing one; '' when no part is left."""
    text = _HOLLOW.sub(" ", _UNFILLED.sub(" ", text))
    words = text.split()
    if all(map(_is_nothing, words)) or _is_nothing(" ".join(words)):
        return ""
    words = [word for word in words if word.strip(_AROUND + ",;") not in _NO_PART]
    while words and _is_punctuation(words[0]):
        del words[0]
    while words and _is_punctuation(words[-1]):
        del words[-1]
    if words:
        words[-1] = words[-1].rstrip(",;:") or words[-1]
        words[0] = words[0].lstrip(",;:") or words[0]
    return " ".join(words)


def _is_nothing(text: str) -> bool:
    bare = text.strip(_AROUND + " ,;:!?*_-–—")
    known = bare in _NO_NAME_AS_WRITTEN or bare.casefold() in _NO_NAME
    return known or _is_punctuation(bare) or _NUMBER.fullmatch(bare) is not None


def _is_punctuation(word: str) -> bool:
    """No letter, no digit and no picture: dashes, dots, signs that can't be seen."""
    return all(_marks_nothing(sign) for sign in word)


def _marks_nothing(sign: str) -> bool:
    if sign.isascii():
        return not sign.isalnum()
    category = unicodedata.category(sign)
    return category[0] in "PZCM" or category in ("Sk", "Sm", "Sc")
