"""What is known of whom an event is about: the facts that its decision needs, by key, numbers and addresses.

For the resolver, inside the writer's transaction, and for `bridge preview`, on a reader. Rule for editors:
both must decide on the same facts, or the preview shows what will not happen.
"""

import sqlite3
from dataclasses import dataclass, replace

from bridge.model import ContactKey, Mapped, Reading
from bridge.outbox.facts import Facts
from bridge.outbox.identity import contact_key
from bridge.outbox.reach import addresses, speaks_of_calls
from bridge.store.marks import Marks
from bridge.store.reaching import Asked
from bridge.store.resolving import load_facts


@dataclass(frozen=True, slots=True)
class Known:
    """The event's contact, what the rules made of it without what was erased, and the facts."""

    key: ContactKey | None
    mapped: Mapped
    facts: Facts


def know(
    connection: sqlite3.Connection, marks: Marks, source: str, reading: Reading, mapped: Mapped
) -> Known:
    """Read everything that `outbox.identity.decide` needs. Raises KeyTrouble while marks can't be read."""
    key = contact_key(source, reading, mapped.phone)
    # In the transaction that decides: another process may have made a mark a moment ago.
    marked = marks.of(connection, key, mapped.phone)
    calls = speaks_of_calls(reading, mapped)
    if calls and mapped.plausible:  # nothing is remembered of a number that was erased
        alive = (each for each in mapped.plausible if not marks.has_phone(connection, each))
        mapped = replace(mapped, plausible=tuple(alive))
    asked = Asked(addresses(reading, mapped), mapped.plausible, calls)
    return Known(key, mapped, load_facts(connection, key, mapped.phone, marked=marked, asked=asked))
