"""`bridge replay`: events back through the rules, by their ids or by what they have in common.

Knows what may be asked and how to say what it came to; `store.events.replay` does it. Rule for editors: an
event that waits already is never touched, and it is always told how many went.
"""

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from bridge.cli import selecting
from bridge.cli.configured import DEFAULT_CONFIG, ConfigOption, Outline, outline
from bridge.cli.finding import Asked, wanted_of
from bridge.cli.output import duration
from bridge.errors import BridgeError

if TYPE_CHECKING:
    import sqlite3

# So many a transaction: while one is open the service can't store webhooks, for a tenth of a second.
BATCH = 10_000


def command(
    *,
    ids: Annotated[
        list[int] | None, typer.Argument(metavar="ID", help="Events by number; or choose by options.")
    ] = None,
    config: ConfigOption = DEFAULT_CONFIG,
    state: selecting.StateOption = None,
    source: selecting.SourceOption = "",
    phone: selecting.PhoneOption = "",
    reason: selecting.ReasonOption = "",
    since: selecting.SinceOption = "",
    force: Annotated[bool, typer.Option("--force", help="Deliver also what is unchanged.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only count the events, and the requests they may cost.")
    ] = False,
) -> None:
    """Send events back through the rules, as if they had just come: after a fix of the rules, say.

    Either by number, or all that the options choose. Only settled events go; one that waits is left
    alone, and so is one whose payload is gone (`retention`, `forget`). What comes out the same as Fusion
    has it already is skipped as unchanged, unless --force. With --state delivered go those that were
    skipped as unchanged, too: of some people they are the newest.

    Example:
      bridge replay 1042 1043
      bridge replay --state dead --since 2d --dry-run
      bridge replay --state dead --since 2d
      bridge replay --reason "no usable name"
    """
    asked = Asked(states=tuple(state or ()), phone=phone, source=source, reason=reason, since=since)
    if ids and asked != Asked():
        raise typer.BadParameter("name events by their ids, or choose them by options; not both")
    if not ids and asked == Asked():
        raise typer.BadParameter("which events? Name their ids, or choose: --state dead --since 2d, say")
    known = outline(config)
    chosen = _by_id(known, ids) if ids else settled_of(known, asked)
    chosen = _with_payload(known, chosen, by_id=bool(ids))
    if dry_run:
        _count(known, chosen)
        return
    _tell(known, _send_back(known, chosen, force=force))


def _by_id(known: Outline, ids: list[int]) -> list[int]:
    """The settled ones. What waits is told and left alone; an id that isn't there is a slip, and refused."""
    from bridge.store.queries import SETTLED, states_of  # noqa: PLC0415

    states = states_of(_reader(known), ids)
    unknown = [str(each) for each in ids if each not in states]
    if unknown:
        fix = "`bridge events` lists them; nothing was replayed"
        raise BridgeError(f"there is no event {', '.join(unknown)}", fix=fix)
    for each, state in states.items():
        if state not in SETTLED:
            typer.echo(f"event {each} waits already ({state})", err=True)
    chosen = [each for each, state in states.items() if state in SETTLED]
    if not chosen:
        raise BridgeError("nothing to replay", fix="`bridge events --state dead` lists what is worth it")
    return chosen


def settled_of(known: Outline, asked: Asked) -> list[int]:
    """The settled events that the options choose, the oldest first. Refuses states that wait."""
    from bridge.store.queries import SETTLED, find_ids  # noqa: PLC0415

    waiting = [each for each in asked.states if each not in SETTLED]
    if waiting:
        raise typer.BadParameter(f"what is {waiting[0]} waits already", param_hint="--state")
    reader = _reader(known)
    asked = replace(asked, states=asked.states or SETTLED)
    wanted = wanted_of(asked, known, reader, now=time.time())
    chosen = find_ids(reader, wanted)
    if "delivered" in asked.states and not asked.reason:
        # Without them an older event of the person would be stale, and nothing of them be sent.
        same = replace(wanted, states=("skipped",), reasons=("unchanged",))
        chosen = sorted({*chosen, *find_ids(reader, same)})
    if not chosen:
        raise BridgeError("no such events", fix="try the same options with `bridge events`")
    return chosen


def _with_payload(known: Outline, chosen: list[int], *, by_id: bool) -> list[int]:
    """Without those that no rule can read any more; each is told where somebody asked for it by its id."""
    from bridge.store.queries import emptied  # noqa: PLC0415

    gone = emptied(_reader(known), chosen)
    why = "gone (retention.payloads, or forget)"
    if by_id:
        for each in sorted(gone):
            typer.echo(f"event {each} can't be replayed: its payload is {why}", err=True)
    elif gone:
        count = "1 event" if len(gone) == 1 else f"{len(gone)} events"
        its = "its payload is" if len(gone) == 1 else "their payloads are"
        typer.echo(f"{count} can't be replayed: {its} {why}", err=True)
    left = [each for each in chosen if each not in gone]
    if not left:
        raise BridgeError(
            "nothing to replay", fix="GHL can send them again: its webhook log, or the workflow"
        )
    return left


def _reader(known: Outline) -> "sqlite3.Connection":
    from bridge.store.database import open_reader  # noqa: PLC0415 -- bridge --help is instant without it

    return open_reader(known.database)


def _send_back(known: Outline, ids: list[int], *, force: bool) -> int:
    from bridge.store.events import replay  # noqa: PLC0415
    from bridge.store.queries import rewriting  # noqa: PLC0415

    count = 0
    for first in range(0, len(ids), BATCH):
        with rewriting(known.database) as connection:
            count += replay(connection, ids[first : first + BATCH], force=force)
    return count


def _tell(known: Outline, count: int) -> None:
    from bridge.store.status import owner  # noqa: PLC0415

    them = "it" if count == 1 else "them"
    if owner(known.database):
        then = f"the running service picks {them} up within a second"
    else:
        then = f"no service is running, so start `bridge serve` to have {them} delivered"
    typer.echo(f"{_events(count)} through the rules again; {then}")


def _count(known: Outline, ids: list[int]) -> None:
    from bridge.store.queries import count_leads  # noqa: PLC0415

    limit, people = known.limit, count_leads(_reader(known), ids)
    who = "1 person" if people == 1 else f"{people} people"
    windows = -(-len(ids) // limit.requests) if limit else 0
    takes = f"; at the limit that takes {duration(windows * limit.per_s)}" if limit and windows > 1 else ""
    typer.echo(f"{_events(len(ids))} through the rules again, about {who}.")
    typer.echo(f"They cost up to {len(ids)} request{'s' * (len(ids) != 1)} to Fusion, one an event{takes}.")
    typer.echo("A lead that Fusion has or lost without our knowledge costs one more. Nothing was written.")


def _events(count: int) -> str:
    return "1 event goes" if count == 1 else f"{count} events go"
