"""Power cuts: a journal of what a process wrote and synced, and what a disk may hold when the power goes.

What was synced is there. Of what was written after that the disk may have any part, in any order, down to
single sectors. Whoever has no compiler skips. Rule for editors: nothing that wasn't synced may be counted on.
"""

import random
import shutil
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import pytest

from tests.crash.disks import run

_SHIM = Path(__file__).with_name("journal.c")
_ENTRY = struct.Struct("=c7xqqqq")
_SECTOR = 512


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that was done to a file."""

    kind: str  # (w)rite, (t)runcate, (s)ync, (u)nlink
    place: int  # in the journal
    at: float  # seconds of the monotonic clock
    offset: int  # where it is written; the new length; of a sync: what was entered before this is on the disk
    path: Path
    data: bytes


class Journal:
    """What the processes that were started with `prefix` did to the database and the files beside it."""

    def __init__(self, folder: Path, database: Path) -> None:
        compiler = shutil.which("cc")
        if compiler is None:
            pytest.skip("there is no C compiler")
        library = folder / "journal.so"
        run(compiler, "-shared", "-fPIC", "-O1", "-o", library, _SHIM, "-ldl", "-lpthread")
        self.path = folder / "journal"
        self.prefix = ["env", f"LD_PRELOAD={library}", f"WATCHED={database}", f"JOURNAL={self.path}"]

    def entries(self) -> list[Entry]:
        """In the order in which they were made."""
        return list(self._read(memoryview(self.path.read_bytes())))

    def power_cut(self, database: Path, before: dict[Path, bytes], dice: random.Random) -> dict[Path, bytes]:
        """Leave on the disk what may be left of what was written since it held `before`. Returns what."""
        after = after_power_cut(self.entries(), dice, before)
        put_back(after, database)
        self.path.unlink()
        return after

    def _read(self, raw: memoryview) -> Iterator[Entry]:
        place = 0
        while place < len(raw):
            kind, at, offset, path_length, data_length = _ENTRY.unpack_from(raw, place)
            path_at = place + _ENTRY.size
            data_at = path_at + path_length
            path = Path(bytes(raw[path_at:data_at]).decode())
            data = bytes(raw[data_at : data_at + data_length])
            yield Entry(kind.decode(), place, at / 1e9, offset, path, data)
            place = data_at + data_length


def after_power_cut(
    entries: list[Entry], dice: random.Random, before: Mapping[Path, bytes] = MappingProxyType({})
) -> dict[Path, bytes]:
    """The files as the disk may hold them when the power goes right after the last of these."""
    synced: dict[Path, int] = {}
    for entry in entries:
        if entry.kind == "s":
            synced[entry.path] = max(synced.get(entry.path, 0), entry.offset)
    lucky = dice.choice((0.0, 0.5, 1.0))
    files = {path: bytearray(data) for path, data in before.items()}
    for entry in entries:
        safe = entry.place < synced.get(entry.path, 0)
        if entry.kind == "u":
            files.pop(entry.path, None)
        elif entry.kind == "t" and (safe or dice.random() < lucky):
            _resize(files.setdefault(entry.path, bytearray()), entry.offset)
        elif entry.kind == "w":
            file = files.setdefault(entry.path, bytearray())
            for start in range(0, len(entry.data), len(entry.data) if safe else _SECTOR):
                if safe or dice.random() < lucky:
                    _put(
                        file,
                        entry.offset + start,
                        entry.data[start:] if safe else entry.data[start : start + _SECTOR],
                    )
    return {path: bytes(file) for path, file in files.items()}


def _resize(file: bytearray, length: int) -> None:
    del file[length:]
    file.extend(bytes(length - len(file)))


def _put(file: bytearray, at: int, data: bytes) -> None:
    if len(file) < at:
        _resize(file, at)
    file[at : at + len(data)] = data


def put_back(files: dict[Path, bytes], database: Path) -> None:
    """These files and no others are beside the database now."""
    for path in database.parent.glob(f"{database.name}*"):
        path.unlink()
    for path, data in files.items():
        path.write_bytes(data)
