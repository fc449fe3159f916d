"""Writing the file anew, without what is free in it, and being alone with the database for that.

Rule for editors: whatever goes wrong, the file is what it was before.
"""

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from bridge.errors import StoreError
from bridge.store.database import open_beside, open_writer, owned
from bridge.store.status import owner, size_of
from bridge.store.trouble import refusal

# Beside a service a file is only written anew when that is done before a webhook is refused (2 s).
SMALL = 20_000_000
WITHIN_S = 1.0


@contextmanager
def alone(database: Path, *, what: str, fix: str) -> Iterator[None]:
    """While no service runs, and none can be started. Raises StoreError while one does: `what` needs this."""
    if process := owner(database):
        raise StoreError(f"the service runs ({process}), and {what} needs the database for itself", fix=fix)
    with owned(database):
        yield


def vacuum(database: Path) -> dict[str, int]:
    """Write the file anew; call it `alone`. Returns its sizes.

    Raises:
        StoreError: it can't be written; it is what it was.
    """
    before = size_of(database)
    _build_beside(database)
    try:
        with closing(open_writer(database)) as connection:
            connection.execute("VACUUM")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except sqlite3.Error as error:
        raise refusal(database, "the file can't be written anew; it is what it was", error) from error
    return {"size_before": before, "size_after": size_of(database)}


def vacuum_beside_service(database: Path) -> bool:
    """The same of a small file while a service runs, which waits for it. False: it would take too long."""
    _build_beside(database)
    with closing(open_beside(database, patience_s=WITHIN_S)) as connection:
        page, pages, free = (
            connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("page_size", "page_count", "freelist_count")
        )
        if (pages - free) * page > SMALL:
            return False
        until = time.monotonic() + WITHIN_S
        connection.set_progress_handler(lambda: time.monotonic() > until, 10_000)
        try:
            connection.execute("VACUUM")
        except sqlite3.OperationalError:  # somebody wrote all the time, or the disk is slow
            return False
    return True


def _build_beside(database: Path) -> None:
    """SQLite builds the new file there first; /tmp may be small, or in memory."""
    os.environ["SQLITE_TMPDIR"] = str(database.parent.absolute())
