"""Which fields of a lead a refusal is about, in all the ways in which validators say it.

Knows the shapes (`details` of texts, of entries with an index, of Zod's issues and flattened errors) and the
names of fields. Rule for editors: what isn't understood whole names nothing. A field that is left out for a
refusal about something else costs data, and the lead is refused again.
"""

import re
from collections.abc import Iterator
from itertools import islice
from typing import Any, Final

from bridge.outbox.compose import OPTIONAL

_SPELT: Final = {
    "email": "email",
    "e-mail": "email",
    "company": "company",
    "tags": "tags",
    "tag": "tags",
    "custom_fields": "custom_fields",
    "custom_field": "custom_fields",
    "custom fields": "custom_fields",
    "customfields": "custom_fields",
    "name": "name",
    "phone": "phone",
    "phone number": "phone",
    "campaign": "campaign_id",
    "campaign_id": "campaign_id",
    "kind": "kind",
}
_WORDS: Final = re.compile(
    r"\b(" + "|".join(sorted(map(re.escape, _SPELT), key=len, reverse=True)) + r")\b", re.IGNORECASE
)
_PREFIX: Final = re.compile(
    r"\s*(?:leads?[.\[]\s*)?(?:\d+\s*[\].]+\s*)?[\"'`]?([A-Za-z_-]+(?: [a-z]+)?)[^:]{0,40}:"
)
_ENTRIES: Final = 1_000
_WHERE: Final = ("path", "field", "param", "property", "key", "loc", "instancePath")
_UNKNOWN: Final = "?"  # a complaint about nothing that we know

Blamed = dict[int, frozenset[str]]


def dispensable(answer: Any, *, leads: int) -> Blamed:
    """By lead of the request, the fields it is refused for, where it can do without all of them."""
    if not isinstance(answer, dict):
        return {}
    found: dict[int, set[str]] = {}
    for index, field in islice(_complaints(answer, leads), _ENTRIES):
        found.setdefault(index, set()).add(field)
    return {index: frozenset(fields) for index, fields in found.items() if index >= 0 and fields <= OPTIONAL}


def _complaints(answer: dict[str, Any], leads: int) -> Iterator[tuple[int, str]]:
    """Index of the lead (-1: which one isn't said) and field of each complaint."""
    only = 0 if leads == 1 else -1
    details = next((answer[key] for key in ("details", "errors", "issues") if answer.get(key)), None)
    if details is not None:
        yield from _of(details, only)
        return
    words = " ".join(text for key in ("error", "message") if isinstance(text := answer.get(key), str))
    fields = {_SPELT[word.lower()] for word in _WORDS.findall(words)}
    yield from ((only, field) for field in fields)


def _of(value: Any, index: int) -> Iterator[tuple[int, str]]:
    match value:
        case str():
            yield index, _in_text(value)
        case list():
            for item in value:
                yield from _of(item, index)
        case {"index": int(at), **rest}:
            rest.pop("success", None)
            inner = next(
                (rest[key] for key in ("errors", "error", "issues", "details") if rest.get(key)), rest
            )
            yield from _of(inner, at)
        case {"fieldErrors": dict(fields), **rest}:
            yield from _of(fields, index)
            yield from _of(rest.get("formErrors") or [], index)
        case dict():
            yield from _of_entry(value, index)
        case _:
            yield index, _UNKNOWN


def _of_entry(entry: dict[str, Any], index: int) -> Iterator[tuple[int, str]]:
    where = next((entry[key] for key in _WHERE if entry.get(key)), None)
    if where is None:
        names = [name for name in entry if _SPELT.get(name)]
        if not names or len(names) < len(entry):
            yield index, _in_text(str(entry.get("message", "")))
            return
        yield from ((index, _SPELT[name]) for name in names)
        return
    steps = re.split(r"[./\[\]]+", where) if isinstance(where, str) else where
    for step in steps if isinstance(steps, list) else []:
        if isinstance(step, int) or (isinstance(step, str) and step.isdecimal()):
            index = int(step)
        elif isinstance(step, str) and (field := _SPELT.get(step)):
            yield index, field
            return
    yield index, _UNKNOWN


def _in_text(text: str) -> str:
    """`email: Invalid email`, or words that name a single field."""
    if (start := _PREFIX.match(text)) and (field := _SPELT.get(start[1].lower())):
        return field
    fields = {_SPELT[word.lower()] for word in _WORDS.findall(text)}
    return fields.pop() if len(fields) == 1 else _UNKNOWN
