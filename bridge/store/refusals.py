"""SQL of refused and ignored requests: counts by source and outcome, and a bounded sample of bodies.

Rule for editors: strangers can cause any number of these. Nothing here grows with it: counts are one row a
source and outcome, the sample keeps the newest, and a request never waits for its row.
"""

import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bridge.store.queries import has_table

# Of each outcome: many ignored deliveries must not push out the one that couldn't be read.
SAMPLE = 50
BODY_KEPT = 64 * 1024


@dataclass(frozen=True, slots=True)
class Count:
    """How often, and the last of them."""

    source: str  # '' for none of the configuration
    outcome: str
    count: int
    reason: str
    last_at: float


@dataclass(frozen=True, slots=True)
class Refused:
    """One request that didn't become an event."""

    source: str
    outcome: str
    reason: str
    at: float
    content_type: str
    size: int  # in bytes
    body: bytes  # the first BODY_KEPT bytes


def add(
    connection: sqlite3.Connection, counts: Mapping[tuple[str, str], Count], sample: Iterable[Refused]
) -> None:
    """Add what came since the last time."""
    connection.executemany(
        """
        INSERT INTO refusals (source, outcome, count, reason, last_at) VALUES (?, ?, ?, ?, ?)
        ON CONFLICT (source, outcome) DO UPDATE SET
            count = count + excluded.count, reason = excluded.reason, last_at = excluded.last_at
        """,
        [(each.source, each.outcome, each.count, each.reason, each.last_at) for each in counts.values()],
    )
    connection.executemany(
        """
        INSERT INTO refused_bodies (source, outcome, reason, at, content_type, size, body)
        VALUES (?, ?, ?, ?, ?, ?, ?)
        """,
        [
            (each.source, each.outcome, each.reason, each.at, each.content_type, each.size, each.body)
            for each in sample
        ],
    )
    for outcome in {each.outcome for each in sample}:
        connection.execute(
            """
            DELETE FROM refused_bodies
            WHERE outcome = :outcome AND id NOT IN (
                SELECT id FROM refused_bodies WHERE outcome = :outcome ORDER BY id DESC LIMIT :sample
            )
            """,
            {"outcome": outcome, "sample": SAMPLE},
        )


def counts(connection: sqlite3.Connection) -> list[Count]:
    """Reads how often each source refused or ignored a request, the most frequent first."""
    if not has_table(connection, "refusals"):
        return []
    rows = connection.execute(
        "SELECT source, outcome, count, reason, last_at FROM refusals ORDER BY count DESC, last_at DESC"
    )
    return [Count(*row) for row in rows]


def sample(connection: sqlite3.Connection, *, limit: int) -> list[Refused]:
    """Reads the newest of the kept requests, the newest first; with limit 0 all."""
    if not has_table(connection, "refusals"):
        return []
    rows = connection.execute(
        """
        SELECT source, outcome, reason, at, content_type, size, body
        FROM refused_bodies ORDER BY id DESC LIMIT ?
        """,
        (limit or -1,),
    )
    return [Refused(*row) for row in rows]


def forget_sample(connection: sqlite3.Connection, *, before: float | None = None) -> int:
    """Delete the kept requests, or those from before a moment. Returns how many there were."""
    if before is None:
        return connection.execute("DELETE FROM refused_bodies").rowcount
    return connection.execute("DELETE FROM refused_bodies WHERE at < ?", (before,)).rowcount
