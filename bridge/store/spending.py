"""SQL of spending: the requests that Fusion may still count, and the ones about to leave.

The attempts table is the only count there is, shared by the service and `bridge adopt`: whoever wants to
send reads it and writes its attempt in the same transaction. Rule for editors: an attempt is on the disk
before its request leaves, so that after a crash the budget knows of every request that may have arrived.
"""

import sqlite3

from bridge.outbox.budget import Spent, Told
from bridge.store.resolving import LANE

# No request lasts longer (the client gives up before). An attempt that is open for longer belongs to a
# process that is gone.
LONGEST_REQUEST_S = 60.0


def spent(connection: sqlite3.Connection, account: str, *, now: float, per_s: float) -> Spent:
    """Reads the requests of an account that may still count, `per_s` seconds after their answer."""
    answered = connection.execute(
        """
        SELECT answered_at, started_at, status FROM attempts
        WHERE lane = ? AND account = ? AND answered_at > ? AND reached
        ORDER BY answered_at
        """,
        (LANE, account, now - per_s - 1),
    ).fetchall()
    under_way = connection.execute(
        "SELECT started_at FROM attempts WHERE lane = ? AND account = ? AND answered_at IS NULL",
        (LANE, account),
    ).fetchall()
    lost = [row["started_at"] for row in under_way if row["started_at"] <= now - LONGEST_REQUEST_S]
    sent_at = [row["started_at"] for row in (*answered, *under_way)]
    arrived = [row["started_at"] for row in answered if row["status"] is not None]
    return Spent(
        sorted([row["answered_at"] for row in answered] + [at + LONGEST_REQUEST_S for at in lost]),
        len(under_way) - len(lost),
        max(sent_at, default=0.0),
        [*arrived, *(row["started_at"] for row in under_way)],
    )


def write_told(connection: sqlite3.Connection, account: str, told: Told) -> None:
    """Keep what Fusion's headers said, for `bridge status`."""
    if told.limit is None and not told.others:
        connection.execute("DELETE FROM told_limits WHERE account = ?", (account,))
        return
    connection.execute(
        "INSERT OR REPLACE INTO told_limits VALUES (?, ?, ?, ?)",
        (account, told.limit, told.others, told.until),
    )


def told(connection: sqlite3.Connection, account: str) -> Told:
    """Reads what Fusion's headers said last."""
    row = connection.execute(
        "SELECT told, others, until FROM told_limits WHERE account = ?", (account,)
    ).fetchone()
    return Told(*row) if row else Told()


def begin_attempt(
    connection: sqlite3.Connection, account: str, *, method: str, leads: int, now: float
) -> int:
    """A request is about to leave; it takes a place from now on."""
    attempt = connection.execute(
        "INSERT INTO attempts (lane, account, started_at, method, leads) VALUES (?, ?, ?, ?, ?)",
        (LANE, account, now, method, leads),
    )
    return int(attempt.lastrowid or 0)
