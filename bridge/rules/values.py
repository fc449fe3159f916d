"""The values that expressions work on: the empty one, custom fields, and plain data coming out.

Knows how a missing value behaves and how a custom field is found; knows nothing of Jinja's sandbox.
Rule for editors: `Empty` never raises. A contact without a field is the normal case, not an error.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, Final

from jinja2 import Undefined

_NOT_A_WORD: Final = re.compile(r"[\W_]+")
_EXACT: Final = 10**21  # up to here JavaScript writes a number in digits; beyond, nobody reads them
_DEEPEST: Final = 100  # lists within lists; a tenth of Python's own limit
_LABEL: Final = 200  # characters of a field's name that is worth remembering
_FLOATS: Final = 10**300  # whole numbers beyond can't be written with an exponent


class Empty(Undefined):
    """A value that isn't there: missing, null or ''. Falsy, renders as '', and so is all that comes of it.

    Equal to '', None and itself; <, >, <= and >= are False; arithmetic with it is empty again, except
    that adding it to a text or a list changes nothing. Counts as undefined for `default` and `is defined`.
    """

    __slots__ = ()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):  # Python probes for its own protocols by these names
            raise AttributeError(name)
        return self

    def _itself(self, *_args: Any, **_kwargs: Any) -> "Empty":
        return self

    def _false(self, _other: object) -> bool:
        return False

    def _added(self, other: Any) -> Any:
        return other if isinstance(other, (str, list, tuple)) else self

    def __eq__(self, other: object) -> bool:
        return other is None or isinstance(other, Empty) or (isinstance(other, str) and other == "")

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash("")  # equal to '', so it must hash alike

    def __repr__(self) -> str:
        return "Empty"

    def __int__(self) -> int:  # type: ignore[override]  # Jinja's never returns, ours must
        return 0

    def __float__(self) -> float:  # type: ignore[override]
        return 0.0

    __call__ = __getitem__ = _itself  # type: ignore[assignment]
    __lt__ = __le__ = __gt__ = __ge__ = _false  # type: ignore[assignment]
    __add__ = __radd__ = _added
    __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = _itself  # type: ignore[assignment]
    __floordiv__ = __rfloordiv__ = __mod__ = __rmod__ = __pow__ = __rpow__ = _itself  # type: ignore[assignment]
    __neg__ = __pos__ = __abs__ = __round__ = __ceil__ = __floor__ = _itself  # type: ignore[assignment]


EMPTY = Empty()


class Tag(str):
    """A contact's tag, equal to every way of writing it: 'customer' in contact.tags holds for "Customer"."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, str) and self.casefold() == other.casefold()

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(self.casefold())


class CustomFields(Mapping[str, Any]):
    """A contact's custom fields by label, key or id: exactly as sent, else the nearest way of writing it.

    GHL's workflows send labels ("Monthly bill"), its app events ids, its API keys ("contact.monthly_bill"):
    all three find the same field (facts: GHL's custom fields).
    """

    __slots__ = ("_folded", "_sent")

    def __init__(self, sent: Mapping[str, Any]) -> None:
        self._sent = sent
        self._folded: dict[str, Any] | None = None  # built when an exact look-up first fails

    def __getitem__(self, name: str) -> Any:
        if name in self._sent:
            return self._sent[name]
        if self._folded is None:
            self._folded = {}
            for key, value in self._sent.items():
                self._folded.setdefault(fold(str(key)), value)
        folded = fold(str(name))
        if not folded:
            raise KeyError(name)
        return self._folded[folded]

    def __iter__(self) -> Iterator[str]:
        return iter(self._sent)

    def __repr__(self) -> str:
        return repr(dict(self._sent))  # what a text made of them shows

    def __len__(self) -> int:
        return len(self._sent)


def fold(name: str) -> str:
    """A field's name without what people write differently: "contact.monthly_bill" is "Monthly bill?"."""
    # What a stranger sends as a key may have a megabyte: that isn't kept.
    return _fold(name) if len(name) <= _LABEL else _fold.__wrapped__(name)


@lru_cache(maxsize=4096)  # labels come from an account's few hundred fields, again and again
def _fold(name: str) -> str:
    return _NOT_A_WORD.sub("_", name.casefold().removeprefix("contact.")).strip("_")


def plain(value: Any, depth: int = 0) -> Any:
    """The value as plain data: '' for Empty, lists for whatever can be walked through, dicts for mappings.

    Raises ValueError for a function (`{{ contact.name.upper }}` without its brackets) and for data
    nested more than 100 deep.
    """
    if isinstance(value, str):
        return str(value) if type(value) is not str else value  # Jinja's Markup is a str, too
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, Undefined):
        return ""
    if depth > _DEEPEST:
        raise ValueError("the result is nested too deeply")
    if isinstance(value, Mapping):
        return {str(key): plain(item, depth + 1) for key, item in value.items()}
    if isinstance(value, Iterable):
        return [plain(item, depth + 1) for item in value]
    raise ValueError("the result is a function: brackets are missing, as in contact.name.upper()")


def flat(value: Any) -> list[Any]:
    """The items of a list and of the lists in it, in order; anything else is a list of one."""
    items: list[Any] = []
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, (list, tuple)):
            waiting.extend(reversed(item))
        else:
            items.append(item)
    return items


def plain_text(value: Any) -> str:
    """A value as a lead's field shows it: '' for null and mappings, lists with commas, 80 and not 80.0.

    Never raises, whatever JSON comes.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < _EXACT else str(value)
    if isinstance(value, int):
        return str(value) if abs(value) < _EXACT else f"{value:e}" if abs(value) < _FLOATS else ""
    if isinstance(value, (list, tuple)):
        return ", ".join(filter(None, map(plain_text, flat(value))))
    return ""
