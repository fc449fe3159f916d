"""SQL of the one-screen status: what waits, what was spent, what is wrong, and whose database it is.

Reads only, and never more than an index or two. Rule for editors: whatever is asked here must be answered
while the service is down, or overwhelmed: that is when people ask.
"""

import fcntl
import os
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from bridge.store.queries import STATES, first_since
from bridge.store.resolving import LANE


@dataclass(frozen=True, slots=True)
class OldestWaiting:
    """The lead that waits longest; what isn't resolved yet has no phone and no account."""

    since: float
    phone: str = ""
    account: str = ""


@dataclass(frozen=True, slots=True)
class Pause:
    """Why an account doesn't send."""

    reason: str
    detail: str
    since: float
    until: float


@dataclass(frozen=True, slots=True)
class AccountStatus:
    """What one account owes, and what it has spent of its window."""

    due: int = 0
    later: int = 0
    in_flight: int = 0
    used: int = 0
    pause: Pause | None = None


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
    oldest: OldestWaiting | None
    accounts: dict[str, AccountStatus]
    failed_request: Trouble | None
    dead_event: Trouble | None
    delivered_at: float | None


def look(
    connection: sqlite3.Connection, accounts: list[str], *, now: float, midnight: float, per_s: float
) -> Status:
    """The state of everything at one moment; every account of the configuration is in it, and every other."""
    connection.execute("BEGIN")
    try:
        known = connection.execute("SELECT DISTINCT account FROM outbox UNION SELECT account FROM lanes")
        names = [*accounts, *(row["account"] for row in known if row["account"] not in accounts)]
        return Status(
            today=_counts(connection, first_since(connection, midnight)),
            total=_counts(connection, 0),
            oldest=_oldest(connection),
            accounts={name: _account(connection, name, now=now, per_s=per_s) for name in names},
            failed_request=_failed_request(connection),
            dead_event=_dead_event(connection),
            delivered_at=_delivered_at(connection),
        )
    finally:
        connection.execute("COMMIT")


def _counts(connection: sqlite3.Connection, first: int) -> dict[str, int]:
    counted = {}
    for state in STATES:  # one range of an index each
        row = connection.execute(
            "SELECT COUNT(*) FROM events WHERE state = ? AND id >= ?", (state, first)
        ).fetchone()
        counted[state] = int(row[0])
    return counted


def _oldest(connection: sqlite3.Connection) -> OldestWaiting | None:
    row = connection.execute(
        "SELECT MIN(queued_at) AS since, phone, account FROM outbox"  # the other columns are of that row
    ).fetchone()
    owed = None if row["since"] is None else OldestWaiting(row["since"], row["phone"], row["account"])
    first = connection.execute(
        "SELECT received_at FROM events WHERE state = 'received' ORDER BY id LIMIT 1"
    ).fetchone()
    if first is None or (owed and owed.since <= first["received_at"]):
        return owed
    return OldestWaiting(first["received_at"])


def _account(connection: sqlite3.Connection, name: str, *, now: float, per_s: float) -> AccountStatus:
    waiting = connection.execute(
        """
        SELECT
            COALESCE(SUM(sent_version IS NULL AND due_at <= :now), 0) AS due,
            COALESCE(SUM(sent_version IS NULL AND due_at > :now), 0) AS later,
            COALESCE(SUM(sent_version IS NOT NULL), 0) AS in_flight
        FROM outbox
        WHERE lane = :lane AND account = :account
        """,
        {"lane": LANE, "account": name, "now": now},
    ).fetchone()
    used = connection.execute(
        """
        SELECT COUNT(*)
        FROM attempts
        WHERE lane = ? AND account = ? AND reached AND (answered_at IS NULL OR answered_at > ?)
        """,
        (LANE, name, now - per_s),
    ).fetchone()[0]
    pause = connection.execute(
        "SELECT reason, detail, since, paused_until FROM lanes WHERE lane = ? AND account = ?", (LANE, name)
    ).fetchone()
    return AccountStatus(**dict(waiting), used=used, pause=Pause(*pause) if pause else None)


def _failed_request(connection: sqlite3.Connection) -> Trouble | None:
    """The newest one that didn't get through; a corrected one (409, 404) is no failure."""
    row = connection.execute(
        """
        SELECT answered_at, outcome, status, error, account
        FROM attempts
        WHERE outcome NOT IN ('delivered', 'exists', 'gone')
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
