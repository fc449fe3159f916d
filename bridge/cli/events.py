"""`bridge events`: what came and what became of it, as a list.

Knows columns; what is looked for is `selecting`, and how is `store.queries`. Rule for editors: a line answers
"which event, about whom, where did it end, and why"; everything else is `bridge show`.
"""

import time
from typing import TYPE_CHECKING, Annotated

import typer

from bridge.cli import selecting
from bridge.cli.configured import DEFAULT_CONFIG, ConfigOption, outline
from bridge.cli.output import JsonOption, coloured, console, local_time, print_json, table
from bridge.cli.refused import tell_counts, tell_refused

if TYPE_CHECKING:
    from bridge.store.queries import EventLine

# From here on there is room for the contact's id where no phone is known.
WIDE = 100


def command(
    *,
    config: ConfigOption = DEFAULT_CONFIG,
    state: selecting.StateOption = None,
    phone: selecting.PhoneOption = "",
    contact: Annotated[
        str,
        typer.Option("--contact", metavar="ID", callback=selecting.words, help="Only those of this contact."),
    ] = "",
    source: selecting.SourceOption = "",
    since: selecting.SinceOption = "",
    refused: Annotated[
        bool, typer.Option("--refused", help="Instead: requests that were refused or ignored, and why.")
    ] = False,
    limit: selecting.LimitOption = 50,
    json: JsonOption = False,
) -> None:
    """List events, the newest first: who they are about, and what became of them.

    Options add up. A phone may be typed in any spelling, or only its last digits. Works while the
    service runs, and while it doesn't. `bridge show ID` tells all about one of them.

    Example:
      bridge events
      bridge events --state dead --since 2d
      bridge events --phone 555-0101
      bridge events --source forms --limit 0 --json
      bridge events --refused
    """
    from bridge.store.database import open_reader  # noqa: PLC0415 -- bridge --help is instant without it
    from bridge.store.queries import COUNTED, Wanted, by_digits, count_events, list_events  # noqa: PLC0415
    from bridge.store.refusals import counts  # noqa: PLC0415

    known = outline(config)
    reader, number = open_reader(known.database), selecting.phone(phone, known.default_region)
    if refused:
        tell_refused(reader, limit=limit, json=json)
        return
    exact = not number or number.startswith("+")
    wanted = Wanted(
        states=tuple(state or ()),
        phone=number if exact else "",
        ids=None if exact else by_digits(reader, number),
        contact=contact,
        source=source,
        since=selecting.moment(since, now=time.time()),
    )
    found = list_events(reader, wanted, limit=limit)
    if json:
        print_json([selecting.for_json(event) for event in found])
    elif found:
        _tell(found)
    elif wanted == Wanted():
        typer.echo("no events yet")
        if counted := counts(reader):
            typer.echo("But requests came that are no events:")
            tell_counts(counted)
    else:
        typer.echo("no such events")
    if limit and len(found) == limit:
        total = count_events(reader, wanted)
        selecting.tell_rest(limit, total, at_least=total == COUNTED)


def _tell(found: "list[EventLine]") -> None:
    wide = console().width >= WIDE
    table(
        ("id", "received", "source", "event", "phone or contact" if wide else "phone", "state"),
        [
            (
                str(event.id),
                local_time(event.received_at)[:19],
                event.source,
                kind(event),
                event.phone or (event.contact_id if wide else ""),
                coloured(fate(event)),
            )
            for event in found
        ],
        right=(0,),
        whole=(0, 1, 4),
    )


def kind(event: "EventLine") -> str:
    """What happened, without the word that every type begins with."""
    return event.type.removeprefix("contact.")


def fate(event: "EventLine") -> str:
    """Where it ended, and why."""
    if event.superseded_by is not None:
        withdrawn = overtaken(event.superseded_by, event.superseded_reason)
        return withdrawn or f"superseded by {event.superseded_by}"
    return f"{event.state}: {event.reason}" if event.reason else event.state


def overtaken(newer: int, reason: str) -> str:
    """What a newer event that was skipped did to this one; empty when it just took its place.

    Not every reason does: one that was replayed since, and skipped as unchanged, had been delivered.
    """
    if reason == "do not call":
        return f"withdrawn: event {newer} says do not call"
    if reason == "deleted":
        return f"withdrawn: event {newer} says that the contact was deleted"
    if reason.startswith("filtered: "):
        return f"withdrawn: event {newer} was {reason}"
    return ""
