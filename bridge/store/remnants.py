"""What may be left of a person beside the tables: in the log, in free pages, in the gaps of pages in use.

Every connection zeroes what it deletes (`store.database`), yet SQLite may leave a copy in a page's gap when
it moves rows between pages, and releases before this one left everything. Rule for editors: it is proved by
reading the bytes of the files, not believed.
"""

import contextlib
import sqlite3
import time
from pathlib import Path
from typing import BinaryIO

from bridge.rules.mentions import Traces
from bridge.store.database import open_beside

# Of the file at a time, and so much of it once more with the next, for what lies across the border.
CHUNK, OVERLAP = 4 * 1024 * 1024, 1024

# A checkpoint that empties the log waits for readers with the writer's lock in its hand: well below the 2 s
# for which the service waits for that.
LOCKED_S = 0.5
PAUSE_S = 0.3

# To close a database's file frees every lock that this process holds on it, SQLite's own among them (SQLite's
# page "How To Corrupt An SQLite Database File", 2.2): what was looked through is open until the process ends.
_OPEN: list[BinaryIO] = []


def flush(database: Path, *, patience_s: float) -> bool:
    """Bring the log into the file, and cut it to nothing. False: somebody reads all the time (a backup, say).

    Raises:
        sqlite3.Error: the database can't be written.
    """
    until = time.monotonic() + patience_s
    with contextlib.closing(open_beside(database, patience_s=LOCKED_S)) as connection:
        while True:
            # First without any lock, as far as that goes: what is left for the other is little.
            connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
            with contextlib.suppress(sqlite3.OperationalError):
                if not connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
                    return True
            if time.monotonic() > until:
                return False
            time.sleep(PAUSE_S)


def count_traces(database: Path, traces: Traces) -> int:
    """How often the person is found in the bytes of the database and of its log."""
    return sum(_count(database.with_name(database.name + end), traces) for end in ("", "-wal", "-journal"))


def _count(path: Path, traces: Traces) -> int:
    found, kept = 0, b""
    with contextlib.suppress(FileNotFoundError):
        file = path.open("rb")
        _OPEN.append(file)
        while chunk := file.read(CHUNK):
            found += traces.count(kept + chunk)
            kept = chunk[-OVERLAP:]
    return found
