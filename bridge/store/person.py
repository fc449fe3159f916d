"""SQL of who is meant by a phone: their contacts, their other phones, and how much there is of them.

Reads only. Rule for editors: what somebody else has now is never taken for theirs, and what can't be told for
certain isn't either.
"""

import json
import sqlite3
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain

from bridge.store.marks import Contact


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
OF_CONTACT = """
contact_id = :id AND contact_id <> '' AND (source = :system OR (:system = 'ghl' AND NOT EXISTS (
    SELECT 1 FROM contact_map AS c WHERE c.system = events.source AND c.contact_id = events.contact_id
)))
"""
WITH_PHONE = "phone IN (SELECT value FROM json_each(:phones)) AND phone <> ''"


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
        WHERE {WITH_PHONE} AND contact_id <> '' AND NOT EXISTS (
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
        WITH theirs AS (SELECT id, phone FROM events WHERE {OF_CONTACT})
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
        f"SELECT DISTINCT source, contact_id FROM events WHERE {WITH_PHONE} AND contact_id <> ''",  # noqa: S608
        {"phones": json.dumps(phones)},
    ).fetchall()
    theirs = {contact_id for _, contact_id in contacts}
    return len({row["contact_id"] for row in rows} - theirs)


def with_left_behind(connection: sqlite3.Connection, person: Person) -> Person:
    """The same person, with phones that they had before the events went that would tell.

    A lead of theirs is still there under such a phone, with the same name and address as one of today's, and
    no contact has that phone any more.
    """
    phones = list(person.phones)
    rows = connection.execute(
        f"""
        SELECT lower(json_extract(body, '$.email')) AS email, lower(json_extract(body, '$.name')) AS name
        FROM (
            SELECT body FROM lead_map WHERE {WITH_PHONE} UNION SELECT body FROM outbox WHERE {WITH_PHONE}
            UNION SELECT body FROM lead_map_elsewhere WHERE {WITH_PHONE}
        )
        """,  # noqa: S608 - our own words
        {"phones": json.dumps(person.phones)},
    ).fetchall()
    known = {(row["email"], row["name"]) for row in rows if row["email"] and row["name"]}
    for email, name in sorted(known):
        found = connection.execute(
            """
            SELECT DISTINCT phone FROM (
                SELECT phone, body FROM lead_map UNION ALL SELECT phone, body FROM lead_map_elsewhere
            ) AS l
            WHERE lower(json_extract(body, '$.email')) = ? AND lower(json_extract(body, '$.name')) = ?
                AND NOT EXISTS (SELECT 1 FROM contact_map AS c WHERE c.phone = l.phone)
            """,
            (email, name),
        )
        phones += [row["phone"] for row in found]
    return with_phones(connection, person, phones)


def with_phones(connection: sqlite3.Connection, person: Person, phones: Sequence[str]) -> Person:
    """The same person, with these phones, too, as far as nobody else has them now."""
    new = [each for each in dict.fromkeys(phones) if each not in person.phones]
    free = [each for each in new if _is_free(connection, each, person.contacts)]
    former = tuple(each for each in person.former if each not in free)
    return replace(person, phones=(*person.phones, *free), former=former)


def events_of(connection: sqlite3.Connection, person: Person, *, limit: int = -1) -> list[int]:
    """Reads the events that are theirs, by phone or by contact; what is erased isn't found again."""
    found = connection.execute(
        f"SELECT id FROM events WHERE {WITH_PHONE} LIMIT :limit",  # noqa: S608 - our own words
        {"phones": json.dumps(person.phones), "limit": limit},
    ).fetchall()
    for system, contact_id in person.contacts:
        found += connection.execute(
            f"SELECT id FROM events WHERE {OF_CONTACT} LIMIT :limit",  # noqa: S608 - our own words
            {"system": system, "id": contact_id, "limit": limit},
        ).fetchall()
    return list(dict.fromkeys(row["id"] for row in found))


def requests_of(connection: sqlite3.Connection, person: Person) -> list[int]:
    """Reads the attempts that carried a lead of theirs. (There is no index: a scan of a second at most.)"""
    rows = connection.execute(
        f"SELECT DISTINCT attempt_id FROM attempt_leads WHERE {WITH_PHONE}",  # noqa: S608 - our own words
        {"phones": json.dumps(person.phones)},
    )
    return [row["attempt_id"] for row in rows]


def held(connection: sqlite3.Connection, person: Person) -> Held:
    """Reads how much there is of them."""
    phones = {"phones": json.dumps(person.phones)}
    count = {
        table: connection.execute(f"SELECT COUNT(*) FROM {table} WHERE {WITH_PHONE}", phones).fetchone()[0]  # noqa: S608
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
        SELECT account, campaign_id, lead_id FROM lead_map WHERE {WITH_PHONE}
        UNION ALL
        SELECT account || ' at ' || fusion, campaign_id, lead_id FROM lead_map_elsewhere WHERE {WITH_PHONE}
        ORDER BY account, campaign_id, lead_id
        """,  # noqa: S608 - our own words
        {"phones": json.dumps(person.phones)},
    )
    return tuple(Lead(**row) for row in map(dict, rows))


def longer_phones(connection: sqlite3.Connection, person: Person) -> list[str]:
    """Reads other people's phones that begin with one of theirs."""
    found: list[str] = []
    for phone in person.phones:
        for table in ("contact_map", "lead_map", "lead_map_elsewhere", "outbox", "events"):
            rows = connection.execute(
                f"SELECT DISTINCT phone FROM {table} WHERE phone > ? AND phone < ? AND phone <> ''",  # noqa: S608
                (phone, f"{phone}:"),  # ":" comes after "9"
            )
            found += [row["phone"] for row in rows]
    return found
