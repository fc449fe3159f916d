"""`bridge events --follow`: a line for each event that comes, and for each change of its state.

Reads the database again and again, beside the service. Rule for editors: it holds no transaction open, and
says nothing twice.
"""

import sqlite3
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import typer

from bridge.cli import selecting
from bridge.cli.output import local_time, printable

if TYPE_CHECKING:
    from bridge.store.queries import EventLine, Wanted

EVERY_S: Final = 0.5
# Of these the newest are looked at each time: changes of older ones are rare, and `bridge show` has them.
_WATCHED: Final = 500
_NAME_SHOWN: Final = 24


def follow_events(
    reader: sqlite3.Connection,
    wanted: "Callable[[], Wanted]",
    *,
    limit: int,
    json: bool,
    turns: int | None = None,
) -> None:
    """Print the newest `limit` events, the oldest first, then what comes: until Ctrl-C, or for some turns."""
    from bridge.store.queries import list_events  # noqa: PLC0415

    seen: dict[int, tuple[str, str]] = {}
    try:
        while turns is None or turns > 0:
            found = list_events(reader, wanted(), limit=_WATCHED)
            news = [each for each in reversed(found) if seen.get(each.id) != (each.state, each.reason)]
            for each in news if seen or not limit else news[-limit:]:
                typer.echo(_line(each, json=json))
            seen = {each.id: (each.state, each.reason) for each in found} or {0: ("", "")}
            turns = None if turns is None else turns - 1
            time.sleep(EVERY_S if turns != 0 else 0.0)
    except KeyboardInterrupt:
        return


def _line(event: "EventLine", *, json: bool) -> str:
    if json:
        import orjson  # noqa: PLC0415

        return orjson.dumps(selecting.for_json(event)).decode()
    from bridge.cli.events import fate, kind  # noqa: PLC0415 -- it imports this module

    whom = " ".join(filter(None, (printable(event.name[:_NAME_SHOWN]), event.phone or event.contact_id)))
    whom = whom or "(no name)"
    warned = " (!)" if event.warned else ""
    time_of_day = local_time(event.received_at)[11:19]
    return f"{time_of_day}  {event.id}  {event.source}  {kind(event)}  {whom}: {fate(event)}{warned}"
