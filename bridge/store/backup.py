"""An online copy of the database: one moment of it, in one file, proved by reading all of it.

The copy is made in steps by SQLite's own backup, inside a read transaction: with none, every write of the
service would make it begin anew. Rule for editors: a file under the final name is whole, checked and on the
disk; whatever goes wrong before leaves nothing behind but the file that was there already.
"""

import contextlib
import fcntl
import os
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bridge.errors import StoreError
from bridge.store.database import open_reader, sync_folder
from bridge.store.queries import STATES
from bridge.store.secret_key import key_file
from bridge.store.trouble import DAMAGED, code_of, refusal

# 4 MB, brought to the disk before the next: while a gigabyte is written at once, at the end, no commit of the
# service gets there.
PAGES = 1024

# After each step it rests as long as that took: the service has the disk for half of the time.
LONGEST_REST_S = 0.2

Tell = Callable[[float], None]  # the part that is copied, 0 to 1; then 1 while it is checked


@dataclass(frozen=True, slots=True)
class Copy:
    """What is in a copy, as it was read from it."""

    file: Path
    bytes: int
    migrations: tuple[str, ...]  # the newest last: which release can open it
    events: dict[str, int]  # by state
    leads: int
    contacts: int
    outbox: int  # leads that wait to be sent
    newest_at: float | None  # when its last event came


def back_up(database: Path, file: Path, *, force: bool, tell: Tell) -> Copy:
    """Copy a database, whoever writes to it meanwhile.

    Raises:
        StoreError: there is no database, the file can't be written, is in the way, or the copy isn't sound.
    """
    try:
        _refuse(database, file, force=force)
    except OSError as error:
        raise _trouble(file, error) from error
    source = open_reader(database)
    try:
        with _part_of(file) as (part, handle):
            try:
                copy = _copied(source, part, file, _gently(handle, tell))
                os.fsync(handle)
                _refuse(database, file, force=force)  # minutes may have passed
                part.replace(file)
                sync_folder(file.parent)
            except (OSError, sqlite3.Error) as error:
                raise _trouble(file, error) from error
        return copy
    finally:
        source.close()


def _refuse(database: Path, file: Path, *, force: bool) -> None:
    if not file.parent.is_dir():
        raise StoreError(f"there is no folder {file.parent}", fix="create it, or name another")
    if file.is_dir():
        raise StoreError(f"{file} is a folder", fix="name a file in it")
    beside = [database.with_name(database.name + end) for end in ("", "-wal", "-shm", "-journal", ".lock")]
    beside.append(key_file(database))
    if any(_same(file, each) for each in beside):
        raise StoreError(f"{file} is the database itself, or belongs to it", fix="name another file")
    if file.exists() and not force:
        raise StoreError(f"{file} is there already", fix="name another, or replace it with --force")
    for end in ("-wal", "-journal"):
        log = file.with_name(file.name + end)
        if log.exists():  # SQLite would take it for the copy's own, and spoil the copy
            fix = f"somebody has {file} open; name another file, or delete {log.name} when nobody has"
            raise StoreError(f"{log} is in the way", fix=fix)


def _same(file: Path, other: Path) -> bool:
    if file.exists() and other.exists():
        return file.samefile(other)
    return file.resolve() == other.resolve()


@contextlib.contextmanager
def _part_of(file: Path) -> Iterator[tuple[Path, int]]:
    """An empty file beside the one to be, for this process alone; gone afterwards if it is still there."""
    part = file.with_name(f"{file.name}.part")
    try:
        handle = os.open(part, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise _trouble(file, error) from error
    try:
        if not _claimed(handle, part):
            fix = "wait for it, or name another file"
            raise StoreError(f"another backup to {file} is under way", fix=fix)
        try:
            os.fchmod(handle, 0o600)  # it may be left over from a backup that was killed
            os.ftruncate(handle, 0)
            yield part, handle
        finally:
            if _is(handle, part):
                part.unlink()
    finally:
        os.close(handle)


def _claimed(handle: int, part: Path) -> bool:
    """Whether it is ours. Another backup may have given it its final name between our opening and locking."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return _is(handle, part)


def _is(handle: int, part: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), part.stat())
    except FileNotFoundError:
        return False


def _gently(handle: int, tell: Tell) -> Callable[[int, int, int], None]:
    """What follows each step."""
    began = time.monotonic()

    def after(_status: int, left: int, total: int) -> None:
        nonlocal began
        os.fdatasync(handle)
        tell(1 - left / max(total, 1))
        if left:
            time.sleep(min(LONGEST_REST_S, time.monotonic() - began))
        began = time.monotonic()

    return after


def _copied(
    source: sqlite3.Connection, part: Path, file: Path, after: Callable[[int, int, int], None]
) -> Copy:
    source.execute("BEGIN")
    pages = source.execute("PRAGMA page_count").fetchone()[0]  # and with it the moment that is copied
    size = pages * source.execute("PRAGMA page_size").fetchone()[0]
    free = shutil.disk_usage(part.parent).free
    if size > free:
        said = f"the copy takes {size / 1e6:,.1f} MB, and {part.parent} has {free / 1e6:,.1f} MB left"
        raise StoreError(said, fix="make room, or name a file on another disk")
    with contextlib.closing(sqlite3.connect(part, isolation_level=None)) as target:
        target.row_factory = sqlite3.Row
        # It is thrown away unless it gets to its end, and brought to the disk then.
        target.execute("PRAGMA synchronous = OFF")
        target.execute("PRAGMA journal_mode = OFF")
        source.backup(target, pages=PAGES, progress=after)
        source.execute("COMMIT")  # from here on its log may be emptied again
        target.execute("PRAGMA journal_mode = DELETE")  # one file: with a log it could be torn from it
        _check(target)
        return _contents(target, file, size)


def _check(target: sqlite3.Connection) -> None:
    found = target.execute("PRAGMA integrity_check(3)").fetchall()
    if [row[0] for row in found] != ["ok"]:
        raise _unsound("; ".join(row[0] for row in found))
    if not target.execute("SELECT 1 FROM sqlite_master WHERE name = '_sqlite_migrations'").fetchone():
        raise StoreError("this isn't a database of the bridge", fix="which one does `database:` name?")
    orphan = target.execute("PRAGMA foreign_key_check").fetchone()
    if orphan is not None:
        said = f"a row of {orphan['table']} refers to one of {orphan['parent']} that isn't there"
        raise StoreError(f"the copy isn't sound: {said}", fix="keep older copies, and report this")


def _contents(target: sqlite3.Connection, file: Path, size: int) -> Copy:
    count = {
        name: target.execute(f"SELECT COUNT(*) FROM {name}").fetchone()[0]  # noqa: S608 - our own words
        for name in ("lead_map", "contact_map", "outbox")
    }
    states = dict(target.execute("SELECT state, COUNT(*) FROM events GROUP BY state").fetchall())
    names = target.execute("SELECT name FROM _sqlite_migrations WHERE migration_set = 'bridge' ORDER BY id")
    newest = target.execute("SELECT received_at FROM events ORDER BY id DESC LIMIT 1").fetchone()
    return Copy(
        file,
        size,
        migrations=tuple(row["name"] for row in names),
        events={state: states.get(state, 0) for state in STATES},
        leads=count["lead_map"],
        contacts=count["contact_map"],
        outbox=count["outbox"],
        newest_at=newest["received_at"] if newest else None,
    )


def _unsound(said: str) -> StoreError:
    fix = "its disk may be failing: keep the older copies; deploy/operations.md tells how to restore one"
    return StoreError(f"the copy isn't sound, because the database isn't: {said}", fix=fix)


def _trouble(file: Path, error: OSError | sqlite3.Error) -> StoreError:
    if code_of(error) in DAMAGED:
        return _unsound(str(error))
    return refusal(file, f"can't write {file}", error)
