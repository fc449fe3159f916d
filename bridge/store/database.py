"""Opening the database: the one writing connection, read-only connections, and who owns the file.

Rule for editors: every connection of the bridge is opened here, so that no pragma is ever forgotten.
"""

import contextlib
import fcntl
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlite_utils import Database

from bridge.errors import StoreError
from bridge.store.migrations import migrate, migrations
from bridge.store.trouble import Failing, damaged, refusal

# How long a write waits for somebody else's lock before the sender is told to come again (429).
BUSY_MS = 2_000


class InUse(StoreError):
    """Another process owns the database."""


def identity(path: Path) -> tuple[int, int]:
    """Which file it is, whatever its name. Raises OSError when there is none."""
    file = path.stat()
    return file.st_dev, file.st_ino


def sync_folder(folder: Path) -> None:
    """The names of the files in it are on the disk, too. Raises OSError."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def give_to_owner(handle: int, database: Path) -> None:
    """What root makes beside a database would be closed to its owner, the service. Raises OSError."""
    if os.geteuid() == 0:
        of = database.stat()
        os.fchown(handle, of.st_uid, of.st_gid)


def open_writer(path: Path) -> sqlite3.Connection:
    """The writing connection; creates folder, file and tables.

    Raises:
        StoreError: the file can't be created, opened, read or migrated, or a newer version made it.
    """
    with contextlib.ExitStack() as opened:
        try:
            path.parent.mkdir(0o700, parents=True, exist_ok=True)
            _not_cut_to_nothing(path)
            _make_private(path)
            connection = opened.enter_context(contextlib.closing(_connect(str(path))))
            connection.execute("PRAGMA journal_mode = WAL")
            # FULL: a commit is on the disk, not only with the operating system, when the sender gets its 200.
            connection.execute("PRAGMA synchronous = FULL")
            # `checkpoint` does it beside the commits. When they come so fast that it never reaches their end,
            # one of them has to wait for the rest of it: at 128 MB of log.
            connection.execute("PRAGMA wal_autocheckpoint = 32000")
            connection.execute("PRAGMA cache_size = -8000")  # 8 MB: the indexes that every accept touches
            connection.execute("PRAGMA foreign_keys = ON")
            _forgetful(connection)
            _not_newer(path, Database(connection))
            migrate(Database(connection))
        except (OSError, sqlite3.Error) as error:
            raise refusal(path, f"can't open the database {path}", error) from error
        opened.pop_all()
    return connection


def open_beside(path: Path, *, patience_s: float) -> sqlite3.Connection:
    """A writing connection to a database that exists, beside a running service. Raises sqlite3.Error."""
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=rw", uri=True, timeout=patience_s, isolation_level=None
    )
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    _forgetful(connection)
    return connection


def _make_private(path: Path) -> None:
    """A new file, for its user alone. An old one isn't opened: its closing would free SQLite's locks."""
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))


def _forgetful(connection: sqlite3.Connection) -> None:
    """What is deleted or rewritten is overwritten with zeros, in the page and in pages that become free."""
    connection.execute("PRAGMA secure_delete = ON").fetchall()


def _not_cut_to_nothing(path: Path) -> None:
    """An empty file is a new database to SQLite, and what its log holds is thrown away: accepted events."""
    log = path.with_name(f"{path.name}-wal")
    if log.exists() and log.stat().st_size and not (path.exists() and path.stat().st_size):
        raise damaged(path, f"it is empty or gone, but {log.name} isn't")


def _not_newer(path: Path, database: Database) -> None:
    ours = {migration.name for migration in migrations.pending(Database(memory=True))}
    if any(migration.name not in ours for migration in migrations.applied(database)):
        fix = "install that version again, or restore a backup from before (deploy/operations.md, Restore)"
        raise StoreError(f"the database {path} was made by a newer version of the bridge", fix=fix)


def prove(connection: sqlite3.Connection) -> None:
    """A real write: a full or read-only disk refuses it, a read wouldn't notice."""
    connection.execute("PRAGMA user_version = 0")


def check_whole(path: Path, connection: sqlite3.Connection) -> None:
    """Read the whole file, which takes seconds for a big one. Raises Damaged."""
    found = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
    if found != "ok":
        raise damaged(path, found)


def open_reader(path: Path) -> sqlite3.Connection:
    """A connection that can't write. Raises StoreError when there is no database yet."""
    try:
        if not path.is_file():
            fix = "start the bridge once with `bridge serve`"
            raise StoreError(f"there is no database at {path}", fix=fix)
        connection = _connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
        connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()
    except (OSError, sqlite3.Error) as error:
        said, fix = f"can't read the database {path}: {error}", "is it a bridge database?"
        if not os.access(path, os.R_OK):
            own = f"`chown --reference={path.parent} {path}`"
            fix = f"the folder and the file must belong to the bridge's user: {own}"
        raise StoreError(said, fix=fix) from error
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


class Ownership:
    """Holds the database for this process; a second owner would spend the same budget twice.

    The operating system drops the lock with its process, so that a stale file is no obstacle.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._handle: int | None = None

    def take(self) -> None:
        """Become the owner, unless this process is.

        Raises:
            InUse: another process is; names it.
            StoreError: it can't be known.
        """
        if self._handle is not None:
            return
        lock = self._path.with_name(f"{self._path.name}.lock")
        try:
            lock.parent.mkdir(parents=True, exist_ok=True)
            # A link may lead to somebody else's file, whose words would be lost.
            handle = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            fix = f"let {lock} belong to whom {self._path.parent} belongs to: the bridge's user"
            trouble = refusal(self._path, f"can't write {lock}", error)
            raise (Failing(trouble.message, fix=fix) if lock.exists() else trouble) from error
        try:
            self._lock(handle)
        except BaseException:
            os.close(handle)
            raise
        self._handle = handle
        with contextlib.suppress(OSError):
            give_to_owner(handle, self._path)
        with contextlib.suppress(OSError):  # on a full disk the lock holds, only nobody reads whose it is
            os.ftruncate(handle, 0)
            os.write(handle, f"process {os.getpid()}\n".encode())

    def close(self) -> None:
        """Be the owner no more, if it was one."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def _lock(self, handle: int) -> None:
        """`bridge status` holds the lock for microseconds to see whether it is free: try again."""
        for _ in range(3):
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                time.sleep(0.02)
            except OSError as error:
                fix = "put the database on a disk of this machine: a network's can't be trusted with it"
                raise StoreError(
                    f"the disk of {self._path.parent} knows no locks: {error}", fix=fix
                ) from error
            else:
                return
        owner = os.read(handle, 100).decode(errors="replace").strip() or "unknown"
        fix = "stop that one first, or give this one another `database:`"
        raise InUse(f"{self._path} is in use by another bridge ({owner})", fix=fix)


@contextmanager
def owned(path: Path) -> Iterator[Ownership]:
    """Own the database inside. Raises InUse or StoreError."""
    ownership = Ownership(path)
    ownership.take()
    try:
        yield ownership
    finally:
        ownership.close()
