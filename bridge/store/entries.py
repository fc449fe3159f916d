"""SQL of ids that come again with other content: of a form's entry or a record, which its sender keeps.

Knows the events of such an id; whether they are about one person is decided in `outbox`. Rule for editors:
without a contact's id a person is known by the phone, so a corrected phone moves what is known of them.
"""

import sqlite3
from dataclasses import dataclass

from bridge.model import ContactKey
from bridge.store.events import ENDED, Ended

REUSED_ID = (
    "id: an earlier event had the same one with other content, so it is no id of an event (an entry's, "
    "perhaps): a repeat is known by its content"
)


@dataclass(frozen=True, slots=True)
class Earlier:
    """The last event before this one with the same id of the sender."""

    event_id: int
    phone: str  # E.164; empty where it was unusable
    payload: bytes


def earlier(connection: sqlite3.Connection, event_id: int) -> Earlier | None:
    """Reads it, as far as its payload is kept."""
    row = connection.execute(
        """
        SELECT older.id, older.phone, older.payload
        FROM events AS this
        JOIN events AS older
            ON older.source = this.source AND older.external_id = this.external_id AND older.id < this.id
        WHERE this.id = ? AND length(older.payload) > 0
        ORDER BY older.id DESC
        LIMIT 1
        """,
        (event_id,),
    ).fetchone()
    return Earlier(*row) if row else None


def move(connection: sqlite3.Connection, was: ContactKey, now: ContactKey) -> None:
    """What is known of a person under the old phone is known under the new one, unless that has its own."""
    for table in ("contact_map", "contact_emails"):
        connection.execute(
            f"""
            UPDATE OR IGNORE {table} SET contact_id = ?
            WHERE system = ? AND location_id = ? AND contact_id = ?
            """,  # noqa: S608 - our own words
            (now.contact_id, was.system, was.location_id, was.contact_id),
        )


def supersede(connection: sqlite3.Connection, event_id: int, by: int, now: float) -> list[Ended]:
    """What was dead of the entry for what it said is superseded by what corrects it. Opt-outs stay."""
    rows = connection.execute(
        f"""
        UPDATE events SET state = 'superseded', superseded_by = :by, reason = '', fix = '', settled_at = :now
        WHERE id = :id AND state = 'dead' AND NOT urgent
            AND NOT EXISTS (SELECT 1 FROM attempt_leads AS l WHERE l.event_id = events.id)
        RETURNING {ENDED}
        """,  # noqa: S608 - our own words
        {"id": event_id, "by": by, "now": now},
    )
    return [Ended(*row) for row in rows.fetchall()]
