"""SQL of retention: what is settled and old enough is found in windows of ids, and goes in small slices.

Finding reads on a connection of its own; what goes is asked again in the transaction in which it goes, since
somebody may have replayed it. Rule for editors: what waits, and what anything that waits refers to, is never
touched; and the newest event and attempt stay, or their numbers would be given out again.
"""

import sqlite3
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

What = Literal["events", "attempts", "payloads"]

# In this order: an attempt goes after the events that it carried, and a payload that goes with its event
# needn't be emptied first.
ORDER: tuple[What, ...] = ("events", "attempts", "payloads")

# Ids that one statement looks at: a few milliseconds of a reader, which holds back no writer.
WINDOW = 2000

# A slice takes the writer for so long, whatever the disk: a webhook that comes meanwhile waits no longer.
SLICE_S = 0.003
FEWEST_ROWS, MOST_ROWS = 10, 200


@dataclass(frozen=True, slots=True)
class Cutoffs:
    """What was settled before these moments goes."""

    payloads: float
    events: float
    attempts: float

    @classmethod
    def at(cls, now: float, *, payloads_s: float, events_s: float, counted_s: float) -> "Cutoffs":
        """For these ages. A request may count for the budget until `counted_s` after its answer."""
        return cls(now - payloads_s, now - events_s, now - max(events_s, counted_s))

    def parameters(self, what: What) -> dict[str, float]:
        """As the statements below name them."""
        return {"before": getattr(self, what), "events_before": self.events}


@dataclass(frozen=True, slots=True)
class Window:
    """What may go of some ids, in their order, and where to look next."""

    ids: tuple[int, ...]
    full: int  # those of them that have a payload
    bytes: int  # of these
    next_id: int  # the first that wasn't looked at
    young: int | None  # the first that is too young
    last: bool  # nothing old enough is behind it


@dataclass(frozen=True, slots=True)
class Slice:
    """How many rows to take at a time: as many as this disk carries in SLICE_S."""

    rows: int = 50

    def after(self, rows: int, seconds: float) -> "Slice":
        """The next one, when so many rows took so long."""
        fitting = int(rows * SLICE_S / max(seconds, 1e-6))
        # Not by leaps: one slice alone may have met a cold cache, or a warm one.
        fitting = max(self.rows // 2, min(self.rows * 2, fitting))
        return Slice(max(FEWEST_ROWS, min(MOST_ROWS, fitting)))


# `die` settles an event of which another row may still wait. And the newest event of somebody who must not be
# called stays, whole: it carries the tag when `bridge adopt` finds a lead of theirs in Fusion, who would be
# called otherwise. (A contact is known by its id; by its phone where the source has no ids.)
_SETTLED = """
events.settled_at < :events_before
AND NOT EXISTS (SELECT 1 FROM outbox AS o WHERE o.event_id = events.id)
AND NOT EXISTS (SELECT 1 FROM outbox AS o WHERE o.sent_event_id = events.id)
AND NOT EXISTS (
    SELECT 1 FROM contact_map AS c WHERE c.event_id = events.id AND c.blocked + c.deleted > 0
)
"""
_FULL = f"length(events.payload) > 0 AND {_SETTLED.replace(':events_before', ':before')}"
_UNUSED = """
attempts.answered_at < :before
AND NOT EXISTS (SELECT 1 FROM outbox AS o WHERE o.attempt_id = attempts.id)
AND NOT EXISTS (SELECT 1 FROM outbox AS o WHERE o.suspects = attempts.id)
AND NOT EXISTS (SELECT 1 FROM outbox AS o WHERE o.doubt = attempts.id)
"""
# As long as an event is there, so are the requests that carried it.
_CARRIED_WHAT_GOES = f"""
NOT EXISTS (
    SELECT 1 FROM attempt_leads AS l JOIN events ON events.id = l.event_id
    WHERE l.attempt_id = attempts.id AND ({_SETTLED}) IS NOT TRUE
)
"""  # noqa: S608 - our own words

# CASE: what comes first in a WHEN spares what follows it; in a plain column all of it would be asked.
_WINDOWS: dict[What, str] = {
    "events": f"""
        SELECT id, received_at >= :before AS young,
            CASE WHEN id < (SELECT MAX(id) FROM events) AND {_SETTLED} THEN length(payload) END AS bytes
        FROM events
        WHERE id >= :first
        ORDER BY id
        LIMIT :window
    """,  # noqa: S608 - our own words
    "attempts": f"""
        SELECT id, started_at >= :before AS young,
            CASE WHEN id < (SELECT MAX(id) FROM attempts) AND {_UNUSED} AND {_CARRIED_WHAT_GOES}
                THEN 0 END AS bytes
        FROM attempts
        WHERE id >= :first
        ORDER BY id
        LIMIT :window
    """,  # noqa: S608 - our own words
    "payloads": f"""
        SELECT id, received_at >= :before AS young, CASE WHEN {_FULL} THEN length(payload) END AS bytes
        FROM events
        WHERE id >= :first
        ORDER BY id
        LIMIT :window
    """,  # noqa: S608 - our own words
}

# One row a statement, in the order of their ids: what was superseded goes before what superseded it.
_GO: dict[What, str] = {
    "events": f"""
        DELETE FROM events
        WHERE id = :id AND id < (SELECT MAX(id) FROM events) AND {_SETTLED}
            AND NOT EXISTS (SELECT 1 FROM events AS older WHERE older.superseded_by = events.id)
    """,  # noqa: S608 - our own words
    "attempts": f"""
        DELETE FROM attempts
        WHERE id = :id AND id < (SELECT MAX(id) FROM attempts) AND {_UNUSED}
            AND NOT EXISTS (SELECT 1 FROM attempt_leads AS l WHERE l.attempt_id = attempts.id)
    """,  # noqa: S608 - our own words
    "payloads": f"UPDATE events SET payload = x'' WHERE id = :id AND {_FULL}",  # noqa: S608 - our own words
}


def look(
    reader: sqlite3.Connection, what: What, *, first: int, cutoffs: Cutoffs, window: int = WINDOW
) -> Window:
    """Reads what may go, from this id on."""
    values = {**cutoffs.parameters(what), "first": first, "window": window}
    rows = reader.execute(_WINDOWS[what], values).fetchall()
    due = [(row["id"], row["bytes"]) for row in rows if row["bytes"] is not None]
    return Window(
        ids=tuple(event_id for event_id, _ in due),
        full=sum(size > 0 for _, size in due),
        bytes=sum(size for _, size in due),
        next_id=rows[-1]["id"] + 1 if rows else first,
        young=next((row["id"] for row in rows if row["young"]), None),
        # Ids grow with time, but a clock may have been wrong for a while: one young row is no end.
        last=len(rows) < window or all(row["young"] for row in rows),
    )


def take(
    connection: sqlite3.Connection, what: What, ids: Sequence[int], cutoffs: Cutoffs
) -> tuple[int, float]:
    """Empty or delete these, as far as they may still go. Returns how many did, and the seconds it took."""
    values, began = cutoffs.parameters(what), time.perf_counter()
    cursor = connection.executemany(_GO[what], [{**values, "id": each} for each in ids])
    return cursor.rowcount, time.perf_counter() - began
