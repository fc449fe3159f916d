"""SQL of the backlog: what an account owes, in rows and in requests, and who waits longest.

For `bridge status` and the metrics. Rule for editors: this is read at every scrape, with 100,000 rows
waiting, so rows are counted in ranges of an index and never read; GROUP BY would take three times as long.
"""

import sqlite3
from dataclasses import dataclass

from bridge.outbox.facts import BACKFILL
from bridge.outbox.forecast import Waiting, requests_needed
from bridge.store.resolving import LANE

# Of what an operator replays so many rows are looked up in the lead map; the others are taken to be alike.
SAMPLE = 200


@dataclass(frozen=True, slots=True)
class Backlog:
    """What one account owes."""

    waiting: int  # rows
    later: int  # those of them whose next try isn't due yet
    in_flight: int
    requests: int  # that it will take to send what waits

    @property
    def rows(self) -> int:
        """All rows of the account."""
        return self.waiting + self.in_flight


@dataclass(frozen=True, slots=True)
class OldestWaiting:
    """The lead that waits longest; what isn't resolved yet has no phone and no account."""

    since: float
    phone: str = ""
    account: str = ""


# Campaigns are found by leaping from one to the next; then each range is counted by itself.
_RANGES = """
WITH RECURSIVE
    campaigns (id) AS (
        SELECT MIN(campaign_id) FROM outbox
        WHERE lane = :lane AND account = :account AND sent_version IS NULL
        UNION ALL
        SELECT (
            SELECT MIN(campaign_id) FROM outbox
            WHERE lane = :lane AND account = :account AND sent_version IS NULL AND campaign_id > campaigns.id
        )
        FROM campaigns
        WHERE id IS NOT NULL
    ),
    kinds (kind) AS (VALUES (NULL), ('call'), ('sms')),
    priorities (priority) AS (VALUES (0), (1), (2), (3))
SELECT
    campaigns.id AS campaign_id, kinds.kind, priorities.priority,
    (
        SELECT COUNT(*) FROM outbox
        WHERE lane = :lane AND account = :account AND sent_version IS NULL AND campaign_id = campaigns.id
            AND kind IS kinds.kind AND priority = priorities.priority
    ) AS rows
FROM campaigns, kinds, priorities
WHERE campaigns.id IS NOT NULL
"""


def backlog(connection: sqlite3.Connection, account: str, *, now: float) -> Backlog:
    """What this account owes now."""
    place = {"lane": LANE, "account": account}
    counted = [Waiting(**row) for row in map(dict, connection.execute(_RANGES, place))]
    replayed = any(each.rows for each in counted if each.priority == BACKFILL)
    later = connection.execute(
        """
        SELECT COUNT(*) FROM outbox INDEXED BY outbox_due
        WHERE lane = ? AND account = ? AND sent_version IS NULL AND priority IN (0, 1, 2, 3) AND due_at > ?
        """,
        (LANE, account, now),
    ).fetchone()[0]
    in_flight = connection.execute(
        """
        SELECT COUNT(*) FROM outbox INDEXED BY outbox_sent_event -- a few, of all accounts
        WHERE lane = ? AND account = ? AND sent_event_id IS NOT NULL
        """,
        (LANE, account),
    ).fetchone()[0]
    return Backlog(
        waiting=sum(each.rows for each in counted),
        later=later,
        in_flight=in_flight,
        requests=requests_needed(counted, _known_share(connection, account) if replayed else 0.0),
    )


def _known_share(connection: sqlite3.Connection, account: str) -> float:
    """How much of what an operator replays is in Fusion already, as far as the first rows tell."""
    row = connection.execute(
        """
        SELECT AVG(EXISTS (
            SELECT 1 FROM lead_map AS l
            WHERE l.account = o.account AND l.campaign_id = o.campaign_id AND l.phone = o.phone
        ))
        FROM (
            SELECT account, campaign_id, phone FROM outbox
            WHERE lane = ? AND account = ? AND sent_version IS NULL AND priority = ?
            ORDER BY due_at
            LIMIT ?
        ) AS o
        """,
        (LANE, account, BACKFILL, SAMPLE),
    ).fetchone()
    return float(row[0] or 0.0)


def oldest(connection: sqlite3.Connection) -> OldestWaiting | None:
    """The lead that waits longest, in the outbox or not through the rules yet."""
    # A new row's id is above all that are there: the lowest id is the row that waits longest.
    row = connection.execute(
        "SELECT queued_at AS since, phone, account FROM outbox ORDER BY id LIMIT 1"
    ).fetchone()
    owed = OldestWaiting(**dict(row)) if row else None
    # When a replay was asked for isn't kept, but it was after that attempt.
    first = connection.execute(
        """
        SELECT MAX(received_at, COALESCE(
            (SELECT started_at FROM attempts WHERE attempts.id = replayed_after), 0
        )) AS since
        FROM events
        WHERE state = 'received'
        ORDER BY id
        LIMIT 1
        """
    ).fetchone()
    if first is None or (owed and owed.since <= first["since"]):
        return owed
    return OldestWaiting(first["since"])


def oldest_of(connection: sqlite3.Connection, account: str) -> OldestWaiting | None:
    """The lead of this account that waits longest in the outbox."""
    row = connection.execute(
        """
        SELECT queued_at AS since, phone, account FROM outbox
        WHERE id = (SELECT MIN(id) FROM outbox WHERE lane = ? AND account = ?)
        """,
        (LANE, account),
    ).fetchone()
    return OldestWaiting(**dict(row)) if row else None
