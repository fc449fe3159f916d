"""What the database knows of a previewed event: its contact and leads, and a stored event as it was.

Reads only, what the resolver reads before it decides. Rule for editors: a preview writes nothing.
"""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bridge.errors import BridgeError, StoreError
from bridge.model import Mapped, Reading
from bridge.store import wanted
from bridge.store.database import open_reader
from bridge.store.events import has_earlier
from bridge.store.knowing import Known, know
from bridge.store.marks import Marks


@dataclass(frozen=True, slots=True)
class Stored:
    """A stored event, and what became of it."""

    id: int
    source: str
    payload: bytes
    occurred_at: float
    state: str
    reason: str
    reused_id: bool
    body: Mapping[str, Any] | None  # the lead as its rules made it then; None: not known, or no lead


class Memory:
    """The database, for as long as a preview takes."""

    def __init__(self, database: Path) -> None:
        self._database = database
        self._reader = open_reader(database)

    def stored(self, event_id: int) -> Stored:
        """Read a stored event. Raises BridgeError when it isn't there, or its payload isn't."""
        row = self._reader.execute(
            """
            SELECT source, external_id, payload, occurred_at, state, reason, id, phone
            FROM events WHERE id = ?
            """,
            (event_id,),
        ).fetchone()
        if row is None:
            raise BridgeError(f"there is no event {event_id}", fix="`bridge events` lists them")
        if not row["payload"]:
            fix = "GHL can send it again: its webhook log, or the workflow"
            if row["reason"] == "forgotten" or (row["reason"] == "do not call" and not row["phone"]):
                fix = "nothing of an erased person is kept; `bridge forget PHONE --lift` takes the mark away"
            raise BridgeError(f"the payload of event {event_id} is gone (retention, or forget)", fix=fix)
        then = wanted.read(self._reader, event_id)
        return Stored(
            id=event_id,
            source=row["source"],
            payload=row["payload"],
            occurred_at=row["occurred_at"],
            state=row["state"],
            reason=row["reason"],
            reused_id=has_earlier(self._reader, row),
            body=then.body if then else None,
        )

    def know(self, source: str, reading: Reading, mapped: Mapped) -> Known:
        """Read what the resolver would read. Raises StoreError when it can't be read."""
        try:
            return know(self._reader, Marks(self._database), source, reading, mapped)
        except sqlite3.Error as error:
            fix = "a service of this release brings the database up to date: start it once"
            raise StoreError(f"can't read the database {self._database}: {error}", fix=fix) from error


def open_memory(database: Path) -> Memory | None:
    """The database, or None while there is none."""
    return Memory(database) if database.is_file() else None
