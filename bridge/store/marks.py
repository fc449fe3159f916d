"""SQL of the marks: who demanded erasure, as keyed hashes, so that nobody calls them again.

A phone and a contact's id are asked for alike; a mark that no known key made may be anybody's. Rule for
editors: nothing here is turned back into a phone, and what can't be read is never taken for "not marked".
"""

import sqlite3
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from bridge.model import ContactKey
from bridge.outbox.facts import Marked
from bridge.store.queries import has_table
from bridge.store.secret_key import Key, Keys, KeyTrouble, make_key, read_keys

# How far an erasure has come. While it goes on, what was zeroed and what not isn't known.
MARKED, ERASING, ERASED = range(3)

Contact = tuple[str, str]  # system and id: an id is the same person at every location


def phone_hash(key: Key, phone: str) -> bytes:
    """The mark of a phone, E.164."""
    return key.hash(b"phone\0" + phone.encode())


def contact_hash(key: Key, contact: Contact) -> bytes:
    """The mark of a contact."""
    system, contact_id = contact
    return key.hash(b"contact\0" + system.encode() + b"\0" + contact_id.encode())


class Marks:
    """The marks of one database, with the keys as they were read last."""

    def __init__(self, database: Path) -> None:
        self._database = database
        self._keys = Keys(database)

    def of(self, connection: sqlite3.Connection, key: ContactKey | None, phone: str) -> Marked:
        """Whether this contact, and this phone, belong to somebody who was erased.

        Raises:
            KeyTrouble: there are marks that nobody can read now.
        """
        if not self.readable(connection):
            return Marked()
        contact = (key.system, key.contact_id) if key else None
        return Marked(
            phone=bool(phone) and self.has_phone(connection, phone),
            contact=contact is not None
            and is_marked(connection, (contact_hash(each, contact) for each in self.keys)),
        )

    @property
    def keys(self) -> tuple[Key, ...]:
        return self._keys.keys

    def readable(self, connection: sqlite3.Connection) -> bool:
        """Whether there are any marks. The key file is read again when they need a key that isn't known.

        Raises:
            KeyTrouble: some can't be read.
        """
        made_by = key_ids(connection)
        if not made_by <= self._keys.ids:
            self._keys = read_keys(self._database)
            if not made_by <= self._keys.ids:
                raise unreadable(self._keys)
        return bool(made_by)

    def has_phone(self, connection: sqlite3.Connection, phone: str) -> bool:
        """Whether this phone is marked, as far as the keys go that `readable` found."""
        return is_marked(connection, (phone_hash(each, phone) for each in self.keys))


def is_marked(connection: sqlite3.Connection, hashes: Iterable[bytes]) -> bool:
    """Reads whether one of these is there: the same phone or contact by each key."""
    asked = "SELECT 1 FROM forgotten WHERE hash = ?"
    return any(connection.execute(asked, (each,)).fetchone() for each in hashes)


def unreadable(keys: Keys) -> KeyTrouble:
    """Marks are there whose key isn't."""
    said = f"do-not-call marks of erased people can't be read: their key isn't in {keys.path}"
    fix = f"put {keys.path.name} back; if it is lost, `bridge forget --drop-unreadable` drops those marks"
    return KeyTrouble(said, fix=fix)


def key_ids(connection: sqlite3.Connection) -> frozenset[bytes]:
    """Reads which keys made the marks, by two or three look-ups in an index, however many marks there are."""
    found: list[bytes] = []
    asked = "SELECT MIN(key_id) FROM forgotten WHERE key_id > ?"
    while (row := connection.execute(asked, (found[-1] if found else b"",)).fetchone()[0]) is not None:
        found.append(row)
    return frozenset(found)


def keys_for_new_marks(connection: sqlite3.Connection, database: Path) -> Keys:
    """The keys, the first of which makes new marks; made where there is none.

    Raises:
        KeyTrouble: they can't be read or made, or marks are there of which the key is missing: a new key
            must not take the place of one that somebody is about to put back.
    """
    keys = read_keys(database)
    if not key_ids(connection) <= keys.ids:
        raise unreadable(keys)
    return keys if keys.keys else make_key(database)


def person_of(connection: sqlite3.Connection, keys: Keys, phone: str) -> bytes | None:
    """Reads what the marks of this phone's person have in common; None when it isn't marked."""
    for key in keys.keys:
        row = connection.execute(
            "SELECT person FROM forgotten WHERE hash = ?", (phone_hash(key, phone),)
        ).fetchone()
        if row is not None:
            return bytes(row["person"])
    return None


def mark(
    connection: sqlite3.Connection,
    keys: Keys,
    phone: str,
    *,
    phones: Collection[str],
    contacts: Collection[Contact],
    now: float,
) -> bytes:
    """Mark a person who was demanded by `phone`, and what belongs to them.

    Returns what their marks have in common. What is marked already keeps its mark, by whichever key.
    """
    key = keys.keys[0]
    person = person_of(connection, keys, phone) or phone_hash(key, phone)
    wanted = [(False, [phone_hash(each, one) for each in keys.keys]) for one in {phone, *phones}]
    wanted += [(True, [contact_hash(each, one) for each in keys.keys]) for one in {*contacts}]
    for of_contact, hashes in wanted:
        if not is_marked(connection, hashes):
            connection.execute(
                "INSERT INTO forgotten (hash, of_contact, key_id, person, at) VALUES (?, ?, ?, ?, ?)",
                (hashes[0], of_contact, key.id, person, now),
            )
    return person


def broken_off(connection: sqlite3.Connection, person: bytes) -> bool:
    """Reads whether an erasure of theirs was begun, and didn't come to its end."""
    row = connection.execute(
        "SELECT 1 FROM forgotten WHERE person = ? AND stage = ? LIMIT 1", (person, ERASING)
    ).fetchone()
    return row is not None


def reached(connection: sqlite3.Connection, person: bytes, stage: int) -> None:
    """Write how far their erasure has come, so that one that was broken off is known as such."""
    connection.execute("UPDATE forgotten SET stage = ? WHERE person = ?", (stage, person))


def lift(connection: sqlite3.Connection, keys: Keys, phone: str) -> bool:
    """Take a phone's mark away, and those of the contacts that were erased with it. False: there was none."""
    person = person_of(connection, keys, phone)
    if person is None:
        return False
    hashes = [phone_hash(key, phone) for key in keys.keys]
    connection.executemany("DELETE FROM forgotten WHERE hash = ?", [(each,) for each in hashes])
    connection.execute("DELETE FROM forgotten WHERE person = ? AND of_contact", (person,))
    return True


def drop_unreadable(connection: sqlite3.Connection, keys: Keys) -> int:
    """Take away the marks that no known key made. Returns how many there were."""
    lost = [(each,) for each in key_ids(connection) - keys.ids]
    return connection.executemany("DELETE FROM forgotten WHERE key_id = ?", lost).rowcount if lost else 0


@dataclass(frozen=True, slots=True)
class Standing:
    """How it stands with the marks, for `bridge status`."""

    people: int = 0
    unfinished: int = 0  # people whose erasure was broken off
    unreadable: int = 0  # marks of which the key is missing
    trouble: str = ""
    fix: str = ""


def standing(connection: sqlite3.Connection, database: Path) -> Standing:
    """Reads how it stands with the marks, and what is wrong with them."""
    if not has_table(connection, "forgotten"):
        return Standing()  # the service of this release hasn't opened it yet
    made_by = key_ids(connection)
    if not made_by:
        return Standing()
    row = connection.execute(
        """
        SELECT COUNT(DISTINCT person) AS people,
            COUNT(DISTINCT CASE WHEN stage < ? THEN person END) AS unfinished
        FROM forgotten
        """,
        (ERASED,),
    ).fetchone()
    trouble, keys = None, Keys(database)
    try:
        keys = read_keys(database)
    except KeyTrouble as error:
        trouble = error
    lost = made_by - keys.ids
    count = sum(
        connection.execute("SELECT COUNT(*) FROM forgotten WHERE key_id = ?", (each,)).fetchone()[0]
        for each in lost
    )
    if lost and trouble is None:
        trouble = unreadable(keys)
    return Standing(
        row["people"],
        row["unfinished"],
        count,
        trouble.message if trouble else "",
        trouble.fix if trouble else "",
    )
