"""SQL of looking: lists of events, how many there are, and asking for a replay.

Reads, on a connection that can't write; `rewriting` is the only exception. Rule for editors: with a million
events every list still answers at once, so it walks ids from the newest, or an index (a test asks SQLite).
"""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from bridge.errors import StoreError
from bridge.store.database import open_beside, open_reader

STATES = ("received", "queued", "delivered", "skipped", "superseded", "dead")
SETTLED = STATES[2:]

# Longer than the service waits: a person would rather wait than type it again, and the service is never
# away from the lock for so long.
BUSY_S = 10.0

# Further a list's rest isn't counted: nobody reads on so far.
COUNTED = 10_000


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which events; what is empty doesn't matter."""

    states: tuple[str, ...] = ()
    ids: tuple[int, ...] | None = None  # of these only: of a phone (`ids_of_phone`, `by_digits`), a name …
    contact: str = ""
    source: str = ""
    since: float | None = None
    reasons: tuple[str, ...] | None = None  # of these exactly: `reasons_with` finds them
    route: str = ""
    warned: bool = False

    @property
    def person(self) -> bool:
        """Whether it is about one person: few events."""
        return bool(self.contact) or self.ids is not None


@dataclass(frozen=True, slots=True)
class EventLine:
    """An event as a list shows it."""

    id: int
    received_at: float
    source: str
    type: str
    location_id: str
    contact_id: str
    phone: str
    state: str
    reason: str
    superseded_by: int | None
    superseded_reason: str  # why that one was skipped itself; empty when it wasn't
    warned: bool
    name: str  # as it was sent; empty in events that an older release resolved


SUPERSEDED_REASON = """
COALESCE(
    (SELECT n.reason FROM events AS n WHERE n.id = events.superseded_by AND n.state = 'skipped'), ''
) AS superseded_reason
"""
_COLUMNS = f"""
id, received_at, source, type, location_id, contact_id, phone, state, reason, superseded_by,
{SUPERSEDED_REASON},
warnings <> '[]' AS warned
"""
_NAME = """
COALESCE((SELECT name FROM event_leads WHERE event_id = events.id), '') AS name
"""

# A clause says what a partial index says, too, or SQLite doesn't take the index.
_CLAUSES = {
    "state": "state = :state",
    "ids": "id IN (SELECT value FROM json_each(:ids))",
    "contact": "contact_id = :contact AND contact_id <> ''",
    "source": "source = :source",
    "since": "id >= :first AND received_at >= :since",
    "reason": "reason = :reason AND reason <> ''",
    "route": "route = :route AND route <> ''",
    "warned": "warnings <> '[]' AND :warned",
}
# About one person there are few events: what else is asked must not choose the index (so says the plus).
_BESIDE = {
    "state": "+state = :state",
    "source": "+source = :source",
    "reason": "+reason = :reason",
    "route": "+route = :route",
    "warned": "+warnings <> '[]' AND :warned",
}

# More don't fit into a number, and no phone has as many.
_MOST_DIGITS = 18


def list_events(connection: sqlite3.Connection, wanted: Wanted, *, limit: int) -> list[EventLine]:
    """The newest events of those wanted, the newest first; with limit 0 all."""
    name = _NAME if has_table(connection, "event_leads") else "'' AS name"
    rows = _newest(connection, wanted, f"{_COLUMNS}, {name}", limit)
    found = [EventLine(**{**dict(row), "warned": bool(row["warned"])}) for row in rows]
    found.sort(key=lambda event: event.id, reverse=True)
    return found[: limit or None]


def count_events(connection: sqlite3.Connection, wanted: Wanted) -> int:
    """How many events are wanted; COUNTED when there are more."""
    return min(sum(1 for _ in _newest(connection, wanted, "id", COUNTED)), COUNTED)


def find_ids(connection: sqlite3.Connection, wanted: Wanted) -> list[int]:
    """The ids of all events wanted, the oldest first."""
    return sorted(row["id"] for row in _newest(connection, wanted, "id", limit=0))


def by_digits(connection: sqlite3.Connection, digits: str) -> tuple[int, ...]:
    """The events of phones that end like this. Reads every phone in the index: ask once."""
    query = f"SELECT id FROM events WHERE phone <> '' AND {ENDING}"  # noqa: S608 - our own words
    return tuple(row["id"] for row in connection.execute(query, ending(digits)))


def ids_of_phone(connection: sqlite3.Connection, phone: str) -> tuple[int, ...]:
    """The events of this number in E.164."""
    rows = connection.execute("SELECT id FROM events WHERE phone = ? AND phone <> ''", (phone,))
    return tuple(row["id"] for row in rows)


# Compared as numbers, because cutting a million texts takes twice as long; the length is for zeros in front.
ENDING = "CAST(phone AS INTEGER) % :modulus = :end AND length(phone) > :digits"


def ending(digits: str) -> dict[str, int]:
    """The values of ENDING: what a phone that ends with these digits leaves when it is divided."""
    few = digits[-_MOST_DIGITS:]
    return {"modulus": 10 ** len(few), "end": int(few), "digits": len(digits)}


def reasons_with(connection: sqlite3.Connection, text: str) -> tuple[str, ...]:
    """Reads the reasons that hold this text, in any case, from the index alone: each once."""
    rows = connection.execute(
        """
        WITH RECURSIVE one (reason) AS (
            SELECT (SELECT MIN(reason) FROM events WHERE reason <> '')
            UNION ALL
            SELECT (SELECT MIN(reason) FROM events WHERE reason <> '' AND reason > one.reason)
            FROM one WHERE one.reason IS NOT NULL
        )
        SELECT reason FROM one WHERE reason IS NOT NULL
        """
    )
    return tuple(row["reason"] for row in rows if text.casefold() in row["reason"].casefold())


def _newest(
    connection: sqlite3.Connection, wanted: Wanted, columns: str, limit: int
) -> Iterator[sqlite3.Row]:
    """The newest of each state; with limit 0 all."""
    # One state a query: (state, id) and (source, state, id) are indexes, "one of these states" by id is none.
    # About one person there are few events, and a reason has an index of its own.
    by_source = wanted.source and not wanted.person and wanted.reasons is None
    states = wanted.states or (STATES if by_source else ("",))
    reasons = ("",) if wanted.reasons is None else wanted.reasons
    for state, reason in product(dict.fromkeys(states), reasons):
        clauses, values = _conditions(connection, wanted, state, reason)
        query = f"""
            SELECT {columns}
            FROM events
            WHERE {" AND ".join(clauses) or "TRUE"}
            ORDER BY id DESC
            LIMIT :limit
        """  # noqa: S608 - our own clauses; what people typed is in the values
        yield from connection.execute(query, {**values, "limit": limit or -1})


def _conditions(
    connection: sqlite3.Connection, wanted: Wanted, state: str, reason: str
) -> tuple[list[str], dict[str, object]]:
    values: dict[str, object] = {
        "state": state,
        "contact": wanted.contact,
        "source": wanted.source,
        "reason": reason,
        "route": wanted.route,
        "warned": wanted.warned,
    }
    names = [name for name, value in values.items() if value]
    if wanted.ids is not None:
        names.append("ids")
        values["ids"] = json.dumps(wanted.ids)
    if wanted.since is not None:
        names.append("since")
        values |= {"since": wanted.since, "first": first_since(connection, wanted.since)}
    clauses = _CLAUSES | _BESIDE if wanted.person else _CLAUSES
    if reason and not wanted.person:  # one reason is of one state, nearly always
        clauses = clauses | {"state": _BESIDE["state"], "source": _BESIDE["source"]}
    return [clauses[name] for name in names], values


def first_since(connection: sqlite3.Connection, since: float) -> int:
    """The id of the first event received since then: ids grow with time, so it is found by halving.

    A clock that was set back blurs it by as much.
    """
    # Two look-ups; asked for together they would be a scan.
    row = connection.execute(
        "SELECT (SELECT MIN(id) FROM events) AS oldest, (SELECT MAX(id) FROM events) AS newest"
    ).fetchone()
    if row["oldest"] is None:
        return 1
    low, high = int(row["oldest"]), int(row["newest"]) + 1
    while low < high:
        middle = (low + high) // 2
        event = connection.execute(
            "SELECT id, received_at FROM events WHERE id >= ? ORDER BY id LIMIT 1", (middle,)
        ).fetchone()
        if event["received_at"] < since:
            low = int(event["id"]) + 1
        else:
            high = middle
    return low


def count_leads(connection: sqlite3.Connection, event_ids: list[int]) -> int:
    """How many people these events are about; one whose phone isn't known yet counts by itself."""
    row = connection.execute(
        """
        SELECT COUNT(DISTINCT CASE WHEN phone = '' THEN id ELSE phone END)
        FROM events
        WHERE id IN (SELECT value FROM json_each(?))
        """,
        (json.dumps(event_ids),),
    ).fetchone()
    return int(row[0])


def states_of(connection: sqlite3.Connection, event_ids: list[int]) -> dict[int, str]:
    """The state of each of these events that exists."""
    rows = connection.execute(
        "SELECT id, state FROM events WHERE id IN (SELECT value FROM json_each(?))", (json.dumps(event_ids),)
    )
    return {row["id"]: row["state"] for row in rows}


def emptied(connection: sqlite3.Connection, event_ids: list[int]) -> set[int]:
    """Those of these events whose payload went by its age: they can't be replayed."""
    rows = connection.execute(
        "SELECT id FROM events WHERE id IN (SELECT value FROM json_each(?)) AND length(payload) = 0",
        (json.dumps(event_ids),),
    )
    return {row["id"] for row in rows}


@contextmanager
def rewriting(path: Path) -> Iterator[sqlite3.Connection]:
    """A transaction beside the running service, on a database that exists already. Keep it short.

    Raises:
        StoreError: there is no database, or it can't be written now.
    """
    open_reader(path).close()  # says it in words when there is none, or it is none of ours
    try:
        connection = open_beside(path, patience_s=BUSY_S)
        try:
            connection.execute("BEGIN IMMEDIATE")
            yield connection
            connection.execute("COMMIT")
        finally:
            connection.close()  # rolls back what wasn't committed
    except sqlite3.Error as error:
        fix = "check that this user may write the file, and that the disk has space; then try again"
        raise StoreError(f"can't write the database {path}: {error}", fix=fix) from error


def has_table(connection: sqlite3.Connection, name: str) -> bool:
    """Reads whether there is such a table: before a service of this release opened it, there may not be."""
    asked = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?"
    return connection.execute(asked, (name,)).fetchone() is not None
