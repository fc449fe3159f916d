"""`bridge status`: one screen that says whether leads flow, and if not, why and what to do.

Knows the screen; the figures are `store.status`'. Rule for editors: it fits on 80 by 24 with two accounts,
and it ends with 0 whenever the database could be read: whether the figures are good is for people to say.
"""

import re
import time
from datetime import datetime
from typing import TYPE_CHECKING, Any

import typer

from bridge.cli import selecting
from bridge.cli.configured import DEFAULT_CONFIG, ConfigOption, Outline, outline
from bridge.cli.output import JsonOption, duration, local_time, print_json, table
from bridge.cli.sheet import facts, section

if TYPE_CHECKING:
    from bridge.store.status import AccountStatus, Status

# Fusion's own, for counting while the configuration doesn't say: what was spent isn't shown then.
_PER_S = 60.0


def command(*, config: ConfigOption = DEFAULT_CONFIG, json: JsonOption = False) -> None:
    """Show what waits, what was spent of the limit, what is paused, and what went wrong last.

    Works while the service runs, and while it doesn't. "Later" is what waits for its next try;
    "today" begins at midnight of this machine's clock.

    Example:
      bridge status
      watch bridge status
      bridge status --json | jq .oldest
    """
    from bridge.store.database import open_reader  # noqa: PLC0415 -- bridge --help is instant without it
    from bridge.store.status import look, owner, size_of  # noqa: PLC0415

    known, now = outline(config), time.time()
    status = look(
        open_reader(known.database),
        list(known.accounts),
        now=now,
        midnight=datetime.now().astimezone().replace(hour=0, minute=0, second=0, microsecond=0).timestamp(),
        per_s=known.limit.per_s if known.limit else _PER_S,
    )
    process, size = owner(known.database), size_of(known.database)
    if json:
        print_json(_as_json(known, status, process, size))
        return
    running = f"running, {process}" if process else "not running: start it with `bridge serve`"
    typer.echo(typer.style("Bridge", bold=True))
    facts([("service", running), ("database", f"{known.database}, {_bytes(size)}")])
    _tell_events(status, now)
    _tell_accounts(known, status, now)
    _tell_refused_keys(status, process)
    _tell_last(status, now)


def _tell_events(status: "Status", now: float) -> None:
    section("Events")
    names = list(status.total)
    rows = (("  today", status.today), ("  all", status.total))
    table(
        ("", *names),
        [(name, *(str(counts[state]) for state in names)) for name, counts in rows],
        right=range(1, len(names) + 1),
        whole=range(len(names) + 1),
    )
    oldest = status.oldest
    if oldest is not None:
        who = f"{oldest.phone}, for {oldest.account}" if oldest.phone else "not through the rules yet"
        facts([("oldest waiting", f"{duration(now - oldest.since)}: {who}")])


def _tell_accounts(known: Outline, status: "Status", now: float) -> None:
    limit = known.limit
    each = f" ({limit.requests} requests in {duration(limit.per_s)} each)" if limit else ""
    section(f"Accounts{each}")
    window = ("spent", "left") if limit else ()
    headings = ("  name", "due", "later", "under way", *window, "state")
    table(
        headings,
        [
            (
                f"  {name}",
                str(account.due),
                str(account.later),
                str(account.in_flight),
                *((str(account.used), str(left(known, account))) if limit else ()),
                _state(known, name, account, now),
            )
            for name, account in status.accounts.items()
        ],
        right=range(1, len(headings) - 1),
        whole=range(len(headings) - 1),
    )


def left(known: Outline, account: "AccountStatus") -> int | None:
    """Requests that the account may still send in this window."""
    return max(0, known.limit.requests - account.used) if known.limit else None


def _state(known: Outline, name: str, account: "AccountStatus", now: float) -> str:
    if known.accounts and name not in known.accounts:
        return "not in the configuration any more"
    pause = account.pause
    if pause is None or pause.reason == "limit":
        if pause and pause.until > now:  # an older one stays until the next request
            return f"waits for the limit: {pause.detail}; next in {duration(pause.until - now)}"
        return "waits for the limit" if left(known, account) == 0 else "ok"
    again = f"tries again in {duration(pause.until - now)}" if pause.until > now else "tries again now"
    return f"paused for {duration(now - pause.since)}, {pause.reason}: {pause.detail}; {again}"


def _tell_refused_keys(status: "Status", process: str) -> None:
    """The one pause that no waiting ends."""
    pauses = {name: account.pause.reason for name, account in status.accounts.items() if account.pause}
    refused = [name for name, reason in pauses.items() if reason == "unauthorized"]
    if not refused:
        return
    number, then = re.search(r"\d+", process), "start the service"
    if number:
        then = f"reload: `kill -HUP {number[0]}`, or `systemctl reload bridge`"
    facts([("what to do", f"put the right key of {', '.join(refused)} into .env, then {then}")])


def _tell_last(status: "Status", now: float) -> None:
    request, event = status.failed_request, status.dead_event
    section("Last")
    facts(
        [
            ("delivered", _when(status.delivered_at, now) if status.delivered_at else "nothing yet"),
            (
                "request that failed",
                f"{_when(request.at, now)}, {request.account}: {request.what}" if request else "",
            ),
            ("dead event", f"{_when(event.at, now)}, event {event.event_id}: {event.what}" if event else ""),
            ("what to do", event.fix if event else ""),
        ]
    )


def _when(at: float, now: float) -> str:
    return f"{duration(now - at)} ago ({local_time(at)[:19]})"


def _bytes(size: int) -> str:
    amount = float(size)
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 1000 or unit == "GB":
            break
        amount /= 1000
    return f"{amount:.0f} {unit}" if amount >= 100 or unit == "B" else f"{amount:.1f} {unit}"


def _as_json(known: Outline, status: "Status", process: str, size: int) -> dict[str, Any]:
    document = selecting.for_json(status)
    for name, account in status.accounts.items():
        document["accounts"][name]["left"] = left(known, account)
        if known.limit is None:
            document["accounts"][name]["used"] = None
    database = {"path": str(known.database), "bytes": size, "owner": process or None}
    return {"database": database, **document}
