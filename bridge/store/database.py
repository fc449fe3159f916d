"""Opening the database: the one writing connection, read-only connections, and who owns the file.

Rule for editors: every connection of the bridge is opened here, so that no pragma is ever forgotten.
"""

import fcntl
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlite_utils import Database

from bridge.errors import StoreError
from bridge.store.migrations import migrate

# How long a write waits for somebody else's lock before the sender is told to come again (429).
BUSY_MS = 2_000


def open_writer(path: Path) -> sqlite3.Connection:
    """The writing connection; creates folder, file and tables.

    Raises:
        StoreError: the file can't be created, opened, read or migrated.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = _connect(str(path))
        connection.execute("PRAGMA journal_mode = WAL")
        # FULL: a commit is on the disk, not only with the operating system, when the sender gets its 200.
        connection.execute("PRAGMA synchronous = FULL")
        # A checkpoint makes one commit wait for thousands of pages: seldom is better than small. 32 MB.
        connection.execute("PRAGMA wal_autocheckpoint = 8000")
        connection.execute("PRAGMA cache_size = -8000")  # 8 MB: the indexes that every accept touches
        connection.execute("PRAGMA foreign_keys = ON")
        migrate(Database(connection))
    except (OSError, sqlite3.Error) as error:
        fix = "check that the folder exists, belongs to the bridge's user and has space left"
        raise StoreError(f"can't open the database {path}: {error}", fix=fix) from error
    return connection


def open_reader(path: Path) -> sqlite3.Connection:
    """A connection that can't write. Raises StoreError when there is no database yet."""
    if not path.is_file():
        raise StoreError(f"there is no database at {path}", fix="start the bridge once with `bridge serve`")
    try:
        connection = _connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
        connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()
    except sqlite3.Error as error:
        raise StoreError(
            f"can't read the database {path}: {error}", fix="is it a bridge database?"
        ) from error
    return connection


def _connect(path: str, *, uri: bool = False) -> sqlite3.Connection:
    connection = sqlite3.connect(
        path,
        timeout=BUSY_MS / 1000,
        isolation_level=None,  # transactions are begun and ended by us, in words
        check_same_thread=False,  # each connection is used by one thread at a time, handed over once
        cached_statements=256,
        uri=uri,
    )
    connection.row_factory = sqlite3.Row
    return connection


def _lock(handle: int) -> bool:
    """Take the lock. `bridge status` holds it for microseconds to see whether it is free: try again."""
    for _ in range(3):
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(0.02)
        else:
            return True
    return False


@contextmanager
def owned(path: Path) -> Iterator[None]:
    """Hold the database for this process; a second owner would spend the same budget twice.

    The operating system drops the lock with its process, so that a stale file is no obstacle.

    Raises:
        StoreError: another process owns it; names the process.
    """
    lock = path.with_name(f"{path.name}.lock")
    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise StoreError(f"can't write {lock}: {error}", fix="check the folder's owner and space") from error
    try:
        if not _lock(handle):
            owner = os.read(handle, 100).decode(errors="replace").strip() or "unknown"
            fix = "stop that one first, or give this one another `database:`"
            raise StoreError(f"{path} is in use by another bridge ({owner})", fix=fix)
        os.ftruncate(handle, 0)
        os.write(handle, f"process {os.getpid()}\n".encode())
        yield
    finally:
        os.close(handle)
