"""Misspelt names: what an expression looked for in vain, beside what the event nearly calls so.

Knows names, not what they mean. Rule for editors: a look-up that fails is the normal case, so a hint must
be cheap, and only for a name that nobody would use for another field beside the one that is there.
"""

import difflib
import re
from collections.abc import Mapping
from contextvars import ContextVar
from functools import lru_cache
from typing import Any, Final

from bridge.rules.values import fold

_SHORTEST: Final = 4  # letters: of shorter names every second one is near
_LONGEST: Final = 60
_KEYS: Final = 200  # of a mapping that is looked through
_NEAR: Final = 0.8  # "Rof type" and "Roof type" have 0.94, "first_name" and "last_name" 0.74
_HINTS: Final = 3  # they go with the event
_SHOWN: Final = 60
_DIGITS: Final = re.compile(r"\d+")

_MISSED: ContextVar[list[str] | None] = ContextVar("missed", default=None)


class hinting:  # noqa: N801 - reads as `with hinting() as hints:`
    """Collects the hints of one evaluation."""

    __slots__ = ("_token",)

    def __enter__(self) -> list[str]:
        hints: list[str] = []
        self._token = _MISSED.set(hints)
        return hints

    def __exit__(self, *_error: object) -> None:
        _MISSED.reset(self._token)


def missed(name: str, names: Mapping[str, Any]) -> None:
    """Note what `name` may have meant, of the names that there are."""
    hints = _MISSED.get()
    if hints is None or len(hints) >= _HINTS or len(names) > _KEYS or len(name) > _LONGEST:
        return
    looked_for = fold(name)
    for each in names:
        if isinstance(each, str) and len(each) <= _LONGEST and _close(looked_for, fold(each)):
            hint = f"there is no `{name}`: did you mean `{each[:_SHOWN]}`?"
            if hint not in hints:
                hints.append(hint)
            return


@lru_cache(maxsize=8192)  # the same rules look in vain for the same names, event after event
def _close(one: str, other: str) -> bool:
    if one == other:
        return bool(one)
    if min(len(one), len(other)) < _SHORTEST or _DIGITS.findall(one) != _DIGITS.findall(other):
        return False  # "phone_1" and "phone_2" are two fields
    ours, theirs = set(one.split("_")), set(other.split("_"))
    if ours < theirs or theirs < ours or one.removesuffix("id") == other.removesuffix("id"):
        return False  # "contact" and "contact_id", "type" and "roof_type"
    alike = difflib.SequenceMatcher(None, one, other, autojunk=False)
    return alike.quick_ratio() >= _NEAR and alike.ratio() >= _NEAR
