"""Jinja2's filters, tests and text methods as expressions get them: what each may cost is paid before.

Knows which of them multiply what they are given; `effort` knows how much may be spent. Rule for editors: a
filter that isn't named here pays for what it is given and for what it makes, which is enough where the second
is never much bigger than the first. What can be bigger, or takes longer than it is long, has a line here.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import wraps
from typing import Any, Final

from jinja2 import Environment, pass_environment
from jinja2.filters import make_attrgetter

from bridge.rules.effort import CALL, ITEM, Paid, size, spend, weight

# Longer than any field that Fusion takes (custom fields: 1000), short enough to cost nothing.
MAX_LENGTH: Final = 10_000

# Filters that take a width, a count or a precision, with the position of the first such argument.
_SIZED: Final = {"batch": 0, "center": 0, "indent": 0, "round": 0, "slice": 0, "truncate": 0, "wordwrap": 0}
# Those that need more than a unit for each of what they are given, measured.
_SLOW: Final = {"date": 40_000, "digits": 20, "phone": 5_000, "title": 20, "xmlattr": 20}
_PER_CALL: Final = frozenset({"date", "phone"})  # of those the ones that take long whatever they are given
_SORTING: Final = frozenset({"dictsort", "groupby", "sort", "unique"})
_SORT: Final = 10  # times as long as a look at each
# Those that take the square of the length, or come near it.
_SHORT_ONLY: Final = frozenset({"pprint", "striptags", "urlize", "wordwrap"})
# Those that may look through the second text for each letter of the first: Python searches from the right,
# and strips, without the care that it takes from the left. It does so many comparisons in a unit's time.
_BACKWARDS: Final = frozenset({"lstrip", "rfind", "rpartition", "rsplit", "rstrip", "strip", "trim"})
_COMPARED: Final = 32
# Those that look for an attribute of each item ("a.b.c"), with its position; `map` takes it by name only.
_ATTRIBUTE: Final[Mapping[str, int | None]] = (
    dict.fromkeys(("groupby", "rejectattr", "selectattr", "sum"), 0)
    | dict.fromkeys(("join", "max", "min", "unique"), 1)
    | {"sort": 2, "map": None}
)
_MOST_PARTS: Final = 10  # of an attribute
_WIDEST_INDENT: Final = 16  # of `tojson`: a line a value, and values are nested

_NUMBERS: Final = re.compile(r"\d+")


def bounded_filter(name: str, kept: Callable[..., Any]) -> Callable[..., Any]:
    """The filter, paying for what it works on and for what it makes."""
    look = weight if name == "lookup" else size  # which folds each key of its table, each time
    skipped = int(hasattr(kept, "jinja_pass_arg"))  # Jinja's context or environment comes first

    @wraps(kept)  # keeps the mark by which Jinja passes those
    def bounded(*args: Any, **kwargs: Any) -> Any:
        given = args[skipped:]
        spend(CALL + sum(map(weight, given[:1])) + sum(map(look, (*given[1:], *kwargs.values()))))
        _pay(name, given, kwargs)
        if name in _ATTRIBUTE:
            _pay_attribute(given, kwargs, _ATTRIBUTE[name])
        return _made(kept(*args, **kwargs))

    return bounded


def bounded_test(kept: Any) -> Callable[..., Any]:
    """The test, paying for a look through what it compares (`x in list`)."""

    @wraps(kept)
    def bounded(*args: Any) -> Any:
        spend(CALL + sum(map(size, args)))
        return kept(*args)

    return bounded


def call_method(method: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    """A method of a text or a list, called within the same bounds."""
    owner, name = getattr(method, "__self__", None), getattr(method, "__name__", "")
    spend(CALL + size(owner) + sum(map(size, args)))
    if isinstance(owner, str) and name == "join" and args:
        return _made(owner.join(_texts(args[0], between=len(owner))))
    if isinstance(owner, str) and name == "replace":
        _pay_replace(owner, *args[:2])
    if isinstance(owner, str) and name in _BACKWARDS:
        _pay_backwards(owner, (*args, *kwargs.values()))
    return _made(method(*args, **kwargs))


def format_text(pattern: Any, given: Any) -> str:
    """`pattern % given`, and Jinja's filter `format`, with the widths it asks for paid for."""
    text = str(pattern)
    values = list(given.values()) if isinstance(given, Mapping) else _listed(given)
    widths = sum(_short(digits) for digits in _NUMBERS.findall(text))
    if "*" in text:
        widths += sum(abs(value) for value in values if isinstance(value, int))
    if widths > MAX_LENGTH:
        raise ValueError(f"the format asks for a width of more than {MAX_LENGTH}")
    # A named value may stand in it many times.
    times = text.count("%") if isinstance(given, Mapping) else 1
    spend(len(text) + widths + times * sum(map(weight, values)))
    return str(text % given)


def multiplied(left: Any, right: Any) -> None:
    """Pay for `left * right` where one is a text or a list."""
    for value, times in ((left, right), (right, left)):
        if isinstance(value, (str, list, tuple)) and isinstance(times, int):
            if len(value) * times > MAX_LENGTH:
                raise ValueError(f"the result would be longer than {MAX_LENGTH}")
            spend(weight(value) * max(times, 0))


@pass_environment
def join(environment: Environment, value: Any, d: Any = "", attribute: Any = None) -> str:
    """Jinja's `join`, each text paid for before it is added."""
    if attribute is not None:
        value = map(make_attrgetter(environment, attribute), value)
    between = str(d)
    return between.join(_texts(value, between=len(between)))


@pass_environment
def total(environment: Environment, value: Any, attribute: Any = None, start: Any = 0) -> Any:
    """Jinja's `sum`; of lists, which grow with every step, each step is paid for."""
    if attribute is not None:
        value = map(make_attrgetter(environment, attribute), value)
    result = start
    for item in value:
        spend(ITEM + size(result) + size(item))
        result = result + item  # += would change the list that it began with
    return result


def _texts(value: Iterable[Any], *, between: int) -> Iterator[str]:
    for item in value:
        spend(ITEM + between + weight(item))
        yield str(item)


def _made(result: Any) -> Any:
    if isinstance(result, Iterator):
        return Paid(result)
    spend(weight(result))
    return result


def _pay(name: str, given: tuple[Any, ...], named: Mapping[str, Any]) -> None:
    value, rest = (given[0] if given else None), (*given[1:], *named.values())
    if name in _SIZED and any(isinstance(count, int) and abs(count) > MAX_LENGTH for count in rest):
        raise ValueError(f"a size of more than {MAX_LENGTH}")
    if name in _SHORT_ONLY and weight(value) > MAX_LENGTH * (1 if isinstance(value, str) else ITEM):
        raise ValueError(f"a text of more than {MAX_LENGTH} characters")
    if name in _SLOW:
        spend(_SLOW[name] * (1 if name in _PER_CALL else size(value)))
    elif name in _SORTING:
        spend(_SORT * size(value))
    match name:
        case "replace":
            _pay_replace(str(value), *rest[:2])
        case "indent":
            spend((str(value).count("\n") + 1) * max(map(_width, rest), default=4))
        case "trim":
            _pay_backwards(str(value), rest)
        case "wordwrap" | "urlize":
            # A line, or an address, for each second character at most.
            spend(len(str(value)) * sum(len(text) for text in rest if isinstance(text, str)))
        case "tojson":
            if any(isinstance(wide, int) and wide > _WIDEST_INDENT for wide in rest):
                raise ValueError(f"an indentation of more than {_WIDEST_INDENT}")
        case _:
            pass


def _pay_attribute(given: tuple[Any, ...], named: Mapping[str, Any], at: int | None) -> None:
    """A stranger's "a.a.a.a…" would be walked along for each item."""
    attribute = given[at + 1] if at is not None and at + 1 < len(given) else named.get("attribute")
    steps = attribute.count(".") + attribute.count(",") if isinstance(attribute, str) else 0
    if steps >= _MOST_PARTS:
        raise ValueError(f"an attribute of more than {_MOST_PARTS} parts")
    spend(sum(map(size, given[:1])) * steps)


def _pay_replace(text: str, old: Any = "", new: Any = "", *_count: Any) -> None:
    spend(text.count(str(old)) * len(str(new)))


def _pay_backwards(text: str, given: Iterable[Any]) -> None:
    spend(len(text) * sum(len(each) for each in given if isinstance(each, str)) // _COMPARED)


def _width(given: Any) -> int:
    return len(given) if isinstance(given, str) else given if isinstance(given, int) else 0


def _short(digits: str) -> int:
    return int(digits) if len(digits) < 10 else MAX_LENGTH + 1


def _listed(given: Any) -> list[Any]:
    return list(given) if isinstance(given, tuple) else [given]
