"""SQL of finding events by what people know: a name, an e-mail address, the digits of a phone as it was sent.

A search is a range of one index: a word finds what begins with it. Rule for editors: what is kept here
identifies a person, and goes with the event's payload (a trigger sees to it).
"""

import re
import sqlite3
import unicodedata
from collections.abc import Iterator
from typing import Final, Literal

from bridge.model import Contact

Kind = Literal["name", "email", "digits"]

_WORDS_MAX: Final = 8  # of a name
_WORD_MAX: Final = 50  # characters
_NAME_MAX: Final = 100
_EMAIL_MAX: Final = 320
_DIGITS_MAX: Final = 40
# With more matches the beginning is too short to tell people apart: reading on would take too long.
MOST: Final = 20_000


def write(connection: sqlite3.Connection, event_id: int, contact: Contact, phone: str) -> None:
    """Keep the words by which this event is found; nothing of one that is erased. `phone` is E.164."""
    connection.executemany(
        """
        INSERT OR IGNORE INTO event_words (kind, word, event_id)
        SELECT ?, ?, id FROM events WHERE id = ? AND length(payload) > 0
        """,
        [(kind, word, event_id) for kind, word in set(_words(contact, phone))],
    )


def rewrite(connection: sqlite3.Connection, event_id: int, contact: Contact) -> None:
    """Keep these words instead of those before, and this name in lists: something was taken out of it."""
    connection.execute("DELETE FROM event_words WHERE event_id = ?", (event_id,))
    row = connection.execute("SELECT phone FROM events WHERE id = ?", (event_id,)).fetchone()
    write(connection, event_id, contact, row["phone"])
    name = name_of(contact)[:_NAME_MAX]
    connection.execute("UPDATE event_leads SET name = ? WHERE event_id = ?", (name, event_id))


def _words(contact: Contact, phone: str) -> Iterator[tuple[str, str]]:
    for word in fold(name_of(contact))[:_WORDS_MAX]:
        yield "name", word
    if contact.email:
        yield "email", contact.email.casefold()[:_EMAIL_MAX]
    sent = backwards(contact.phone)
    if sent and not backwards(phone).startswith(sent):  # else it is found by the number as it was read
        yield "digits", sent


def name_of(contact: Contact) -> str:
    """The name as it was sent, whole or in parts."""
    return contact.name or f"{contact.first_name} {contact.last_name}".strip()


def fold(name: str) -> list[str]:
    """The words of a name without case, accents and punctuation: "Zoë O'Neil" → zoe, o, neil."""
    plain = unicodedata.normalize("NFKD", name[:_NAME_MAX].casefold())
    letters = "".join(sign for sign in plain if not unicodedata.combining(sign))
    return [word[:_WORD_MAX] for word in re.findall(r"\w+", letters)]


def backwards(phone: str) -> str:
    """The digits of a phone, the last one first."""
    return "".join(sign for sign in phone if "0" <= sign <= "9")[:_DIGITS_MAX][::-1]


def find(connection: sqlite3.Connection, kind: Kind, words: list[str]) -> set[int] | None:
    """Reads the events that have a word beginning with each of these; None when there are too many."""
    found: set[int] | None = None
    for word in sorted(words, key=len, reverse=True):  # the longest is the rarest
        rows = connection.execute(
            """
            SELECT event_id FROM event_words
            WHERE kind = :kind AND word >= :word AND word < :end
            LIMIT :most
            """,
            {"kind": kind, "word": word, "end": word + "\U0010ffff", "most": MOST + 1},
        ).fetchall()
        ids = {row[0] for row in rows}
        if found is None and len(ids) > MOST:
            continue  # another word may tell more
        if len(ids) <= MOST:
            found = ids if found is None else found & ids
        else:
            found = _having(connection, kind, word, found or set())
    return found


def _having(connection: sqlite3.Connection, kind: Kind, word: str, ids: set[int]) -> set[int]:
    """Reads which of a few events have this common word, too."""
    asked = "SELECT 1 FROM event_words WHERE event_id = ? AND kind = ? AND word >= ? AND word < ? LIMIT 1"
    values = (kind, word, word + "\U0010ffff")
    return {each for each in ids if connection.execute(asked, (each, *values)).fetchone()}
