"""Brings the log into the database's file beside the writer, so that no commit has to.

SQLite's own checkpoint is part of the commit that crosses its mark: whoever waits for that one waits for
thousands of pages and for two syncs more, which on a slow disk is a tenth of a second each. Rule for editors:
this does only what SQLite would do a little later, so whatever goes wrong here may do so in silence.
"""

import contextlib
import sqlite3
import threading
from pathlib import Path

from bridge.store.database import identity, open_beside

# A few thousand pages at the most, written while others commit.
EVERY_COMMITS = 200


class Checkpoints:
    """Of one database, for its writer."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = identity(path)
        self._commits = 0
        self._thread: threading.Thread | None = None

    def committed(self) -> None:
        """Something was committed; now and then the log is brought into the file."""
        self._commits += 1
        if self._commits < EVERY_COMMITS or (self._thread is not None and self._thread.is_alive()):
            return
        self._commits = 0
        self._thread = threading.Thread(target=self._run, name="checkpoint", daemon=True)
        self._thread.start()

    def stop(self, within_s: float) -> None:
        """Let the file go, unless the disk hangs."""
        if self._thread is not None:
            self._thread.join(within_s)

    def _run(self) -> None:
        with contextlib.suppress(OSError, sqlite3.Error):
            if identity(self._path) != self._file:  # another database's file must not meet this one's log
                return
            with contextlib.closing(open_beside(self._path, patience_s=0)) as connection:
                connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
