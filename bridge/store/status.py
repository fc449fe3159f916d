"""SQL of the one-screen status: what waits, what was spent, what is wrong, and whose database it is.

Reads only, and never more than an index or two. Rule for editors: whatever is asked here must be answered
while the service is down, or overwhelmed: that is when people ask.
"""

import fcntl
import os
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bridge.outbox.binding import Binding, binding
from bridge.outbox.budget import MARGIN_S, Budget, Spent
from bridge.store.backlog import OldestWaiting, backlog, oldest, oldest_of
from bridge.store.queries import STATES, first_since, has_table
from bridge.store.reaching import IN_VAIN
from bridge.store.resolving import LANE
from bridge.store.spending import spent, told

# What a request carried on average, and what it met, is asked of so many of the newest.
LATEST = 1000

# Older ones say nothing about what `bridge adopt` would spare today.
ADOPT_WITHIN_S = 86_400.0


@dataclass(frozen=True, slots=True)
class Window:
    """So many requests in any span of so many seconds; None: not known how many."""

    requests: int | None
    per_s: float


@dataclass(frozen=True, slots=True)
class Pause:
    """Why an account doesn't send."""

    reason: str
    detail: str
    since: float
    until: float

    def holds(self, now: float) -> bool:
        """Whether it still pauses: until a request gets through, or for as long as Fusion asked."""
        return self.reason in {"unreachable", "unauthorized"} or self.until > now


@dataclass(frozen=True, slots=True)
class AccountStatus:
    """What one account owes, and what it has spent of its window."""

    due: int = 0
    later: int = 0
    in_flight: int = 0
    requests: int = 0  # that what waits will take
    oldest: OldestWaiting | None = None
    used: int = 0
    leads_per_request: float | None = None  # None: no request yet
    pause: Pause | None = None
    binding: Binding | None = None  # None: the limit isn't known


@dataclass(frozen=True, slots=True)
class Trouble:
    """A failed request or a dead event."""

    at: float
    what: str
    fix: str = ""
    event_id: int | None = None
    account: str = ""


@dataclass(frozen=True, slots=True)
class Status:
    """The state of everything."""

    today: dict[str, int]
    total: dict[str, int]
    skipped: dict[str, int]  # today's by reason, the most frequent first
    oldest: OldestWaiting | None
    accounts: dict[str, AccountStatus]
    failed_request: Trouble | None
    dead_event: Trouble | None
    delivered_at: float | None
    opt_outs_lost: int  # dead events of opt-outs that reached nobody
    found: int  # of the LATEST requests, those of the last day that met a lead that Fusion had already


def look(
    connection: sqlite3.Connection, accounts: list[str], *, now: float, midnight: float, budget: Window
) -> Status:
    """The state of everything at one moment; every account of the configuration is in it, and every other."""
    connection.execute("BEGIN")
    try:
        known = connection.execute("SELECT DISTINCT account FROM outbox UNION SELECT account FROM lanes")
        names = [*accounts, *(row["account"] for row in known if row["account"] not in accounts)]
        first = first_since(connection, midnight)
        # Each event is counted once: a million take a while.
        today = _counts(connection, ">=", first)
        before = _counts(connection, "<", first)
        return Status(
            today=today,
            total={state: today[state] + count for state, count in before.items()},
            skipped=_skipped(connection, first),
            oldest=oldest(connection),
            accounts={name: account_status(connection, name, now=now, budget=budget) for name in names},
            failed_request=_failed_request(connection),
            dead_event=_dead_event(connection),
            delivered_at=_delivered_at(connection),
            opt_outs_lost=_opt_outs_lost(connection),
            found=_found(connection, now),
        )
    finally:
        connection.execute("COMMIT")


def _counts(connection: sqlite3.Connection, side: Literal["<", ">="], first: int) -> dict[str, int]:
    counted = {}
    for state in STATES:  # one range of an index each
        row = connection.execute(
            f"SELECT COUNT(*) FROM events WHERE state = ? AND id {side} ?",  # noqa: S608 - our own words
            (state, first),
        ).fetchone()
        counted[state] = int(row[0])
    return counted


def _skipped(connection: sqlite3.Connection, first: int) -> dict[str, int]:
    rows = connection.execute(
        """
        SELECT reason, COUNT(*) FROM events WHERE state = 'skipped' AND id >= ?
        GROUP BY reason ORDER BY COUNT(*) DESC, reason
        """,
        (first,),
    )
    return dict(rows.fetchall())


def account_status(connection: sqlite3.Connection, name: str, *, now: float, budget: Window) -> AccountStatus:
    """What one account owes, what it has spent, and what keeps it from sending."""
    owed = backlog(connection, name, now=now)
    return AccountStatus(
        due=owed.waiting - owed.later,
        later=owed.later,
        in_flight=owed.in_flight,
        requests=owed.requests,
        oldest=oldest_of(connection, name) if owed.rows else None,
        used=used(connection, name, now=now, per_s=budget.per_s),
        leads_per_request=_leads_per_request(connection, name),
        pause=pause(connection, name),
        binding=_binding(connection, name, now=now, window=budget),
    )


def _binding(connection: sqlite3.Connection, account: str, *, now: float, window: Window) -> Binding | None:
    """Which limit binds, as the lane itself would find."""
    if window.requests is None:
        return None
    budget = Budget(window.requests, window.per_s)
    if has_table(connection, "told_limits"):
        budget.remember(told(connection, account))
    return binding(budget, spent(connection, account, now=now, per_s=window.per_s), now)


def _opt_outs_lost(connection: sqlite3.Connection) -> int:
    if not has_table(connection, "contact_emails"):
        return 0  # a release before this one ended none so
    # Of itself SQLite would read every dead event.
    query = f"SELECT COUNT(*) FROM events INDEXED BY events_in_vain WHERE state = 'dead' AND {IN_VAIN}"  # noqa: S608
    return int(connection.execute(query).fetchone()[0])


def used(connection: sqlite3.Connection, account: str, *, now: float, per_s: float) -> int:
    """The places of its window that an account has taken."""
    counted: Spent = spent(connection, account, now=now, per_s=per_s)
    return counted.under_way + sum(at + per_s + MARGIN_S > now for at in counted.answered_at)


def pause(connection: sqlite3.Connection, account: str) -> Pause | None:
    """Why this account doesn't send, as its lane wrote it down; it stays until a request gets through."""
    row = connection.execute(
        "SELECT reason, detail, since, paused_until FROM lanes WHERE lane = ? AND account = ?",
        (LANE, account),
    ).fetchone()
    return Pause(*row) if row else None


def _leads_per_request(connection: sqlite3.Connection, account: str) -> float | None:
    """What the newest requests carried on average; look-ups (GET) carry nothing."""
    row = connection.execute(
        """
        SELECT AVG(leads) FROM (
            SELECT leads FROM attempts
            WHERE lane = ? AND account = ? AND answered_at IS NOT NULL AND reached
                AND method IN ('POST', 'PATCH')
            ORDER BY answered_at DESC
            LIMIT ?
        )
        """,
        (LANE, account, LATEST),
    ).fetchone()
    return None if row[0] is None else float(row[0])


def _found(connection: sqlite3.Connection, now: float) -> int:
    row = connection.execute(
        """
        SELECT COUNT(*) FROM (SELECT outcome, answered_at FROM attempts ORDER BY id DESC LIMIT ?)
        WHERE outcome = 'exists' AND answered_at > ?
        """,
        (LATEST, now - ADOPT_WITHIN_S),
    ).fetchone()
    return int(row[0])


def _failed_request(connection: sqlite3.Connection) -> Trouble | None:
    """The newest one that didn't get through; a corrected one (409, 404) is no failure."""
    row = connection.execute(
        """
        SELECT answered_at, outcome, status, error, account
        FROM attempts
        WHERE outcome NOT IN ('delivered', 'exists', 'gone', 'interrupted', 'withdrawn')
        ORDER BY id DESC
        LIMIT 1
        """
    ).fetchone()
    if row is None:
        return None
    what = f"{row['outcome']} ({row['status']})" if row["status"] else row["outcome"]
    words = f"{what}: {row['error']}" if row["error"] else what
    return Trouble(row["answered_at"], words, account=row["account"])


def _dead_event(connection: sqlite3.Connection) -> Trouble | None:
    row = connection.execute(
        """
        SELECT id, settled_at, reason, fix
        FROM events
        WHERE state = 'dead'
        ORDER BY id DESC
        LIMIT 1
        """
    ).fetchone()
    return Trouble(row["settled_at"], row["reason"], row["fix"], row["id"]) if row else None


def _delivered_at(connection: sqlite3.Connection) -> float | None:
    row = connection.execute(
        "SELECT answered_at FROM attempts WHERE outcome = 'delivered' ORDER BY id DESC LIMIT 1"
    ).fetchone()
    return row["answered_at"] if row else None


def owner(database: Path) -> str:
    """Which process owns the database, as its lock says it ("process 4711"); empty when nobody does.

    The lock is asked for and let go at once; shared, so that two who ask at the same time see no owner.
    """
    try:
        handle = os.open(database.with_name(f"{database.name}.lock"), os.O_RDONLY)
    except OSError:
        return ""  # nobody ever owned it, or it isn't for us to know
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return os.read(handle, 100).decode(errors="replace").strip() or "a process"
    else:
        return ""
    finally:
        os.close(handle)


def size_of(database: Path) -> int:
    """Bytes on the disk, with what isn't merged into the file yet."""
    files = (database, database.with_name(f"{database.name}-wal"))
    return sum(file.stat().st_size for file in files if file.exists())
