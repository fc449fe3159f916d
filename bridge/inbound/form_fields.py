"""The fields of a form → an object: `fields[phone][value]` is nested, a repeated name is a list.

Knows how web frameworks spell names (PHP, Rails, jQuery); knows no bytes. Rule for editors: no name may make
an object deeper or wider than a person's form is; a name that doesn't fit stays as it was sent.
"""

import re
from collections.abc import Iterable
from itertools import pairwise
from typing import Any, Final

from bridge.errors import MalformedPayload
from bridge.inbound.body import parse_value

FIELDS_MAX: Final = 1000
_LEVELS_MAX: Final = 8
_NESTED: Final = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])+)")
_STEP: Final = re.compile(r"\[([^\[\]]*)\]")


class _Group(dict[str, Any]):
    """What names with brackets share. An object of JSON in a field is none, and stays as it is."""


def nested(fields: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """The object that a form's fields make; a field that holds JSON is read as JSON.

    An object in a form's only field is also found at the root: `payload={"phone": …}` has a `phone`.
    """
    made: dict[str, Any] = {}
    for name, text in fields:
        _put(made, _steps(name), name, _value(text, name))
    made = {name: _listed(value) for name, value in made.items()}
    if len(made) != 1:
        return made
    ((name, only),) = made.items()
    if not isinstance(only, dict):
        return made
    return only if name[:1] == "{" else {name: only, **only}


def _value(text: str, name: str) -> Any:
    """What a text of JSON holds; text that only looks like it stays text."""
    # JSON that was escaped as a form, whole: a name without a value.
    if text == "" and name[:1] == "{":
        text = name
    if text[:1] not in ("{", "["):
        return text
    try:
        return parse_value(text.encode("utf-8", "surrogatepass"))
    except MalformedPayload:
        return text


def _steps(name: str) -> list[str]:
    """`fields[phone][value]` → fields, phone, value; a name of any other form is one step."""
    found = _NESTED.fullmatch(name)
    if not found:
        return [name]
    steps = [found[1], *_STEP.findall(found[2])]
    return steps if len(steps) <= _LEVELS_MAX else [name]


def _put(made: dict[str, Any], steps: list[str], name: str, value: Any) -> None:
    here = made
    for step, following in pairwise(steps):
        if following == "" and steps[-1] == "":  # tags[]: a list
            break
        inner = here.setdefault(step, _Group())
        if not isinstance(inner, _Group):  # `a=1&a[b]=2`
            here, steps = made, [name]
            break
        here = inner
    in_list = len(steps) > 1 and steps[-1] == ""  # a field without any name has one step
    last = steps[-2] if in_list else steps[-1]
    if last not in here:
        here[last] = [value] if in_list else value
    elif isinstance(here[last], list):
        here[last].append(value)
    else:
        here[last] = [here[last], value]


def _listed(value: Any) -> Any:
    """`items[0]`, `items[1]` … make a list."""
    if not isinstance(value, _Group):
        return value
    inner = {name: _listed(each) for name, each in value.items()}
    if inner and list(inner) == [str(number) for number in range(len(inner))]:
        return list(inner.values())
    return inner
