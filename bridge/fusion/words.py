"""Fusion's own words, made fit for a table, a log line and a stranger's eyes.

Knows the shapes in which Fusion explains a refusal (`error`, `message`, `details`) and how a phone or an
e-mail inside them is masked. Doesn't know what a refusal means: nothing here decides anything.
Rule for editors: whatever leaves this module went through `one_line`, the only place that masks. A name it
can't know: what goes to the log goes through `for_log` as well.
"""

import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

from bridge.masking import mask_text

REASON_LIMIT = 300  # characters; enough for a sentence and three field errors, short enough for a table
_READ_LIMIT = 2_000  # characters looked at: a whole web page echoed back costs no time
_DEPTH_LIMIT = 4  # details → entry → errors → one error; what lies deeper explains nothing any more
_PIECES_LIMIT = 20

# All that a log repeats of a sentence with words of Fusion: how a refusal is put, what a lead consists of,
# and our own words around it. Rule for editors: no word that many people are called ("will", "may", "long").
_HARMLESS = """
    a about accepted access account address after again allowed already also an and another answer
    answered any api are array as asked at attempts authorization away bad base batch be been before
    belongs beside blocked body boolean broke but by call calls came campaign campaigns can cannot cause
    certificate changed character characters code company conflict connect connection contact contain
    contains contradicts could country create created custom data date days default different digit digits
    do does doesn due duplicate during each either else elsewhere email empty entity errno error
    errors exactly exceeded exceeds except exist exists expected expired failed failure feed few fewer
    field fields final for forbidden format found from fusion gateway greater had has have header hours id
    if in index input inserted inside instead integer internal invalid is isn it items its itself json key
    kind known large last late later lead leads least length less letters limit longer malformed many
    match matching maximum method minimum minutes missing mode more most must name names needed needs no
    normalized not nothing null number numbers object of on one only or out outside over parameter
    parameters parsed pattern payload permission phone phones please provided range rate reached read
    reason received redirect refusal refused request requests required reserved reset resource response
    revoked s said same seconds server service session should size sms spaces ssl status string strings
    supported t tag tags temporarily text than that the them there these they this those throttled timed
    timeout times to token told too try trying two type unauthorized unavailable undefined under
    unexpected unique unknown unprocessable unreachable unrecognized unsupported until up update updated
    url uuid valid validation value values verify was web were when where which with within without wrong
    yes yet you your
"""
_SAYABLE = frozenset(_HARMLESS.split())
_WORD = re.compile(r"(?:[^\W_]|[^\x00-\x7f])+")  # what isn't ASCII belongs to one: an accent, an ellipsis
_FIGURES = re.compile(r"\d(?:[\W_]*\d){3,}")  # a phone, a day, a post code: however they are written


def one_line(text: str, *, limit: int = REASON_LIMIT) -> str:
    """A stranger's text as one printable, masked line of at most `limit` characters."""
    printable = "".join(char if char.isprintable() else " " for char in text[:_READ_LIMIT])
    line = mask_text(" ".join(printable.split()))
    return line if len(line) <= limit else f"{line[: limit - 1].rstrip()}…"


def for_log(text: str) -> str:
    """The sentence with every word but the harmless ones, and every figure of four digits or more, as •••.

    Fusion may quote the lead it refuses, or another one in its way, and a log goes to more people than leads
    do. So it isn't searched for what must not stand there; it keeps what may. `bridge show` has it in full.
    """
    shown = _WORD.sub(_sayable, _FIGURES.sub("•••", text))
    return re.sub(r"•••(?: •••)+", "•••", shown)


def _sayable(found: re.Match[str]) -> str:
    word = found.group()
    return word if word.lower() in _SAYABLE or (word.isascii() and word.isdigit()) else "•••"


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
