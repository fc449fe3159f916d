"""`bridge events`: what came and what became of it, as a list.

Knows columns; what is looked for is `selecting`, and how is `store.queries`. Rule for editors: a line answers
"which event, about whom, where did it end, and why"; everything else is `bridge show`.
"""

import time
from typing import TYPE_CHECKING, Annotated

import typer

from bridge.cli import selecting
from bridge.cli.configured import DEFAULT_CONFIG, ConfigOption, outline
from bridge.cli.finding import Asked, wanted_of
from bridge.cli.following import follow_events
from bridge.cli.output import JsonOption, coloured, console, local_time, print_json, printable, table
from bridge.cli.refused import tell_nothing, tell_refused

if TYPE_CHECKING:
    from bridge.store.queries import EventLine

# From here on there is room for the contact's id where no phone is known.
WIDE = 100
_NAME_SHOWN = 24  # characters


def command(
    *,
    config: ConfigOption = DEFAULT_CONFIG,
    state: selecting.StateOption = None,
    phone: selecting.PhoneOption = "",
    name: selecting.NameOption = "",
    email: selecting.EmailOption = "",
    contact: Annotated[
        str,
        typer.Option("--contact", metavar="ID", callback=selecting.words, help="Only those of this contact."),
    ] = "",
    source: selecting.SourceOption = "",
    route: selecting.RouteOption = "",
    reason: selecting.ReasonOption = "",
    warned: selecting.WarnedOption = False,
    since: selecting.SinceOption = "",
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on: a line for each that comes, or changes its state.")
    ] = False,
    refused: Annotated[
        bool, typer.Option("--refused", help="Instead: requests that were refused or ignored, and why.")
    ] = False,
    limit: selecting.LimitOption = 50,
    json: JsonOption = False,
) -> None:
    """List events, the newest first: who they are about, and what became of them.

    Options add up. A phone may be typed in any spelling, or only its last digits; one that couldn't be
    read is found by the digits that were sent. "!" marks warnings. Works while the service runs, and
    while it doesn't. `bridge show ID` tells all about one of them.

    Example:
      bridge events
      bridge events --state dead --since 2d
      bridge events --phone 555-0101
      bridge events --name "ann l" --reason "do not call"
      bridge events --source forms --limit 0 --json
      bridge events --follow
      bridge events --refused
    """
    from bridge.store.database import open_reader  # noqa: PLC0415 -- bridge --help is instant without it
    from bridge.store.queries import COUNTED, Wanted, count_events, list_events  # noqa: PLC0415

    known = outline(config)
    reader = open_reader(known.database)
    if refused:
        tell_refused(reader, limit=limit, json=json)
        return
    states = tuple(state or ())
    asked = Asked(states, phone, name, email, contact, source, route, reason, warned=warned, since=since)
    wanted = wanted_of(asked, known, reader, now=time.time())
    if follow:
        follow_events(
            reader, lambda: wanted_of(asked, known, reader, now=time.time()), limit=limit, json=json
        )
        return
    found = list_events(reader, wanted, limit=limit)
    if json:
        print_json([selecting.for_json(event) for event in found])
    elif found:
        _tell(found)
    elif wanted == Wanted():
        tell_nothing(reader)
    else:
        typer.echo("no such events")
    if limit and len(found) == limit:
        total = count_events(reader, wanted)
        selecting.tell_rest(limit, total, at_least=total == COUNTED)


def _tell(found: "list[EventLine]") -> None:
    wide = console().width >= WIDE
    event, whose = (("event",), "phone or contact") if wide else ((), "phone")
    table(
        ("id", "received", "source", *event, "name", whose, "", "state"),
        [
            (
                str(each.id),
                local_time(each.received_at)[: 19 if wide else 16],
                each.source,
                *((kind(each),) if wide else ()),
                printable(each.name[:_NAME_SHOWN]),
                each.phone or (each.contact_id if wide else ""),
                "!" if each.warned else "",
                coloured(fate(each)),
            )
            for each in found
        ],
        right=(0,),
        whole=(0, 1, -3 % (8 if wide else 7)),
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
