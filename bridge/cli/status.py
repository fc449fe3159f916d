"""`bridge status`: one screen that says whether leads flow, and if not, why and what to do.

Knows the screen; the figures are `store.status`'. Rule for editors: it fits on 80 by 24 with two accounts,
and it ends with 0 whenever the database could be read: whether the figures are good is for people to say.
"""

import time
from datetime import datetime
from typing import TYPE_CHECKING, Any

import typer

from bridge.cli import selecting
from bridge.cli.configured import DEFAULT_CONFIG, ConfigOption, load_config
from bridge.cli.output import JsonOption, duration, local_time, print_json, table
from bridge.cli.sheet import facts, section

if TYPE_CHECKING:
    from bridge.config import Config
    from bridge.store.status import AccountStatus, Status


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

    loaded, now = load_config(config), time.time()
    status = look(
        open_reader(loaded.database),
        list(loaded.fusion.accounts),
        now=now,
        midnight=datetime.now().astimezone().replace(hour=0, minute=0, second=0, microsecond=0).timestamp(),
        per_s=loaded.fusion.leads_limit.per_s,
    )
    process, size = owner(loaded.database), size_of(loaded.database)
    if json:
        print_json(_as_json(loaded, status, process, size))
        return
    running = f"running, {process}" if process else "not running: start it with `bridge serve`"
    typer.echo(typer.style("Bridge", bold=True))
    facts([("service", running), ("database", f"{loaded.database}, {_bytes(size)}")])
    _tell_events(status, now)
    _tell_accounts(loaded, status, now)
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


def _tell_accounts(config: "Config", status: "Status", now: float) -> None:
    limit = config.fusion.leads_limit
    section(f"Accounts ({limit.requests} requests in {duration(limit.per_s)} each)")
    table(
        ("  name", "due", "later", "under way", "spent", "left", "state"),
        [
            (
                f"  {name}",
                str(account.due),
                str(account.later),
                str(account.in_flight),
                str(account.used),
                str(left(config, account)),
                _state(config, name, account, now),
            )
            for name, account in status.accounts.items()
        ],
        right=(1, 2, 3, 4, 5),
        whole=(0, 1, 2, 3, 4, 5),
    )


def left(config: "Config", account: "AccountStatus") -> int:
    """Requests that the account may still send in this window."""
    return max(0, config.fusion.leads_limit.requests - account.used)


def _state(config: "Config", name: str, account: "AccountStatus", now: float) -> str:
    if name not in config.fusion.accounts:
        return "not in the configuration any more"
    pause = account.pause
    if pause is None:
        return "ok" if left(config, account) else "waits for the limit"
    again = f"tries again in {duration(pause.until - now)}" if pause.until > now else "tries again now"
    return f"paused for {duration(now - pause.since)}, {pause.reason}: {pause.detail}; {again}"


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


def _as_json(config: "Config", status: "Status", process: str, size: int) -> dict[str, Any]:
    document = selecting.for_json(status)
    for name, account in status.accounts.items():
        document["accounts"][name]["left"] = left(config, account)
    database = {"path": str(config.database), "bytes": size, "owner": process or None}
    return {"database": database, **document}
