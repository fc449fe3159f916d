"""SQL of the events table: accept, what waits to be resolved, and replay.

Functions take the connection first and run inside the writer's transaction, unless they say "reads".
Rule for editors: the payload is stored as it came, and only ever changed for somebody who demanded erasure.
"""

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass

from bridge.inbound.body import fingerprint, parse
from bridge.model import Incoming

# A source without event ids says the same thing twice only by accident, and soon: GHL's workflows fire
# twice within seconds. Later than this, the same body is a new event.
SAME_BODY_WITHIN_S = 60.0


@dataclass(frozen=True, slots=True)
class Ended:
    """An event that has its end now."""

    event_id: int
    source: str
    state: str
    received_at: float
    reason: str
    fix: str
    replayed: bool  # it has waited since the replay, not since it came


# Its columns, for RETURNING.
ENDED = "id, source, state, received_at, reason, fix, replayed_after > 0"


@dataclass(frozen=True, slots=True)
class Received:
    """An event that waits to be resolved."""

    id: int
    source: str
    payload: bytes
    occurred_at: float
    forced: bool
    replayed: bool
    urgent: bool  # or an urgent one of the same contact waits for it
    reused_id: bool  # an earlier event had the sender's id, with other content


def accept(
    connection: sqlite3.Connection,
    source: str,
    incoming: Incoming,
    *,
    body: bytes,
    body_hash: str,
    now: float,
) -> tuple[int, bool]:
    """Store an event unless it is known already. Returns its id, and whether it is new.

    A repeat is the same id with the same content, or the same content soon after where there is no id.
    Without `body_hash` the id alone tells.
    """
    known = _known(connection, source, incoming, body_hash, now)
    if known is not None:
        return known, False
    contact = incoming.contact
    row = connection.execute(
        """
        INSERT INTO events (
            source, external_id, body_hash, type, location_id, contact_id,
            urgent, received_at, occurred_at, payload
        ) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        """,
        (
            source,
            incoming.external_id,
            body_hash if incoming.external_id is None else None,
            incoming.type,
            contact.location_id if contact else "",
            contact.contact_id if contact else "",
            incoming.urgent,
            now,
            # A sender's clock that is ahead must not make everything after it look stale.
            now if incoming.occurred_at is None else min(incoming.occurred_at, now),
            body,
        ),
    )
    return int(row.lastrowid or 0), True


def _known(
    connection: sqlite3.Connection, source: str, incoming: Incoming, body_hash: str, now: float
) -> int | None:
    if incoming.external_id is not None:
        return _known_by_id(connection, source, incoming.external_id, body_hash)
    row = connection.execute(
        """
        SELECT id FROM events
        WHERE source = ? AND body_hash = ? AND received_at > ?
        ORDER BY id DESC
        LIMIT 1
        """,
        (source, body_hash, now - SAME_BODY_WITHIN_S),
    ).fetchone()
    if row is None or _overtaken(connection, row["id"], source, incoming):
        return None
    return int(row["id"])


def _known_by_id(connection: sqlite3.Connection, source: str, external_id: str, body_hash: str) -> int | None:
    """The newest event of this id, unless its content differs: opted out, in, and out again are three."""
    row = connection.execute(
        "SELECT id, payload FROM events WHERE source = ? AND external_id = ? ORDER BY id DESC LIMIT 1",
        (source, external_id),
    ).fetchone()
    if row is None or (body_hash and (not row["payload"] or fingerprint(parse(row["payload"])) != body_hash)):
        return None
    return int(row["id"])


def _overtaken(connection: sqlite3.Connection, event_id: int, source: str, incoming: Incoming) -> bool:
    """Opted out, in, and out again within a minute: the third isn't a repeat of the first."""
    if incoming.contact is None:
        # The plus: only a few are younger, and by its source every one would be looked at.
        sql, of = "SELECT 1 FROM events WHERE id > ? AND +source = ? LIMIT 1", source
    else:
        sql = "SELECT 1 FROM events WHERE id > ? AND contact_id = ? AND contact_id <> '' LIMIT 1"
        of = incoming.contact.contact_id
    return connection.execute(sql, (event_id, of)).fetchone() is not None


def received(connection: sqlite3.Connection, limit: int) -> list[Received]:
    """Reads the next events to resolve: do-not-call and deletions first, then in order of arrival.

    What a contact said before goes with its urgent event, ahead of it and as urgent: an opt-out without a
    phone is for the phone that they told a moment ago, which would look stale once it was overtaken.
    """
    rows = connection.execute(
        """
        SELECT id, source, external_id, payload, occurred_at, forced, replayed_after > 0 AS replayed, urgent
        FROM events
        WHERE state = 'received'
        ORDER BY urgent DESC, id
        LIMIT ?
        """,
        (limit,),
    ).fetchall()
    urgent = [row["id"] for row in rows if row["urgent"]]
    earlier = _earlier(connection, urgent, limit) if urgent else {}
    batch: dict[int, Received] = {}
    for row in rows:
        for one in (*earlier.get(row["id"], ()), row):
            batch.setdefault(one["id"], _received(connection, one, urgent=bool(row["urgent"])))
    return list(batch.values())[:limit]


def _earlier(connection: sqlite3.Connection, ids: list[int], limit: int) -> dict[int, list[sqlite3.Row]]:
    """What the contacts of these urgent events said before and still waits, by the first that it precedes."""
    rows = connection.execute(
        """
        SELECT e.id, e.source, e.external_id, e.payload, e.occurred_at, e.forced,
            e.replayed_after > 0 AS replayed, MIN(u.id) AS ahead_of
        FROM events AS u
        CROSS JOIN events AS e INDEXED BY events_contact -- one contact has a few, and a flood may wait
            ON e.contact_id = u.contact_id AND e.contact_id <> '' AND e.id < u.id
        WHERE u.id IN (SELECT value FROM json_each(?)) AND e.state = 'received' AND NOT e.urgent
        GROUP BY e.id
        ORDER BY ahead_of, e.id
        LIMIT ?
        """,
        (json.dumps(ids), limit),
    )
    found: dict[int, list[sqlite3.Row]] = {}
    for row in rows:
        found.setdefault(row["ahead_of"], []).append(row)
    return found


def _received(connection: sqlite3.Connection, row: sqlite3.Row, *, urgent: bool) -> Received:
    return Received(
        row["id"],
        row["source"],
        row["payload"],
        row["occurred_at"],
        forced=bool(row["forced"]),
        replayed=bool(row["replayed"]),
        urgent=urgent,
        reused_id=row["external_id"] is not None and has_earlier(connection, row),
    )


def has_earlier(connection: sqlite3.Connection, row: sqlite3.Row) -> bool:
    """Reads whether an older event has this one's `source` and `external_id`."""
    found = connection.execute(
        "SELECT 1 FROM events WHERE source = ? AND external_id = ? AND id < ? LIMIT 1",
        (row["source"], row["external_id"], row["id"]),
    ).fetchone()
    return found is not None


def kill(connection: sqlite3.Connection, event_id: int, reason: str, fix: str, now: float) -> list[Ended]:
    """A received event that can't be resolved is dead, with a reason; the next one goes on."""
    return _dead(connection, event_id, reason, fix, now, was="received")


def release(
    connection: sqlite3.Connection,
    event_id: int,
    now: float,
    *,
    reason: str = "",
    superseded_by: int | None = None,
) -> list[Ended]:
    """Settle a queued event once no row of the outbox carries it any more. Empty: one still does.

    Anything of it that was delivered makes it delivered; else it was superseded, or skipped for a reason.
    """
    rows = connection.execute(
        f"""
        UPDATE events SET
            state = CASE
                WHEN :delivered THEN 'delivered' WHEN :by IS NULL THEN 'skipped' ELSE 'superseded' END,
            reason = CASE WHEN :delivered OR :by IS NOT NULL THEN '' ELSE :reason END,
            superseded_by = CASE WHEN :delivered THEN NULL ELSE :by END,
            settled_at = :now
        WHERE id = :id AND state = 'queued'
            AND NOT EXISTS (SELECT 1 FROM outbox WHERE event_id = :id)
            AND NOT EXISTS (SELECT 1 FROM outbox WHERE sent_event_id = :id)
        RETURNING {ENDED}
        """,  # noqa: S608 - our own words
        {
            "id": event_id,
            "now": now,
            "by": superseded_by,
            "reason": reason,
            "delivered": _delivered(connection, event_id),
        },
    ).fetchall()
    return [Ended(*row) for row in rows]


def _delivered(connection: sqlite3.Connection, event_id: int) -> bool:
    row = connection.execute(
        """
        SELECT 1
        FROM events
        JOIN attempt_leads ON event_id = events.id AND attempt_id > replayed_after
        JOIN attempts ON attempts.id = attempt_id
        WHERE events.id = ? AND outcome = 'delivered'
        LIMIT 1
        """,
        (event_id,),
    ).fetchone()
    return row is not None


def die(connection: sqlite3.Connection, event_id: int, reason: str, fix: str, now: float) -> list[Ended]:
    """A queued event is dead, unless it has its end already."""
    return _dead(connection, event_id, reason, fix, now, was="queued")


def _dead(
    connection: sqlite3.Connection, event_id: int, reason: str, fix: str, now: float, *, was: str
) -> list[Ended]:
    rows = connection.execute(
        f"""
        UPDATE events SET state = 'dead', reason = ?, fix = ?, settled_at = ?
        WHERE id = ? AND state = ?
        RETURNING {ENDED}
        """,  # noqa: S608 - our own words
        (reason, fix, now, event_id, was),
    ).fetchall()
    return [Ended(*row) for row in rows]


def replay(connection: sqlite3.Connection, ids: Iterable[int], *, force: bool) -> int:
    """Send settled events back to received. Returns how many went.

    Those that wait already are left alone, and those whose payload went by its age: no rule could read them.
    """
    count = 0
    for event_id in ids:
        cursor = connection.execute(
            """
            UPDATE events SET
                state = 'received', reason = '', fix = '', warnings = '[]', settled_at = NULL,
                superseded_by = NULL, forced = ?,
                replayed_after = (SELECT COALESCE(MAX(id), 0) FROM attempts)
            WHERE id = ? AND state NOT IN ('received', 'queued') AND length(payload) > 0
            """,
            (force, event_id),
        )
        count += cursor.rowcount
    return count
