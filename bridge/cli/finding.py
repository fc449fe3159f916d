"""What the options of `bridge events` and `bridge replay` choose, as the store looks for it.

Knows how what people type becomes a search; the options themselves are `selecting`'s. Rule for editors: the
two commands choose alike, so that whoever looked knows what will be replayed.
"""

import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING

import typer

from bridge.cli import selecting
from bridge.cli.configured import Outline

if TYPE_CHECKING:
    from bridge.store.event_words import Kind
    from bridge.store.queries import Wanted


@dataclass(frozen=True, slots=True)
class Asked:
    """The options as they were typed; what is empty doesn't matter."""

    states: tuple[str, ...] = ()
    phone: str = ""
    name: str = ""
    email: str = ""
    contact: str = ""
    source: str = ""
    route: str = ""
    reason: str = ""
    warned: bool = False
    since: str = ""


def wanted_of(asked: Asked, known: Outline, reader: sqlite3.Connection, *, now: float) -> "Wanted":
    """What to look for. Raises typer.BadParameter for what can't be understood, or finds too many."""
    from bridge.store.queries import Wanted, reasons_with  # noqa: PLC0415

    ids = _by_phone(asked.phone, known, reader)
    for kind, text in (("name", asked.name), ("email", asked.email)):
        if text:
            found = _by_words(reader, "name" if kind == "name" else "email", text)
            ids = found if ids is None else ids & found
    return Wanted(
        states=asked.states,
        ids=None if ids is None else tuple(sorted(ids)),
        contact=asked.contact,
        source=asked.source,
        since=selecting.moment(asked.since, now=now),
        reasons=reasons_with(reader, asked.reason) if asked.reason else None,
        route=asked.route,
        warned=asked.warned,
    )


def _by_phone(text: str, known: Outline, reader: sqlite3.Connection) -> set[int] | None:
    """The events whose phone is this number or ends so, as it was sent or as it was read."""
    number = selecting.phone(text, known.default_region)
    if not number:
        return None
    from bridge.store.event_words import backwards, find  # noqa: PLC0415
    from bridge.store.queries import by_digits, has_table, ids_of_phone  # noqa: PLC0415

    read = ids_of_phone(reader, number) if number.startswith("+") else by_digits(reader, number)
    if not has_table(reader, "event_words"):
        return set(read)
    typed = backwards(text)
    sent = find(reader, "digits", [typed]) if len(typed) >= selecting.FEWEST_DIGITS else set()
    if sent is None:
        raise typer.BadParameter(f"too many phones end with {text!r}; write more", param_hint="--phone")
    return set(read) | sent


def _by_words(reader: sqlite3.Connection, kind: "Kind", text: str) -> set[int]:
    from bridge.store.event_words import find, fold  # noqa: PLC0415
    from bridge.store.queries import has_table  # noqa: PLC0415

    words = fold(text) if kind == "name" else [text.strip().casefold()]
    words = [word for word in words if word]
    if not words:
        raise typer.BadParameter(f"{text!r} has no letters to look for", param_hint=f"--{kind}")
    if not has_table(reader, "event_words"):
        return set()
    found = find(reader, kind, words)
    if found is None:
        raise typer.BadParameter(f"too many begin with {text!r}; write more", param_hint=f"--{kind}")
    return found
