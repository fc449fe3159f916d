"""Refusals in plain words: how a validator says no, and how pydantic's own errors are said.

Knows errors and where they stand, not what makes a value good. The rule to keep: a value is shown only
through {value}, and never when it came from the environment or a file.
"""

import difflib
from collections.abc import Iterable, Sequence
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from bridge.config.document import Document, Steps, spell
from bridge.config.environment import SET_IT
from bridge.errors import Problem

_SHOWN = 40  # characters of a value; a problem is one line
_SHOW_HOW = "config.example.yaml shows how"
_NUMBER = ("must be a whole number", "write digits only")
_MAPPING = ("must be keys with values", f"write key: value lines below it; {_SHOW_HOW}")
_TEXT = ("must be text", "write one text, in quotes if it has : # {{ or [")
_FLAG = ("must be true or false", "write true or false")

# pydantic's type of error → message and fix, with {…} from its context.
_WORDS = {
    "int_parsing": _NUMBER,
    "int_parsing_size": _NUMBER,
    "int_from_float": _NUMBER,
    "int_type": _NUMBER,
    "greater_than_equal": ("must be at least {ge}", "write {ge} or more"),
    "less_than_equal": ("must be at most {le}", "write {le} or less"),
    "bool_parsing": _FLAG,
    "bool_type": _FLAG,
    "string_type": _TEXT,
    "literal_error": ("must be {expected}", "write {expected}"),
    "list_type": ("must be a list", "write [a, b], or one `- …` a line"),
    "dict_type": _MAPPING,
    "model_type": _MAPPING,
    "model_attributes_type": _MAPPING,
    "too_short": ("needs at least one entry", _SHOW_HOW),
}
_ADD = {
    "sources": "add sources: with at least one; config.example.yaml shows each type",
    "fusion": "add fusion: with accounts: and an api_key",
    "accounts": "add accounts: with a name and its api_key",
    "api_key": 'add api_key: "${FUSION_API_KEY}", and set that variable',
    "token": "add token: with a long random text; `bridge init` makes one",
    "contact": 'add contact: with at least phone: "{{ payload.… }}"',
}


def refusal(message: str, fix: str, value: str = "", *, veiled: str = "") -> PydanticCustomError:
    """What a validator raises. `veiled` replaces a message that quotes a value in words of its own."""
    said = {"message": message, "fix": fix, "value": value, "veiled": veiled or message}
    return PydanticCustomError("refused", "refused", said)


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that this one is a slip of, if there is one."""
    return next(iter(difflib.get_close_matches(name, list(known), n=1)), None)


def did_you_mean(name: str, known: Sequence[str]) -> str:
    """The fix for a name that isn't known."""
    guess = nearest(name, known)
    return f"did you mean `{guess}`?" if guess else f"known here: {', '.join(known)}"


def show(value: str, path: str, document: Document) -> str:
    """A value between quotes; where it came from outside, only the name of its origin."""
    origin = document.origin(path)
    if origin:
        return f"the value of {origin[0]}"
    return f"'{value}'" if value.isprintable() and len(value) <= _SHOWN else f"{value[:_SHOWN]!r}…"


def problems(
    error: ValidationError, model: type[BaseModel], document: Document, *, at: Steps = ()
) -> list[Problem]:
    """Every error of a validation, said plainly; `at` is where the validated data stands.

    Without those of blank values, which `blank` says once for all models.
    """
    details = [detail for detail in error.errors(include_url=False) if detail["input"] is not None]
    return [_problem(detail, model, document, at=at) for detail in details]


def blank(steps: Steps) -> Problem:
    """A key with nothing behind it."""
    return Problem(spell(steps), "is empty", _ADD.get(str(steps[-1]), "give it a value, or remove the line"))


def _problem(detail: ErrorDetails, model: type[BaseModel], document: Document, *, at: Steps) -> Problem:
    loc = detail["loc"]
    path = spell((*at, *loc))
    context = detail.get("ctx", {})
    if detail["type"] == "extra_forbidden":
        name = str(loc[-1])
        return Problem(path, f"unknown key {name!r}", did_you_mean(name, _known_keys(model, loc[:-1])))
    if detail["type"] == "missing":
        return Problem(path, "is missing", _ADD.get(str(loc[-1]), _SHOW_HOW))
    if detail["type"] == "refused":
        return _refused(path, context, document)
    message, fix = _WORDS.get(detail["type"], ("can't be used", _SHOW_HOW))
    if "expected" in context:
        context["expected"] = context["expected"].replace("'", "")
    return Problem(path, message.format(**context), fix.format(**context))


def _refused(path: str, context: dict[str, Any], document: Document) -> Problem:
    origin, value = document.origin(path), context["value"]
    message = context["veiled"] if origin else context["message"]
    if message == "is empty":
        said = f"{origin[0]} is empty" if origin else message
        return Problem(path, said, SET_IT if origin else _ADD.get(_last(path), context["fix"]))
    if "{value}" in message:
        message = message.replace("{value}", show(value, path, document))
    return Problem(path, message, context["fix"].replace("{value}", "60" if origin else value))


def _last(path: str) -> str:
    return path.rpartition(".")[2]


def _known_keys(model: type[BaseModel], loc: Steps) -> list[str]:
    """The keys that the model knows at a place: through fields, and through the entries of maps and lists."""
    kind: Any = model
    for step in loc:
        kind = _said(kind)
        kind = kind.model_fields[step].annotation if hasattr(kind, "model_fields") else get_args(kind)[-1]
    return list(getattr(_said(kind), "model_fields", ()))


def _said(kind: Any) -> Any:
    """`X` of `X | None`."""
    options = get_args(kind)
    return next(option for option in options if option is not type(None)) if type(None) in options else kind
