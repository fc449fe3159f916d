"""The key of the do-not-call marks: a file beside the database, in no copy of it.

Whoever steals a copy could try every phone number against a plain hash; without the key they can't. The file
holds a key a line, the first for new marks; all are known, so that one can be changed without losing marks.
Rule for editors: a key gets into no log, error or repr; errors name the file and the line, and the fix.
"""

import base64
import binascii
import contextlib
import errno
import hashlib
import hmac
import os
import re
import secrets
from dataclasses import dataclass, field
from pathlib import Path

from bridge.errors import StoreError
from bridge.store.database import give_to_owner, sync_folder

KEY_BYTES = 32
ID_BYTES = 8

_LINE = re.compile(r"[A-Za-z0-9_-]{43}=?")
_MOST_BYTES = 65_536  # a thousand keys; whatever is longer is none of ours


class KeyTrouble(StoreError):
    """The key file can't be used, or a mark was made by a key that isn't in it."""


@dataclass(frozen=True, slots=True)
class Key:
    """One secret; its id stands beside the marks that it made, and tells nothing of it."""

    secret: bytes = field(repr=False)

    @property
    def id(self) -> bytes:
        return self.hash(b"key id")[:ID_BYTES]

    def hash(self, message: bytes) -> bytes:
        return hmac.digest(self.secret, message, hashlib.sha256)


@dataclass(frozen=True, slots=True)
class Keys:
    """What is in the file, the key for new marks first; none when there is no file."""

    path: Path
    keys: tuple[Key, ...] = ()
    open_to_others: bool = False

    @property
    def ids(self) -> frozenset[bytes]:
        return frozenset(key.id for key in self.keys)


def key_file(database: Path) -> Path:
    """data/bridge.key for data/bridge.db."""
    return database.with_suffix(".key")


def read_keys(database: Path) -> Keys:
    """The keys of this database.

    Raises:
        KeyTrouble: the file can't be read, or isn't what it should be.
    """
    path = key_file(database)
    try:
        with path.open("rb") as file:
            content, mode = file.read(_MOST_BYTES), os.fstat(file.fileno()).st_mode
    except FileNotFoundError:
        return Keys(path)
    except OSError as error:
        fix = "give it to the bridge's user (the one the database belongs to), mode 0600"
        raise KeyTrouble(f"can't read {path}: {(error.strerror or 'unusable').lower()}", fix=fix) from error
    keys = tuple(_key(path, number, line) for number, line in _lines(content))
    if not keys:
        fix = "put your own copy of it back; if there never was one, delete it: `bridge forget` makes another"
        raise KeyTrouble(f"{path} holds no key", fix=fix)
    return Keys(path, keys, open_to_others=bool(mode & 0o077))


def _lines(content: bytes) -> list[tuple[int, str]]:
    lines = content.decode("ascii", "replace").splitlines()
    return [(number, line.strip()) for number, line in enumerate(lines, 1) if line.strip()]


def _key(path: Path, number: int, line: str) -> Key:
    with contextlib.suppress(binascii.Error):
        if _LINE.fullmatch(line):
            return Key(base64.urlsafe_b64decode(line.rstrip("=") + "="))
    fix = "put your own copy of it back; a key is 43 letters, digits, - and _, one a line"
    raise KeyTrouble(f"{path}, line {number}: this is no key", fix=fix)


def make_key(database: Path) -> Keys:
    """A new key in a new file, whole and on the disk before it has its name; or what somebody made meanwhile.

    Raises:
        KeyTrouble: it can't be written.
    """
    path = key_file(database)
    part = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        try:
            _write(part, base64.urlsafe_b64encode(secrets.token_bytes(KEY_BYTES)) + b"\n", database)
            with contextlib.suppress(FileExistsError):  # another process was first: its key counts
                path.hardlink_to(part)
        finally:
            part.unlink(missing_ok=True)
        sync_folder(path.parent)
    except OSError as error:
        full = error.errno in {errno.ENOSPC, errno.EDQUOT}
        fix = f"make room on the disk of {path.parent}" if full else f"let this user write into {path.parent}"
        raise KeyTrouble(f"can't make {path}: {(error.strerror or 'unusable').lower()}", fix=fix) from error
    return read_keys(database)


def _write(path: Path, content: bytes, database: Path) -> None:
    path.unlink(missing_ok=True)  # of a process with our number that was killed
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        os.write(handle, content)
        os.fsync(handle)
        give_to_owner(handle, database)  # or the service could read no mark
    finally:
        os.close(handle)
