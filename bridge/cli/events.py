"""`bridge events`: what came and what became of it, as a list.

Knows columns; what is looked for is `selecting`, and how is `store.queries`. Rule for editors: a line answers
"which event, about whom, where did it end, and why"; everything else is `bridge show`.
"""

import time
from typing import TYPE_CHECKING, Annotated

import typer

from bridge.cli import selecting
from bridge.cli.configured import DEFAULT_CONFIG, ConfigOption, load_config
from bridge.cli.output import JsonOption, local_time, print_json, table

if TYPE_CHECKING:
    from bridge.store.queries import EventLine


def command(
    *,
    config: ConfigOption = DEFAULT_CONFIG,
    state: selecting.StateOption = None,
    phone: selecting.PhoneOption = "",
    contact: Annotated[str, typer.Option("--contact", metavar="ID", help="Only those of this contact.")] = "",
    source: selecting.SourceOption = "",
    since: selecting.SinceOption = "",
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
      bridge events --source forms --limit 500 --json
    """
    from bridge.store.database import open_reader  # noqa: PLC0415 -- bridge --help is instant without it
    from bridge.store.queries import Wanted, list_events  # noqa: PLC0415

    loaded = load_config(config)
    wanted = Wanted(
        states=tuple(state or ()),
        phone=selecting.phone(phone, loaded.default_region),
        contact=contact,
        source=source,
        since=selecting.moment(since, now=time.time()),
    )
    found = list_events(open_reader(loaded.database), wanted, limit=limit)
    if json:
        print_json([selecting.for_json(event) for event in found])
    elif found:
        _tell(found, limit)
    else:
        typer.echo("no events yet" if wanted == Wanted() else "no such events")


def _tell(found: "list[EventLine]", limit: int) -> None:
    table(
        ("id", "received", "source", "event", "phone", "state"),
        [
            (
                str(event.id),
                local_time(event.received_at)[:19],
                event.source,
                kind(event),
                event.phone,
                fate(event),
            )
            for event in found
        ],
        right=(0,),
        whole=(0, 1, 4),
    )
    if len(found) == limit:
        typer.echo(f"\nThe newest {limit}; --limit shows more.")


def kind(event: "EventLine") -> str:
    """What happened, without the word that every type begins with."""
    return event.type.removeprefix("contact.")


def fate(event: "EventLine") -> str:
    """Where it ended, and why."""
    if event.superseded_by is not None:
        return f"superseded by {event.superseded_by}"
    return f"{event.state}: {event.reason}" if event.reason else event.state
