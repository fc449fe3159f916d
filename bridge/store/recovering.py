"""SQL of recovering: what a crash, a bug of ours or a changed configuration left open is put back or ended.

Rule for editors: nobody knows of a request under way whether it was carried out, so a creation may have been.
"""

import json
import sqlite3
from collections.abc import Collection

from bridge.outbox.batch import STANDS_ALONE
from bridge.store.events import die, release
from bridge.store.lead_map import write_doubt
from bridge.store.resolving import LANE


def forget_pauses(connection: sqlite3.Connection, now: float) -> None:
    """At start: nothing is known of the accounts any more, but that Fusion asked one to wait."""
    connection.execute("DELETE FROM lanes WHERE reason <> 'throttled' OR paused_until <= ?", (now,))


def recover(connection: sqlite3.Connection, now: float, *, attempt: int | None = None) -> int:
    """What was under way when the process (or one request) broke off waits again.

    A request that was under way occupies its place in the budget from now on: nobody knows when it arrived,
    but it was not later. Returns the number of rows.
    """
    if attempt is None:
        _rewind(connection, now)
    rows = connection.execute(
        """
        SELECT o.id, o.event_id, o.sent_event_id, o.sent_version,
            o.attempt_id, a.started_at, a.method, a.leads,
            EXISTS (
                SELECT 1 FROM lead_map AS l
                WHERE l.account = o.account AND l.campaign_id = o.campaign_id AND l.phone = o.phone
            ) AS known
        FROM outbox AS o
        JOIN attempts AS a ON a.id = o.attempt_id
        WHERE o.sent_version IS NOT NULL AND (:attempt IS NULL OR o.attempt_id = :attempt)
        """,
        {"attempt": attempt},
    ).fetchall()
    for row in rows:
        _put_back(connection, row, now)
        if row["sent_event_id"] != row["event_id"]:
            release(connection, row["sent_event_id"], now, superseded_by=row["event_id"])
    connection.execute(
        """
        UPDATE attempts SET answered_at = :now, outcome = 'interrupted'
        WHERE answered_at IS NULL AND (:attempt IS NULL OR id = :attempt)
        """,
        {"now": now, "attempt": attempt},
    )
    return len(rows)


def _rewind(connection: sqlite3.Connection, now: float) -> None:
    """What was written while the machine's clock was ahead isn't in the future any more.

    Else the account would wait for it, and fresh events of these contacts would look stale.
    """
    connection.execute(
        """
        UPDATE attempts SET started_at = MIN(started_at, :now), answered_at = MIN(answered_at, :now)
        WHERE answered_at > :now
        """,
        {"now": now},
    )
    connection.execute("UPDATE outbox SET due_at = :now WHERE due_at > :now", {"now": now})
    connection.execute(
        """
        UPDATE lanes SET paused_until = :now + (paused_until - since), since = :now
        WHERE since > :now
        """,
        {"now": now},
    )
    connection.execute(
        """
        UPDATE contact_map SET
            occurred_at = MIN(occurred_at, :now),
            stated_at = MIN(stated_at, :now),
            dnd_all_at = MIN(dnd_all_at, :now),
            dnd_call_at = MIN(dnd_call_at, :now)
        WHERE occurred_at > :now OR dnd_all_at > :now OR dnd_call_at > :now
        """,
        {"now": now},
    )


def _put_back(connection: sqlite3.Connection, row: sqlite3.Row, now: float) -> None:
    """The row waits; a creation is in doubt, with its whole batch where it had company."""
    created = row["method"] == "POST" and not row["known"]
    batch = created and row["leads"] > 1
    connection.execute(
        """
        UPDATE outbox SET
            sent_version = NULL, sent_event_id = NULL, attempt_id = NULL, due_at = MIN(due_at, :now),
            uncertain_at = CASE WHEN :created THEN :now ELSE uncertain_at END,
            refusals = CASE WHEN :created AND NOT :batch THEN :alone ELSE refusals END,
            doubt = CASE WHEN :batch THEN :attempt ELSE doubt END,
            doubt_since = CASE WHEN :batch THEN COALESCE(doubt_since, :sent_at) ELSE doubt_since END,
            doubt_version = CASE
                WHEN :batch THEN COALESCE(doubt_version, sent_version) ELSE doubt_version END,
            look_up = CASE WHEN :batch THEN only_existing = '' ELSE look_up END
        WHERE id = :id
        """,
        {
            "id": row["id"],
            "now": now,
            "created": created,
            "batch": batch,
            "alone": STANDS_ALONE,
            "attempt": row["attempt_id"],
            "sent_at": row["started_at"],
        },
    )


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
            """
            DELETE FROM outbox WHERE account = ? AND sent_version IS NULL
            RETURNING campaign_id, phone, body, event_id
            """,
            (name,),
        ).fetchall()
        reason = f"the account {name!r} isn't in the configuration any more"
        for row in rows:
            write_doubt(connection, (name, row["campaign_id"], row["phone"]), json.loads(row["body"]))
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
