"""SQL of erasing a person: who they are in the tables, what waits for them, and what goes.

A person is found by a phone, and goes in an order that lets a broken-off erasure be run again: what tells who
they are goes last. Rule for editors: an event keeps its row, for its number must not be given out again, and
what somebody else has now is never taken for theirs.
"""

import json
import sqlite3
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from bridge.store.events import release
from bridge.store.marks import Contact

# The reason of an event that had to keep one.
FORGOTTEN = "forgotten"

# Events that go in one transaction: a webhook that comes meanwhile waits for so long.
SLICE = 200

Place = tuple[str, str]  # account and campaign


@dataclass(frozen=True, slots=True)
class Person:
    """Who is meant by a phone."""

    phone: str
    phones: tuple[str, ...]  # that one first
    contacts: tuple[Contact, ...]
    former: tuple[str, ...] = ()  # that these contacts had, and somebody else has now
    elsewhere: int = 0  # contacts that had one of these phones and have another now: they aren't meant


@dataclass(frozen=True, slots=True)
class Lead:
    """A lead that Fusion has, and the bridge can't delete."""

    account: str
    campaign_id: str
    lead_id: str | None


@dataclass(frozen=True, slots=True)
class Held:
    """How much there is of a person."""

    events: int
    contacts: int
    waiting: int
    requests: int
    leads: tuple[Lead, ...]

    @property
    def anything(self) -> bool:
        return bool(self.events or self.contacts or self.waiting or self.requests or self.leads)


# An id of GHL's is the same person in every source of GHL's; a source of another kind has ids of its own.
_OF_CONTACT = """
contact_id = :id AND contact_id <> '' AND (source = :system OR (:system = 'ghl' AND NOT EXISTS (
    SELECT 1 FROM contact_map AS c WHERE c.system = events.source AND c.contact_id = events.contact_id
)))
"""
_WITH_PHONE = "phone IN (SELECT value FROM json_each(:phones)) AND phone <> ''"


def find(connection: sqlite3.Connection, phone: str, systems: Mapping[str, str]) -> Person:
    """Reads who has this phone, and what other phones and contacts are theirs.

    `systems` says by source in whose ids it speaks; a source that left the configuration may be either.
    """
    contacts: set[Contact] = {
        (row["system"], row["contact_id"])
        for row in connection.execute("SELECT system, contact_id FROM contact_map WHERE phone = ?", (phone,))
    }
    phones, carried, known = [phone], [phone], 0
    while known < len(phones) + len(contacts):  # until nothing new is learned
        known = len(phones) + len(contacts)
        contacts |= _strangers(connection, phones, systems)
        carried = list(chain.from_iterable(_phones_of(connection, each) for each in sorted(contacts)))
        phones += [
            each
            for each in dict.fromkeys(carried)
            if each not in phones and _is_free(connection, each, contacts)
        ]
    return Person(
        phone,
        tuple(phones),
        tuple(sorted(contacts)),
        former=tuple(sorted({*carried} - {*phones})),
        elsewhere=_elsewhere(connection, phones, contacts),
    )


def _strangers(
    connection: sqlite3.Connection, phones: Sequence[str], systems: Mapping[str, str]
) -> set[Contact]:
    """Contacts of events with these phones that aren't known otherwise: their events are dead, say."""
    rows = connection.execute(
        f"""
        SELECT DISTINCT source, contact_id FROM events
        WHERE {_WITH_PHONE} AND contact_id <> '' AND NOT EXISTS (
            SELECT 1 FROM contact_map AS c
            WHERE c.contact_id = events.contact_id AND c.system IN ('ghl', events.source)
        )
        """,  # noqa: S608 - our own words
        {"phones": json.dumps(phones)},
    )
    found: set[Contact] = set()
    for row in rows:
        source = row["source"]
        mine = (systems[source],) if source in systems else ("ghl", source)
        found |= {(system, row["contact_id"]) for system in mine}
    return found


def _phones_of(connection: sqlite3.Connection, contact: Contact) -> list[str]:
    """Every phone that events of this contact asked something for."""
    rows = connection.execute(
        f"""
        WITH theirs AS (SELECT id, phone FROM events WHERE {_OF_CONTACT})
        SELECT phone FROM theirs WHERE phone <> ''
        UNION SELECT l.phone FROM attempt_leads AS l JOIN theirs ON l.event_id = theirs.id
        UNION SELECT o.phone FROM outbox AS o JOIN theirs ON o.event_id = theirs.id
        """,  # noqa: S608 - our own words
        {"system": contact[0], "id": contact[1]},
    )
    return [row["phone"] for row in rows]


def _is_free(connection: sqlite3.Connection, phone: str, contacts: Collection[Contact]) -> bool:
    """Whether nobody else has it now."""
    rows = connection.execute("SELECT system, contact_id FROM contact_map WHERE phone = ?", (phone,))
    return all((row["system"], row["contact_id"]) in contacts for row in rows)


def _elsewhere(connection: sqlite3.Connection, phones: Sequence[str], contacts: set[Contact]) -> int:
    rows = connection.execute(
        f"SELECT DISTINCT source, contact_id FROM events WHERE {_WITH_PHONE} AND contact_id <> ''",  # noqa: S608
        {"phones": json.dumps(phones)},
    ).fetchall()
    theirs = {contact_id for _, contact_id in contacts}
    return len({row["contact_id"] for row in rows} - theirs)


def events_of(connection: sqlite3.Connection, person: Person, *, limit: int = -1) -> list[int]:
    """Reads the events that are theirs, by phone or by contact; what is erased isn't found again."""
    found = connection.execute(
        f"SELECT id FROM events WHERE {_WITH_PHONE} LIMIT :limit",  # noqa: S608 - our own words
        {"phones": json.dumps(person.phones), "limit": limit},
    ).fetchall()
    for system, contact_id in person.contacts:
        found += connection.execute(
            f"SELECT id FROM events WHERE {_OF_CONTACT} LIMIT :limit",  # noqa: S608 - our own words
            {"system": system, "id": contact_id, "limit": limit},
        ).fetchall()
    return list(dict.fromkeys(row["id"] for row in found))


def requests_of(connection: sqlite3.Connection, person: Person) -> list[int]:
    """Reads the attempts that carried a lead of theirs. (There is no index: a scan of a second at most.)"""
    rows = connection.execute(
        f"SELECT DISTINCT attempt_id FROM attempt_leads WHERE {_WITH_PHONE}",  # noqa: S608 - our own words
        {"phones": json.dumps(person.phones)},
    )
    return [row["attempt_id"] for row in rows]


def held(connection: sqlite3.Connection, person: Person) -> Held:
    """Reads how much there is of them."""
    phones = {"phones": json.dumps(person.phones)}
    count = {
        table: connection.execute(f"SELECT COUNT(*) FROM {table} WHERE {_WITH_PHONE}", phones).fetchone()[0]  # noqa: S608
        for table in ("outbox", "contact_map")
    }
    return Held(
        events=len(events_of(connection, person)),
        contacts=count["contact_map"],
        waiting=count["outbox"],
        requests=len(requests_of(connection, person)),
        leads=leads_of(connection, person),
    )


def leads_of(connection: sqlite3.Connection, person: Person) -> tuple[Lead, ...]:
    """Reads their leads in Fusion."""
    rows = connection.execute(
        f"""
        SELECT account, campaign_id, lead_id FROM lead_map WHERE {_WITH_PHONE}
        ORDER BY account, campaign_id, lead_id
        """,  # noqa: S608 - our own words
        {"phones": json.dumps(person.phones)},
    )
    return tuple(Lead(**row) for row in map(dict, rows))


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
        DELETE FROM outbox WHERE {_WITH_PHONE} AND (:alone OR sent_version IS NULL)
        RETURNING account, campaign_id, event_id, sent_event_id, uncertain_at
        """,  # noqa: S608 - our own words
        {"phones": json.dumps(person.phones), "alone": alone},
    ).fetchall()
    for row in rows:
        for event_id in {row["event_id"], row["sent_event_id"]} - {None}:
            release(connection, event_id, now, reason="do not call")
    in_flight = connection.execute(
        f"SELECT COUNT(*) FROM outbox WHERE {_WITH_PHONE}",  # noqa: S608 - our own words
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


def remove(connection: sqlite3.Connection, person: Person, requests: Sequence[int]) -> None:
    """The rows that said who they are: the last to go."""
    phones = {"phones": json.dumps(person.phones), "requests": json.dumps(requests)}
    connection.execute(
        f"""
        DELETE FROM attempt_leads
        WHERE attempt_id IN (SELECT value FROM json_each(:requests)) AND {_WITH_PHONE}
        """,  # noqa: S608 - our own words
        phones,
    )
    for table in ("lead_map", "contact_map"):
        connection.execute(f"DELETE FROM {table} WHERE {_WITH_PHONE}", phones)  # noqa: S608 - our own words
    connection.executemany("DELETE FROM contact_map WHERE system = ? AND contact_id = ?", person.contacts)


def longer_phones(connection: sqlite3.Connection, person: Person) -> list[str]:
    """Reads other people's phones that begin with one of theirs."""
    found: list[str] = []
    for phone in person.phones:
        for table in ("contact_map", "lead_map", "outbox", "events"):
            rows = connection.execute(
                f"SELECT DISTINCT phone FROM {table} WHERE phone > ? AND phone < ? AND phone <> ''",  # noqa: S608
                (phone, f"{phone}:"),  # ":" comes after "9"
            )
            found += [row["phone"] for row in rows]
    return found
