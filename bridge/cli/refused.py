"""What came to the webhook routes and is no event: `bridge events --refused`, and where the list is empty.

Knows words and columns; counting is `store.refusals`'. Rule for editors: it answers "I pasted the URL, and
nothing comes": what was refused, when, why, and what to do about it.
"""

import sqlite3
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import typer

from bridge.cli.output import local_time, print_json, printable, table

if TYPE_CHECKING:
    from bridge.store.refusals import Count, Refused

_BODY_SHOWN: Final = 200  # characters
_FIXES: Final = {
    "unauthorized": "paste the URL of `bridge check`, token included; for an app see app_id and public_keys",
    "unknown source": "paste the URL that `bridge check` prints",
    "malformed": "`bridge events --refused` shows what came",
    "wrong method": "choose POST in the sender's settings",
    "too large": "send the contact alone, without files or history",
    "busy": "`bridge status` says what is wrong with the database; senders were asked to repeat",
    "ignored": "nothing, unless you want them: see `locations` and the events that the app is subscribed to",
}


def tell_refused(reader: sqlite3.Connection, *, limit: int, json: bool) -> None:
    """Print the counts, and the newest of the requests that were kept."""
    from bridge.store.refusals import counts, sample  # noqa: PLC0415

    counted, kept = counts(reader), sample(reader, limit=limit)
    if json:
        print_json({"counts": [_count(each) for each in counted], "requests": [_kept(each) for each in kept]})
        return
    if not counted:
        typer.echo("nothing was refused or ignored")
        return
    tell_counts(counted)
    for each in kept:
        typer.echo()
        kind = f", {each.content_type}" if each.content_type else ""
        typer.echo(f"{local_time(each.at)[:19]}  {each.source}, {each.outcome}: {printable(each.reason)}")
        typer.echo(f"  {each.size} bytes{printable(kind)}: {_text(each)[:_BODY_SHOWN]}")


def tell_nothing(reader: sqlite3.Connection) -> None:
    """Say that there are no events yet, and what came instead."""
    from bridge.store.refusals import counts  # noqa: PLC0415

    typer.echo("no events yet")
    if counted := counts(reader):
        typer.echo("But requests came that are no events:")
        tell_counts(counted)


def tell_counts(counted: "Sequence[Count]") -> None:
    """Print how often each source refused or ignored a request, and what to do."""
    table(
        ("source", "outcome", "times", "last", "why the last one"),
        [
            (
                each.source or "(none)",
                each.outcome,
                str(each.count),
                local_time(each.last_at)[:19],
                printable(each.reason),
            )
            for each in counted
        ],
        right=(2,),
        whole=(0, 1, 2, 3),
    )
    for outcome in dict.fromkeys(each.outcome for each in counted):
        typer.echo(f"{outcome}: {_FIXES[outcome]}")


def _count(each: "Count") -> dict[str, object]:
    return {
        "source": each.source,
        "outcome": each.outcome,
        "count": each.count,
        "reason": each.reason,
        "last_at": local_time(each.last_at),
    }


def _kept(each: "Refused") -> dict[str, object]:
    return {
        "source": each.source,
        "outcome": each.outcome,
        "reason": each.reason,
        "at": local_time(each.at),
        "content_type": each.content_type,
        "size": each.size,
        "body": _text(each),
    }


def _text(each: "Refused") -> str:
    return printable(each.body.decode("utf-8", "replace"))
