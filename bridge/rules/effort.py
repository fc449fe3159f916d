"""How much one evaluation of an expression may work and make, counted while it goes on.

The rules are the operator's, the values are a stranger's: whatever grows with a value is paid for here before
it is made, and when the purse is empty the expression fails (ValueError), as it does with any value that it
can't use. Rule for editors: weigh before you make. A unit is about 10 ns, or a few bytes.
"""

from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from types import BuiltinMethodType
from typing import Any, Final

# About 0.1 s and 40 MB at the very worst. A lead's longest field has 1000 characters; a body of 1 MiB may be
# looked through and rewritten three times.
MAX_EFFORT: Final = 4_000_000
ITEM: Final = 16  # units of a list's or a mapping's item
CALL: Final = 400  # units of calling a filter, a test or a method at all, measured
MAX_BITS: Final = 1_100  # of a whole number: a float has 1024, and beyond arithmetic takes time

FORGOTTEN: Final = "a value is a function: brackets are missing, as in contact.name.upper()"

_SCALARS: Final = (int, float, type(None))  # asked first: whether something is a Mapping takes long to tell
_PURSE: ContextVar[list[int]] = ContextVar("purse")


class limited:  # noqa: N801 - reads as `with limited():`, and costs a fifth of a generator there
    """What is spent inside is one evaluation's."""

    __slots__ = ("_token",)

    def __enter__(self) -> None:
        self._token = _PURSE.set([MAX_EFFORT])

    def __exit__(self, *_error: object) -> None:
        _PURSE.reset(self._token)


def spend(units: float) -> None:
    """Pay for work that is about to be done. Raises ValueError when it is more than is left."""
    purse = _PURSE.get(None)
    if purse is None:  # a filter on its own, in a test
        return
    if units > purse[0]:
        raise ValueError("it would take too long, or become too big, with these values")
    purse[0] -= int(units)


def size(value: Any) -> int:
    """What it costs to look at the value once, without what its items hold."""
    if isinstance(value, str):
        return len(value)
    return ITEM * len(value) if isinstance(value, (list, tuple, Mapping)) else _single(value)


def weight(value: Any) -> int:
    """What it costs to write the value out, an item in it as often as it stands there.

    Stops when it has seen more than an evaluation may have: `[[big] * 100] * 100` is small in memory, and
    its text isn't. What can only be walked through once (a generator) is paid for on the way: `Paid`.
    """
    if isinstance(value, str):
        return len(value)
    if not isinstance(value, (list, tuple, Mapping)):
        return _single(value)
    total, waiting = 0, [value]
    while waiting and total <= MAX_EFFORT:
        container = waiting.pop()
        total += ITEM * len(container)
        if total > MAX_EFFORT:
            break
        if isinstance(container, Mapping):
            total += sum(len(key) for key in container if isinstance(key, str))
        for item in container.values() if isinstance(container, Mapping) else container:
            if isinstance(item, str):
                total += len(item)
            elif isinstance(item, _SCALARS):
                continue
            elif isinstance(item, (list, tuple, Mapping)):
                waiting.append(item)
            else:
                _single(item)
    return total


def _single(value: Any) -> int:
    """A number that isn't too big; a function is refused before its text can get into a lead."""
    if isinstance(value, int) and value.bit_length() > MAX_BITS:
        raise ValueError("the number would be too big")
    if isinstance(value, BuiltinMethodType):
        raise ValueError(FORGOTTEN)  # noqa: TRY004 - as with every value that can't be used
    return 1


class Paid(Iterator[Any]):
    """The items of a list that is made on the way, each paid for when it is taken. It has no text."""

    __slots__ = ("_items",)

    def __init__(self, items: Iterator[Any]) -> None:
        self._items = items

    def __next__(self) -> Any:
        item = next(self._items)
        spend(ITEM + weight(item))
        return item

    def __repr__(self) -> str:
        raise ValueError("a list isn't made yet: put `| list` or `| join(', ')` behind the last filter")
