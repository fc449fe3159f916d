"""What can be wrong with the database, in words, with a fix; and which of it passes by itself.

Knows SQLite's errors and asks the disk. Rule for editors: the words go into the log, to `/readyz` and so to
strangers: paths may be in them, what the database holds may not.
"""

import errno
import os
import sqlite3
import tempfile
from pathlib import Path

from bridge.errors import StoreError

# With less than this no write can be counted on.
NO_ROOM = 65_536

DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}

# After these the connection can't be trusted any more, or won't ever work again: it is let go.
LOST = DAMAGED | {
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_PROTOCOL,
    sqlite3.SQLITE_READONLY,
}

# These pass by themselves, but the transaction that met one is done for.
PASSING = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_INTERRUPT,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_NOMEM,
}


class Damaged(StoreError):
    """What the file holds can't be trusted. Nobody but an operator can mend that."""


class Failing(StoreError):
    """The disk or its folder doesn't do what it should; to be mended it has to be let go altogether."""


def code_of(error: BaseException) -> int:
    """SQLite's primary error code; 0 when it is none of SQLite's errors."""
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF


def refusal(path: Path, what: str, error: Exception) -> StoreError:
    """What went wrong with the database at `path`, in words, and what to do about it."""
    code = code_of(error)
    if code in DAMAGED:
        return damaged(path, str(error))
    if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        fix = f"end the program that holds it; `fuser {path}` names it"
        return StoreError(f"{what}: {error}", fix=fix)
    if code == sqlite3.SQLITE_FULL or _is_full(path):
        return _full(path, f"{what}: the disk is full ({error})")
    if _is_read_only(path):
        fix = f"look into the kernel's log, and mount the disk of {path.parent} writable again"
        return Failing(f"{what}: the disk is read-only ({error})", fix=fix)
    if code == sqlite3.SQLITE_IOERR:
        return Failing(f"{what}: {error}", fix="the disk fails: look into the kernel's log (dmesg)")
    fix = "check that the folder exists and belongs to the bridge's user"
    return Failing(f"{what}: {error}", fix=fix)


def no_room(path: Path) -> StoreError | None:
    """The disk is full, though a small write may still find a gap."""
    return _full(path, "the disk is full") if _is_full(path) else None


def _full(path: Path, what: str) -> StoreError:
    return StoreError(what, fix=f"make room on the disk of {path.parent}")


def damaged(path: Path, how: str) -> Damaged:
    fix = f"keep {path} and what is beside it, and restore the last backup (deploy/operations.md, Restore)"
    return Damaged(f"the database {path} is damaged: {how}", fix=fix)


def _is_full(path: Path) -> bool:
    """Tried, not asked: a filesystem calls free what it keeps for itself (ext4: 16 MiB) or a quota denies."""
    try:
        with tempfile.TemporaryFile(dir=path.parent) as file:  # without a name, gone when closed
            file.write(bytes(NO_ROOM))
    except OSError as error:
        return error.errno in {errno.ENOSPC, errno.EDQUOT}
    return False


def _is_read_only(path: Path) -> bool:
    """SQLite has one error for many causes; the disk itself knows better."""
    try:
        return bool(os.statvfs(path.parent).f_flag & os.ST_RDONLY)
    except OSError:
        return False
