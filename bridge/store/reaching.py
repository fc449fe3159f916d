"""SQL of whom an event can mean beside its contact, and of what later events settle.

Inside the writer's transaction; each question is a look-up in an index. Rule for editors: an address is
stored as it is compared (`outbox.reach.addresses`), and goes with the person (`store.forgetting`).
"""

import sqlite3
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from bridge.model import ContactKey
from bridge.outbox.facts import ADDRESS, KnownContact
from bridge.store.events import ENDED, Ended
from bridge.store.marks import Contact
from bridge.store.person import OF_CONTACT

# More contacts than one person can be have an address: "none@example.com", or the shop's own.
MOST_KIN = 100


@dataclass(frozen=True, slots=True)
class Asked:
    """What of an event beside its contact and phone must be known."""

    addresses: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()  # every number that its phone can mean
    calls: bool = False  # it speaks of calls: whoever has such an address is asked for, too


def known_contact(row: sqlite3.Row) -> KnownContact:
    """A row of contact_map."""
    return KnownContact(
        ContactKey(row["system"], row["location_id"], row["contact_id"]),
        phone=row["phone"],
        occurred_at=row["occurred_at"],
        event_id=row["event_id"],
        stated_at=row["stated_at"],
        dnd_all=bool(row["dnd_all"]),
        dnd_all_at=row["dnd_all_at"],
        dnd_call=bool(row["dnd_call"]),
        dnd_call_at=row["dnd_call_at"],
        blocked=bool(row["blocked"]),
        deleted=bool(row["deleted"]),
        account=row["account"],
    )


def said_of(connection: sqlite3.Connection, addresses: Iterable[str]) -> tuple[KnownContact, ...]:
    """Reads what was said of these addresses alone."""
    found = (
        connection.execute(
            "SELECT * FROM contact_map WHERE system = ? AND contact_id = ?", (ADDRESS, address)
        ).fetchone()
        for address in addresses
    )
    return tuple(known_contact(row) for row in found if row is not None)


def kin_of(
    connection: sqlite3.Connection, addresses: Iterable[str], but: ContactKey | None
) -> tuple[tuple[KnownContact, ...], bool]:
    """Reads who ever had one of these addresses, and whether there are too many to be one person."""
    found: dict[ContactKey, KnownContact] = {}
    for address in addresses:
        rows = connection.execute(
            """
            SELECT c.* FROM contact_emails AS e
            CROSS JOIN contact_map AS c USING (system, contact_id, location_id)
            WHERE e.email = ?
            LIMIT ?
            """,
            (address, MOST_KIN + 1),
        ).fetchall()
        if len(rows) > MOST_KIN:
            return (), True
        found |= {each.key: each for each in map(known_contact, rows)}
    return tuple(each for key, each in found.items() if key != but), False


def write_addresses(connection: sqlite3.Connection, key: ContactKey, addresses: Iterable[str]) -> None:
    """Keep a contact's addresses; all that it ever had are kept."""
    for address in addresses:
        connection.execute(
            """
            INSERT OR IGNORE INTO contact_emails (email, system, location_id, contact_id) VALUES (?, ?, ?, ?)
            """,
            (address, key.system, key.location_id, key.contact_id),
        )


def addresses_of(connection: sqlite3.Connection, contacts: Iterable[Contact]) -> set[str]:
    """Reads the addresses that these contacts ever had."""
    asked = "SELECT email FROM contact_emails WHERE system = ? AND contact_id = ?"
    return {row["email"] for contact in contacts for row in connection.execute(asked, contact)}


def shared(connection: sqlite3.Connection, emails: Iterable[str], contacts: Collection[Contact]) -> set[str]:
    """Reads which of these addresses a contact of somebody else ever had, too."""
    asked = "SELECT system, contact_id FROM contact_emails WHERE email = ?"
    return {
        email
        for email in emails
        for row in connection.execute(asked, (email.casefold(),))
        if (row["system"], row["contact_id"]) not in contacts
    }


_SUPERSEDED = """
UPDATE events INDEXED BY {index}
SET state = 'superseded', superseded_by = :by, reason = '', fix = '', settled_at = :now
WHERE state = 'dead' AND id < :by
"""
_DEAD = "SELECT 1 FROM events INDEXED BY events_dead_{of} WHERE state = 'dead' AND {column} = ? LIMIT 1"
_DEAD_OF_CONTACT = _DEAD.format(of="contact", column="contact_id")
_DEAD_OF_PHONE = _DEAD.format(of="phone", column="phone")
# As the index events_in_vain has it.
IN_VAIN = "instr(reason, 'that names nobody who is known') > 0"


def settle_earlier(
    connection: sqlite3.Connection, key: ContactKey, phone: str, event_id: int, now: float
) -> list[Ended]:
    """What was dead of a contact for what it said, is superseded by a newer event that isn't.

    Opt-outs stay, and what Fusion refused: somebody must look at those.
    """
    by_phone = key.contact_id == phone  # a source without contact ids
    asked = _DEAD_OF_PHONE if by_phone else _DEAD_OF_CONTACT
    if connection.execute(asked, (key.contact_id,)).fetchone() is None:  # nearly always
        return []
    of = "phone = :id AND contact_id = '' AND source = :system" if by_phone else OF_CONTACT
    index = "events_dead_phone" if by_phone else "events_dead_contact"
    rows = connection.execute(
        f"""
        {_SUPERSEDED.format(index=index)} AND NOT urgent AND {of}
            AND occurred_at <= (SELECT occurred_at FROM events WHERE id = :by)
            AND NOT EXISTS (SELECT 1 FROM attempt_leads AS l WHERE l.event_id = events.id)
        RETURNING {ENDED}
        """,  # noqa: S608 - our own words
        {"id": key.contact_id, "system": key.system, "by": event_id, "now": now},
    ).fetchall()
    return [Ended(*row) for row in rows]


def settle_in_vain(
    connection: sqlite3.Connection, ids: Collection[int], event_id: int, now: float
) -> list[Ended]:
    """Opt-outs that reached nobody when they came are in effect now."""
    ended: list[Ended] = []
    for each in ids:
        rows = connection.execute(
            f"{_SUPERSEDED.format(index='events_in_vain')} AND id = :id AND {IN_VAIN} RETURNING {ENDED}",
            {"id": each, "by": event_id, "now": now},
        )
        ended += [Ended(*row) for row in rows.fetchall()]
    return ended
