"""`bridge close`: a dead event that no person has to look at any more.

Rule for editors: only what is dead is closed; `bridge replay` brings it back.
"""

from typing import Annotated

import typer

from bridge.cli import selecting
from bridge.cli.configured import DEFAULT_CONFIG, ConfigOption, outline
from bridge.cli.finding import Asked
from bridge.cli.replay import BATCH, settled_of
from bridge.errors import BridgeError


def command(
    *,
    ids: Annotated[
        list[int] | None, typer.Argument(metavar="ID", help="Events by number; or choose by options.")
    ] = None,
    config: ConfigOption = DEFAULT_CONFIG,
    source: selecting.SourceOption = "",
    phone: selecting.PhoneOption = "",
    reason: selecting.ReasonOption = "",
    since: selecting.SinceOption = "",
) -> None:
    """Close dead events: they end as "skipped: closed by hand".

    Either by number, or all dead ones that the options choose. To close an opt-out
    blocks nobody: see to it first that the person isn't called. `bridge replay ID` brings one back.

    Example:
      bridge close 1042
      bridge close --reason "area code is missing" --since 7d
    """
    from bridge.store.closing import close  # noqa: PLC0415 -- bridge --help is instant without it
    from bridge.store.queries import rewriting  # noqa: PLC0415

    asked = Asked(phone=phone, source=source, reason=reason, since=since)
    if bool(ids) == (asked != Asked()):
        raise typer.BadParameter("name events by their ids, or choose them by options")
    known = outline(config)
    chosen = ids or settled_of(
        known, Asked(("dead",), phone=phone, source=source, reason=reason, since=since)
    )
    count = 0
    for first in range(0, len(chosen), BATCH):
        with rewriting(known.database) as connection:
            count += close(connection, chosen[first : first + BATCH])
    if not count:
        raise BridgeError("none of these is dead", fix="`bridge events --state dead` lists what is")
    typer.echo(f"{count} event{'s' * (count != 1)} closed")
