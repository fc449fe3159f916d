"""SQL of claiming: take what is due, and put back what a crash left open.

Rule for editors: a claim is on the disk before its request leaves, so that after a crash the budget knows
of every request that may have reached Fusion.
"""

import json
import sqlite3
from collections.abc import Collection
from dataclasses import dataclass

from bridge.outbox.compose import Composed, Due, compose, plan
from bridge.outbox.request import Request
from bridge.store.events import die, release
from bridge.store.resolving import LANE


@dataclass(frozen=True, slots=True)
class Claimed:
    """A request that may leave now, and the attempt that says so."""

    account: str
    attempt_id: int
    request: Request
    rows: tuple[Due, ...]


@dataclass(frozen=True, slots=True)
class Claim:
    """What to send now; and when the next row that isn't in flight is due (None: none waits)."""

    claimed: tuple[Claimed, ...]
    next_due_at: float | None


DUE = """
SELECT o.campaign_id, o.phone, o.kind, o.body, o.event_id, o.only_existing,
    o.uncertain_at IS NOT NULL AS uncertain, l.phone IS NOT NULL AS known
FROM outbox AS o
LEFT JOIN lead_map AS l
    ON l.account = o.account AND l.campaign_id = o.campaign_id AND l.phone = o.phone
WHERE o.lane = ? AND o.account = ? AND o.sent_version IS NULL AND o.due_at <= ?
ORDER BY o.priority, o.due_at
LIMIT ?
"""


def claim(connection: sqlite3.Connection, account: str, *, places: int, now: float) -> Claim:
    """Compose at most `places` requests for what is due and mark their rows as sent."""
    while True:
        due = [_due(row) for row in connection.execute(DUE, (LANE, account, now, max(places, 0)))]
        hopeless = [row for row in due if plan(row) == "withdraw"]
        if not hopeless:
            break
        for row in hopeless:
            drop(connection, account, row)
            release(connection, row.event_id, now, reason=row.only_existing)
    claimed = tuple(_send(connection, account, composed, now) for composed in compose(due, places))
    following = connection.execute(
        "SELECT MIN(due_at) FROM outbox WHERE lane = ? AND account = ? AND sent_version IS NULL",
        (LANE, account),
    ).fetchone()[0]
    return Claim(claimed, following)


def _due(row: sqlite3.Row) -> Due:
    return Due(
        campaign_id=row["campaign_id"],
        phone=row["phone"],
        kind=row["kind"],
        body=json.loads(row["body"]),
        event_id=row["event_id"],
        known=bool(row["known"]),
        uncertain=bool(row["uncertain"]),
        only_existing=row["only_existing"],
    )


def _send(connection: sqlite3.Connection, account: str, composed: Composed, now: float) -> Claimed:
    attempt_id = connection.execute(
        "INSERT INTO attempts (lane, account, started_at, method, leads) VALUES (?, ?, ?, ?, ?)",
        (LANE, account, now, composed.request.method, len(composed.rows)),
    ).lastrowid
    connection.executemany(
        "INSERT INTO attempt_leads VALUES (?, ?, ?, ?)",
        [(attempt_id, row.event_id, row.campaign_id, row.phone) for row in composed.rows],
    )
    connection.executemany(
        """
        UPDATE outbox SET sent_version = version, sent_event_id = event_id
        WHERE lane = ? AND account = ? AND campaign_id = ? AND phone = ?
        """,
        [(LANE, account, row.campaign_id, row.phone) for row in composed.rows],
    )
    return Claimed(account, int(attempt_id or 0), composed.request, composed.rows)


def drop(connection: sqlite3.Connection, account: str, row: Due) -> None:
    """A row leaves the outbox."""
    connection.execute(
        "DELETE FROM outbox WHERE lane = ? AND account = ? AND campaign_id = ? AND phone = ?",
        (LANE, account, row.campaign_id, row.phone),
    )


def forget_pauses(connection: sqlite3.Connection, now: float) -> None:
    """At start: nothing is known of the accounts any more, but that Fusion asked one to wait."""
    connection.execute("DELETE FROM lanes WHERE reason <> 'throttled' OR paused_until <= ?", (now,))


def recover(connection: sqlite3.Connection, now: float, *, account: str | None = None) -> int:
    """What was under way when the process (or one account's lane) broke off waits again.

    A creation may have been carried out. A request that was under way occupies its place in the budget
    from now on: nobody knows when it arrived, but it was not later. Returns the number of rows.
    """
    connection.execute(
        """
        UPDATE attempts SET answered_at = :now, outcome = 'interrupted'
        WHERE answered_at IS NULL AND (:account IS NULL OR account = :account)
        """,
        {"now": now, "account": account},
    )
    rows = connection.execute(
        """
        SELECT id, event_id, sent_event_id FROM outbox
        WHERE sent_version IS NOT NULL AND (:account IS NULL OR account = :account)
        """,
        {"account": account},
    ).fetchall()
    for row in rows:
        connection.execute(
            """
            UPDATE outbox SET
                sent_version = NULL, sent_event_id = NULL, due_at = MIN(due_at, :now),
                uncertain_at = CASE
                    WHEN EXISTS (
                        SELECT 1 FROM lead_map AS l
                        WHERE l.account = outbox.account AND l.campaign_id = outbox.campaign_id
                            AND l.phone = outbox.phone
                    ) THEN uncertain_at ELSE :now END
            WHERE id = :id
            """,
            {"now": now, "id": row["id"]},
        )
        if row["sent_event_id"] != row["event_id"]:
            release(connection, row["sent_event_id"], now, superseded_by=row["event_id"])
    return len(rows)


def abandon(connection: sqlite3.Connection, accounts: Collection[str], now: float) -> list[str]:
    """Rows of accounts that left the configuration can't be sent: their events are dead, with the fix.

    Returns the names of those accounts.
    """
    names = [row["account"] for row in connection.execute("SELECT DISTINCT account FROM outbox")]
    gone = [name for name in names if name not in accounts]
    for name in gone:
        connection.execute(  # what may have been created must be found, should the account come back
            """
            INSERT OR IGNORE INTO lead_map (account, campaign_id, phone, origin)
            SELECT account, campaign_id, phone, 'created' FROM outbox
            WHERE account = ? AND sent_version IS NULL AND uncertain_at IS NOT NULL
            """,
            (name,),
        )
        rows = connection.execute(
            "DELETE FROM outbox WHERE account = ? AND sent_version IS NULL RETURNING event_id", (name,)
        ).fetchall()
        reason = f"the account {name!r} isn't in the configuration any more"
        for row in rows:
            die(
                connection,
                row["event_id"],
                reason,
                "put it back, or mend the routes; then `bridge replay`",
                now,
            )
    return gone


def throttled_until(connection: sqlite3.Connection, account: str) -> float:
    """Reads until when Fusion asked this account to wait; 0 when it didn't."""
    row = connection.execute(
        "SELECT paused_until FROM lanes WHERE lane = ? AND account = ? AND reason = 'throttled'",
        (LANE, account),
    ).fetchone()
    return float(row["paused_until"]) if row else 0.0


def spent(connection: sqlite3.Connection, account: str, since: float) -> list[float]:
    """Reads when those of the account's requests were answered that Fusion may still count."""
    rows = connection.execute(
        """
        SELECT answered_at FROM attempts
        WHERE lane = ? AND account = ? AND answered_at > ? AND reached
        """,
        (LANE, account, since),
    )
    return [row["answered_at"] for row in rows]
