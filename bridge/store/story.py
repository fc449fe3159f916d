"""SQL of one event's story: what came, what became of it, the lead, and every request that carried it.

Reads only. Rule for editors: a story is told as it is stored; what it means to a person is the command line's
business.
"""

import json
import sqlite3
from dataclasses import dataclass, replace
from typing import Any

from bridge.store import wanted
from bridge.store.leads import LeadLine, list_leads
from bridge.store.queries import SUPERSEDED_REASON, has_table
from bridge.store.wanted import Wanted

# A story's tables stay readable; nothing legal comes near, but an account that is down for days does.
MOST = 200


@dataclass(frozen=True, slots=True)
class Owed:
    """A row of the outbox that carries the event."""

    account: str
    campaign_id: str
    phone: str
    in_flight: bool
    due_at: float
    failures: int
    unanswered: int
    last_error: str


@dataclass(frozen=True, slots=True)
class Attempt:
    """A request that carried the event; status, outcome and ms are None while it is under way."""

    id: int
    account: str
    started_at: float
    method: str
    leads: int
    status: int | None
    outcome: str | None
    ms: float | None
    error: str
    phones: tuple[str, ...]  # of this event; another event's are its own story
    bodies: tuple[
        dict[str, Any], ...
    ] = ()  # what was sent for it; empty: a look-up, or gone with the payload


@dataclass(frozen=True, slots=True)
class Story:
    """One event with all that belongs to it."""

    id: int
    source: str
    type: str
    external_id: str | None
    location_id: str
    contact_id: str
    phone: str
    received_at: float
    occurred_at: float
    settled_at: float | None
    state: str
    reason: str
    fix: str
    superseded_by: int | None
    superseded_reason: str  # why that one was skipped itself; empty when it wasn't
    route: str
    warnings: tuple[str, ...]
    payload: bytes
    leads: tuple[LeadLine, ...]
    waiting: tuple[Owed, ...]
    attempts: tuple[Attempt, ...]
    wanted: Wanted | None = None

    @property
    def emptied(self) -> bool:
        """Its payload went by its age: it can't be replayed."""
        return not self.payload

    @property
    def phones(self) -> tuple[str, ...]:
        """Its own phone, then every other that it asked something for: a tag at the phone before, say."""
        sent = [phone for attempt in self.attempts for phone in attempt.phones]
        return tuple(filter(None, dict.fromkeys((self.phone, *(row.phone for row in self.waiting), *sent))))


def tell(connection: sqlite3.Connection, event_id: int) -> Story | None:
    """The story of an event; None when there is no such event."""
    connection.execute("BEGIN")  # one moment for all of it: the service goes on meanwhile
    try:
        row = connection.execute(
            f"""
            SELECT id, source, type, external_id, location_id, contact_id, phone, received_at, occurred_at,
                settled_at, state, reason, fix, superseded_by, route, warnings, payload,
                {SUPERSEDED_REASON}
            FROM events
            WHERE id = ?
            """,  # noqa: S608 - our own columns
            (event_id,),
        ).fetchone()
        if row is None:
            return None
        story = Story(
            **{**dict(row), "warnings": tuple(json.loads(row["warnings"]))},
            leads=(),
            waiting=_waiting(connection, event_id),
            attempts=_attempts(connection, event_id),
            wanted=_wanted(connection, event_id),
        )
        leads = [lead for phone in story.phones for lead in list_leads(connection, phone=phone, limit=MOST)]
        return replace(story, leads=tuple(leads))
    finally:
        connection.execute("COMMIT")


def _waiting(connection: sqlite3.Connection, event_id: int) -> tuple[Owed, ...]:
    rows = connection.execute(
        """
        SELECT account, campaign_id, phone, sent_version IS NOT NULL AS in_flight,
            due_at, failures, unanswered, last_error
        FROM outbox
        WHERE event_id = :id OR sent_event_id = :id
        ORDER BY id
        """,
        {"id": event_id},
    )
    return tuple(Owed(**{**row, "in_flight": bool(row["in_flight"])}) for row in map(dict, rows))


def _wanted(connection: sqlite3.Connection, event_id: int) -> Wanted | None:
    return wanted.read(connection, event_id) if has_table(connection, "event_leads") else None


def _attempts(connection: sqlite3.Connection, event_id: int) -> tuple[Attempt, ...]:
    """The newest of them, the oldest first."""
    known = has_table(connection, "event_leads")
    bodies = "json_group_array(json(l.body)) FILTER (WHERE l.body IS NOT NULL)" if known else "'[]'"
    rows = connection.execute(
        f"""
        SELECT a.id, a.account, a.started_at, a.method, a.leads, a.status, a.outcome, a.ms, a.error,
            json_group_array(DISTINCT l.phone) AS phones, {bodies} AS bodies
        FROM attempt_leads AS l
        JOIN attempts AS a ON a.id = l.attempt_id
        WHERE l.event_id = ?
        GROUP BY a.id
        ORDER BY a.id DESC
        LIMIT ?
        """,  # noqa: S608 - our own words
        (event_id, MOST),
    )
    lists = ("phones", "bodies")
    found = [
        Attempt(**{**row, **{name: tuple(json.loads(row[name])) for name in lists}})
        for row in map(dict, rows)
    ]
    return tuple(found[::-1])
