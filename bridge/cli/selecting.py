"""The options by which events and leads are chosen (--state, --phone, --since …), and what they mean.

Knows what people type; `bridge.store.queries` knows what is looked for. Rule for editors: an option that
can't be understood is refused with an example, never ignored, because `replay` acts on what is chosen.
"""

import re
from dataclasses import asdict
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any

import typer


class State(StrEnum):
    """The states of events, for --state."""

    RECEIVED = "received"
    QUEUED = "queued"
    DELIVERED = "delivered"
    SKIPPED = "skipped"
    SUPERSEDED = "superseded"
    DEAD = "dead"


StateOption = Annotated[
    list[State] | None,
    typer.Option("--state", metavar="STATE", help=f"{', '.join(State)}; repeat for more."),
]


def words(value: str) -> str:
    """Refuse bytes that are no text: the database would stumble over them."""
    if not value.isascii() and any("\ud800" <= sign <= "\udfff" for sign in value):
        raise typer.BadParameter(f"{value!r} is not UTF-8 text")
    return value


IDS = range(1, 2**63)  # what the database has numbers for

SourceOption = Annotated[
    str, typer.Option("--source", metavar="NAME", callback=words, help="Only those of this source.")
]
SinceOption = Annotated[
    str, typer.Option("--since", metavar="WHEN", help="Received since: 2h, 3d, or 2026-07-01T14:00.")
]
PhoneOption = Annotated[
    str, typer.Option("--phone", metavar="NUMBER", help="In any spelling, or the last digits of it.")
]
NameOption = Annotated[
    str,
    typer.Option("--name", metavar="WORDS", callback=words, help="Words of the name, or how they begin."),
]
EmailOption = Annotated[
    str,
    typer.Option("--email", metavar="ADDRESS", callback=words, help="An address, or how it begins."),
]
ReasonOption = Annotated[
    str,
    typer.Option("--reason", metavar="TEXT", callback=words, help="Why it ended so: a part of the words."),
]
RouteOption = Annotated[
    str, typer.Option("--route", metavar="NAME", callback=words, help="Only those that took this route.")
]
WarnedOption = Annotated[bool, typer.Option("--warned", help="Only those with warnings.")]
LimitOption = Annotated[
    int, typer.Option("--limit", min=0, max=IDS[-1], metavar="N", help="Show at most so many; 0: all.")
]

_AGO = re.compile(r"(\d{1,6}(?:\.\d{1,3})?)\s*([smhdw])")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
FEWEST_DIGITS = 3  # with fewer, everybody matches
_NATIONAL_DIGITS = 9  # as many are a number, not the end of one


def moment(text: str, *, now: float) -> float | None:
    """`2h` or `3d` ago, or an ISO 8601 date or time, by this machine's clock unless it says; "": always."""
    if not text:
        return None
    if ago := _AGO.fullmatch(text.strip().lower()):
        return now - float(ago[1]) * _UNITS[ago[2]]
    try:
        return datetime.fromisoformat(text.strip()).timestamp()
    except (ValueError, OverflowError, OSError):
        said = f"{text!r} is no time; write for example 30m, 2h, 3d, 2026-07-01 or 2026-07-01T14:00"
        raise typer.BadParameter(said, param_hint="--since") from None


def phone(text: str, region: str) -> str:
    """What to look for: E.164 where it is a whole number, else its digits, to be the last ones."""
    if not text:
        return ""
    from bridge.errors import InvalidPhone  # noqa: PLC0415
    from bridge.rules.phone import normalize  # noqa: PLC0415 -- brings phonenumbers

    try:
        return normalize(text, ("", region))
    except InvalidPhone:
        digits = re.sub(r"[^0-9]", "", text)
    if len(digits) >= _NATIONAL_DIGITS:
        digits = digits.lstrip("0")  # 0412 345 678 is +61412345678 where that is at home
    if len(digits) < FEWEST_DIGITS:
        said = f"{text!r} is no number; write at least its last {FEWEST_DIGITS} digits"
        raise typer.BadParameter(said, param_hint="--phone")
    return digits


def tell_rest(shown: int, total: int, *, at_least: bool) -> None:
    """On stderr, so that JSON stays JSON, and no one takes a part for the whole."""
    if shown < total:
        plus = " or more" if at_least else ""
        typer.echo(f"{shown:,} of {total:,}{plus}; --limit 0 shows all", err=True)


def iso(at: float | None) -> str | None:
    """A Unix time for other programs: "2026-07-01T12:03:22.123+00:00"."""
    return None if at is None else datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")


def for_json(value: Any) -> Any:
    """A dataclass of the store as JSON has it: times (`…_at`, since, until) in ISO 8601."""
    return _timed(asdict(value))


def _timed(value: Any) -> Any:
    match value:
        case dict():
            return {name: _named(name, each) for name, each in value.items()}
        case list() | tuple():
            return [_timed(each) for each in value]
        case _:
            return value


def _named(name: Any, value: Any) -> Any:
    if isinstance(value, float) and (str(name).endswith("_at") or name in ("at", "since", "until")):
        return iso(value)
    return _timed(value)
