"""`bridge status`: one screen that says whether leads flow, and if not, why and what to do.

Knows the screen; the figures are `store.status`'. Rule for editors: it fits on 80 by 24 with two accounts,
and it ends with 0 whenever the database could be read: whether the figures are good is for people to say.
"""

import re
import time
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bridge.cli import selecting
from bridge.cli.configured import DEFAULT_CONFIG, ConfigOption, Outline, outline
from bridge.cli.output import JsonOption, console, duration, local_time, print_json, table
from bridge.cli.sheet import cut, facts, section
from bridge.cli.status_accounts import drained, left, tell_accounts, window_of

if TYPE_CHECKING:
    from bridge.store.loaded import Loaded
    from bridge.store.marks import Standing
    from bridge.store.origins import Bound
    from bridge.store.refusals import Count
    from bridge.store.status import Status

# Of today's skipped events.
_MOST_REASONS = 5

# As many requests that met a lead which Fusion had already cost two requests a lead for nothing.
_MANY_FOUND = 20


def command(*, config: ConfigOption = DEFAULT_CONFIG, json: JsonOption = False) -> None:
    """Show what waits, what was spent of the limit, what is paused, and what went wrong last.

    Works while the service runs, and while it doesn't. "Later" is what waits for its next try; "leads/req"
    how many leads a request carried, on average of the account's last 1,000; "today" begins at midnight of
    this machine's clock.

    Example:
      bridge status
      watch bridge status
      bridge status --json | jq .oldest
    """
    from bridge.store import loaded, origins  # noqa: PLC0415
    from bridge.store.database import open_reader  # noqa: PLC0415 -- bridge --help is instant without it
    from bridge.store.marks import standing  # noqa: PLC0415
    from bridge.store.queries import has_table  # noqa: PLC0415
    from bridge.store.refusals import counts  # noqa: PLC0415
    from bridge.store.status import look, owner, size_of  # noqa: PLC0415
    from bridge.store.trouble import no_room  # noqa: PLC0415

    known, now = outline(config), time.time()
    reader = open_reader(known.database)
    status = look(
        reader,
        list(known.accounts),
        now=now,
        midnight=datetime.now().astimezone().replace(hour=0, minute=0, second=0, microsecond=0).timestamp(),
        budget=window_of(known),
    )
    marks = standing(reader, known.database)
    process, size = owner(known.database), size_of(known.database)
    bound = origins.bound(reader)
    read = loaded.read(reader) if has_table(reader, "loaded_config") else None
    if json:
        more = {
            "forgotten": selecting.for_json(marks),
            "fusion": {name: selecting.for_json(each) for name, each in bound.items()},
            "configuration": _config_as_json(read, config),
            "not_events": [selecting.for_json(each) for each in counts(reader)],
        }
        print_json({**_as_json(known, status, process, size), **more})
        return
    runs = f"running, {process}" if process else "not running: start it with `bridge serve`"
    facts([("service", runs), ("database", f"{known.database}, {_bytes(size)}")])
    if trouble := no_room(known.database):
        facts([("stores nothing", trouble.message), ("what to do", trouble.fix)])
    _tell_events(status, now)
    _tell_refusals(counts(reader), now)
    tell_accounts(known, status, now, running=bool(process))
    _tell_refused_keys(status, process)
    _tell_elsewhere(bound)
    _tell_config(read, config, process)
    _tell_lost(status)
    _tell_found(status)
    _tell_marks(marks)
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
    who = "not through the rules yet"
    if oldest is not None and oldest.phone:
        who = f"{oldest.phone}, for {oldest.account}"
    why = ", ".join(f"{count} {reason}" for reason, count in [*status.skipped.items()][:_MOST_REASONS])
    more = len(status.skipped) - _MOST_REASONS
    facts(
        [
            ("skipped today", f"{why}, {more} more reasons" if more > 0 else why),
            ("oldest waiting", f"{duration(now - oldest.since)}: {who}" if oldest else ""),
        ]
    )


def _tell_refusals(counted: "list[Count]", now: float) -> None:
    """Requests that are no events, and why the last one; `bridge events --refused` shows them."""
    if not counted:
        return
    found = [f"{each.source} {each.outcome} {each.count}".strip() for each in counted]
    last = max(counted, key=lambda each: each.last_at)
    why = f"{duration(max(0.0, now - last.last_at))} ago, {last.outcome}: {last.reason}"
    room = console().width - len("  not events  ")
    facts([("not events", "; ".join(found)), ("", cut(why, room)), ("", "each: `bridge events --refused`")])


def _tell_refused_keys(status: "Status", process: str) -> None:
    """The one pause that no waiting ends."""
    pauses = {name: account.pause.reason for name, account in status.accounts.items() if account.pause}
    refused = [name for name, reason in pauses.items() if reason == "unauthorized"]
    if not refused:
        return
    facts([("what to do", f"put the right key of {', '.join(refused)} into .env, then {_reload(process)}")])


def _reload(process: str) -> str:
    """How this service is made to read its configuration again."""
    number = re.search(r"\d+", process)
    if number is None:
        return "start the service"
    if number[0] == "1":  # of its container: another process here
        return "reload: `docker compose kill -s HUP bridge`"
    return f"reload: `kill -HUP {number[0]}`, or `systemctl reload bridge`"


def _tell_config(known: "Loaded | None", path: Path, process: str) -> None:
    """A file that the service refused, or hasn't loaded yet."""
    from bridge.config.saved import saved  # noqa: PLC0415

    if known is None or not process:
        return
    now, files = time.time(), saved(path)
    refused = known.refused_at is not None
    if refused and known.refused_saved == files:
        facts(
            [
                (
                    "configuration",
                    f"refused {duration(now - (known.refused_at or now))} ago: {known.problem}",
                ),
                ("what to do", f"`bridge check` shows how to mend it; then {_reload(process)}"),
            ]
        )
    elif known.saved != files:
        said = f"saved since the service read it {duration(now - known.loaded_at)} ago, and not loaded yet"
        facts([("configuration", said), ("what to do", f"`bridge check`, then {_reload(process)}")])


def _config_as_json(known: "Loaded | None", path: Path) -> dict[str, Any] | None:
    from bridge.config.saved import saved  # noqa: PLC0415

    if known is None:
        return None
    return {
        "loaded_at": selecting.iso(known.loaded_at),
        "saved_since": known.saved != saved(path),
        "refused_at": selecting.iso(known.refused_at),
        "problem": known.problem,
    }


def _tell_lost(status: "Status") -> None:
    if status.opt_outs_lost:
        what = "1 opt-out" if status.opt_outs_lost == 1 else f"{status.opt_outs_lost:,} opt-outs"
        facts([("opt-outs", f"{what} reached nobody: `bridge events --state dead` lists them")])


def _tell_elsewhere(bound: "dict[str, Bound]") -> None:
    """Leads of another Fusion, which the bridge worked with before: nothing of them is believed."""
    aside = [(account, each) for account, here in bound.items() for each in here.aside]
    if not aside:
        return
    leads, since = sum(each.leads for _, each in aside), min(bound[account].since for account, _ in aside)
    where = ", ".join(dict.fromkeys(each.fusion for _, each in aside))
    whose = ", ".join(dict.fromkeys(account for account, _ in aside))
    said = f"{leads:,} lead{'s' * (leads != 1)} of {where} ({whose}), since {local_time(since)[:16]}"
    todo = "once: `bridge adopt`, then `bridge replay --state delivered --since …`"
    facts([("put aside", said), ("what to do", todo)])


def _tell_found(status: "Status") -> None:
    if status.found >= _MANY_FOUND:
        facts(
            [("hint", f"{status.found} requests met leads already in Fusion: `bridge adopt` learns them all")]
        )


def _tell_marks(marks: "Standing") -> None:
    """Only what is wrong with the marks of erased people; usually nothing."""
    if marks.trouble:
        facts([("no event goes on", marks.trouble), ("what to do", marks.fix)])
    if marks.unfinished:
        what = "1 erasure isn't" if marks.unfinished == 1 else f"{marks.unfinished} erasures aren't"
        facts([("hint", f"{what} finished: run `bridge forget` with the same phone again")])


def _tell_last(status: "Status", now: float) -> None:
    request, event = status.failed_request, status.dead_event
    name = "request that failed"
    room = console().width - len(f"  {name}  ")  # a line each: the log and `bridge show` have the rest
    section("Last")
    facts(
        [
            ("delivered", _when(status.delivered_at, now) if status.delivered_at else "nothing yet"),
            (
                name,
                cut(f"{duration(now - request.at)} ago, {request.account}: {request.what}", room)
                if request
                else "",
            ),
            (
                "dead event",
                cut(f"{duration(now - event.at)} ago, event {event.event_id}: {event.what}", room)
                if event
                else "",
            ),
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
        document["accounts"][name] |= {"left": left(account), "drain_s": drained(known, account)}
        if known.limit is None:
            document["accounts"][name]["used"] = None
    database = {"path": str(known.database), "bytes": size, "owner": process or None}
    return {"database": database, **document}
