"""SQL of erasing a person: what waits for them, and what goes.

It goes in an order that lets a broken-off erasure be run again: what tells who they are goes last. Rule for
editors: an event keeps its row, for its number must not be given out again, and what somebody else has now is
never touched.
"""

import json
import sqlite3
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from bridge.outbox.facts import ADDRESS
from bridge.store.events import release
from bridge.store.person import WITH_PHONE, Person
from bridge.store.refusals import forget_sample

# The reason of an event that had to keep one.
FORGOTTEN = "forgotten"

# Events that go in one transaction: a webhook that comes meanwhile waits for so long.
SLICE = 200

Place = tuple[str, str]  # account and campaign


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """What was taken from the outbox, and what is still under way."""

    rows: int
    in_flight: int
    unsure: tuple[Place, ...]  # where Fusion may have got a lead, and nobody will know


def withdraw(connection: sqlite3.Connection, person: Person, now: float, *, alone: bool) -> Withdrawn:
    """Take what waits for them out of the outbox; what is under way only if no service is there to settle it.

    An event that no row carries any more ends as skipped.
    """
    rows = connection.execute(
        f"""
        DELETE FROM outbox WHERE {WITH_PHONE} AND (:alone OR sent_version IS NULL)
        RETURNING account, campaign_id, event_id, sent_event_id, uncertain_at
        """,  # noqa: S608 - our own words
        {"phones": json.dumps(person.phones), "alone": alone},
    ).fetchall()
    for row in rows:
        for event_id in {row["event_id"], row["sent_event_id"]} - {None}:
            release(connection, event_id, now, reason="do not call")
    in_flight = connection.execute(
        f"SELECT COUNT(*) FROM outbox WHERE {WITH_PHONE}",  # noqa: S608 - our own words
        {"phones": json.dumps(person.phones)},
    ).fetchone()[0]
    unsure = {
        (row["account"], row["campaign_id"])
        for row in rows
        if row["uncertain_at"] is not None or row["sent_event_id"] is not None
    }
    return Withdrawn(len(rows), in_flight, tuple(sorted(unsure)))


def erase_events(connection: sqlite3.Connection, ids: Sequence[int], now: float) -> None:
    """Empty these events: what they said, whom they were about, and why they ended as they did.

    One that waits to be resolved ends here; one that still carries somebody else's lead goes on without.
    """
    connection.execute(
        """
        UPDATE events SET
            payload = x'', phone = '', contact_id = '', external_id = NULL, body_hash = '',
            warnings = '[]', fix = '', route = '', forced = 0,
            reason = CASE WHEN state IN ('received', 'skipped', 'dead') THEN :forgotten ELSE '' END,
            settled_at = CASE state WHEN 'received' THEN :now ELSE settled_at END,
            state = CASE state WHEN 'received' THEN 'skipped' ELSE state END
        WHERE id IN (SELECT value FROM json_each(:ids))
        """,
        {"ids": json.dumps(ids), "now": now, "forgotten": FORGOTTEN},
    )


def blank_requests(connection: sqlite3.Connection, ids: Sequence[int]) -> None:
    """What Fusion said of requests that carried them: it may have named them in its own words."""
    connection.execute(
        "UPDATE attempts SET error = ? WHERE error <> '' AND id IN (SELECT value FROM json_each(?))",
        (FORGOTTEN, json.dumps(ids)),
    )


def remove(
    connection: sqlite3.Connection, person: Person, requests: Sequence[int], emails: Collection[str]
) -> None:
    """The rows that said who they are: the last to go. `emails` are nobody else's addresses.

    Requests that were refused may name them, too.
    """
    forget_sample(connection)
    phones = {"phones": json.dumps(person.phones), "requests": json.dumps(requests)}
    connection.execute(
        f"""
        DELETE FROM attempt_leads
        WHERE attempt_id IN (SELECT value FROM json_each(:requests)) AND {WITH_PHONE}
        """,  # noqa: S608 - our own words
        phones,
    )
    for table in ("lead_map", "lead_map_elsewhere", "contact_map"):
        connection.execute(f"DELETE FROM {table} WHERE {WITH_PHONE}", phones)  # noqa: S608 - our own words
    for table in ("contact_map", "contact_emails"):
        connection.executemany(
            f"DELETE FROM {table} WHERE system = ? AND contact_id = ?",  # noqa: S608 - our own words
            person.contacts,
        )
    folded = [(each.casefold(),) for each in emails]
    connection.executemany("DELETE FROM contact_emails WHERE email = ?", folded)
    connection.executemany(
        f"DELETE FROM contact_map WHERE system = '{ADDRESS}' AND contact_id = ?",  # noqa: S608 - our own words
        folded,
    )
