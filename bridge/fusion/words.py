"""Fusion's own words, made fit for a table, a log line and a stranger's eyes.

Knows the shapes in which Fusion explains a refusal (`error`, `message`, `details`) and how a phone or an
e-mail inside them is masked. Doesn't know what a refusal means: nothing here decides anything.
Rule for editors: whatever leaves this module went through `one_line`, the only place that masks.
"""

from collections.abc import Iterator
from itertools import islice
from typing import Any

from bridge.masking import mask_text

REASON_LIMIT = 300  # characters; enough for a sentence and three field errors, short enough for a table
_READ_LIMIT = 2_000  # characters looked at: a whole web page echoed back costs no time
_DEPTH_LIMIT = 4  # details → entry → errors → one error; what lies deeper explains nothing any more
_PIECES_LIMIT = 20


def one_line(text: str, *, limit: int = REASON_LIMIT) -> str:
    """A stranger's text as one printable, masked line of at most `limit` characters."""
    printable = "".join(char if char.isprintable() else " " for char in text[:_READ_LIMIT])
    line = mask_text(" ".join(printable.split()))
    return line if len(line) <= limit else f"{line[: limit - 1].rstrip()}…"


def reason_in(answer: Any, body: bytes) -> str:
    """Why Fusion refused, in its own words; empty when it doesn't say.

    `answer` is the parsed body, None where it isn't JSON: then the words are the plain text itself.
    """
    if answer is None:
        return one_line(body[:_READ_LIMIT].decode(errors="replace"))
    if not isinstance(answer, dict):
        return ""
    said = [part for key in ("error", "message", "details") for part in _pieces(answer.get(key), depth=0)]
    return one_line(": ".join(dict.fromkeys(said)))  # `error` and `message` often say the same


def entry_words(entry: dict[str, Any]) -> list[str]:
    """What one entry of `details` says about its lead, raw: the caller joins and masks it."""
    return list(_field_pieces({name: value for name, value in entry.items() if name != "index"}, depth=0))


def _pieces(value: Any, *, depth: int) -> Iterator[str]:
    """Every piece of text in `error`, `message` or `details`, in reading order, with its field in front."""
    if depth > _DEPTH_LIMIT:
        return
    match value:
        case str() if value.strip():
            yield value.strip()[:_READ_LIMIT]
        case list():
            for item in islice(value, _PIECES_LIMIT):
                yield from _pieces(item, depth=depth + 1)
        case dict():
            yield from _field_pieces(value, depth=depth)


def _field_pieces(value: dict[str, Any], *, depth: int) -> Iterator[str]:
    for key, inner in islice(value.items(), _PIECES_LIMIT):
        if key == "index" and isinstance(inner, int):
            yield f"lead {inner}"
        elif key in {"error", "errors", "message", "messages"}:
            yield from _pieces(inner, depth=depth + 1)
        else:  # {"phone": ["Invalid"]}, {"path": ["phone"], "message": "Invalid"}
            for piece in _pieces(inner, depth=depth + 1):
                yield piece if key in {"path", "field"} else f"{key} {piece}"
