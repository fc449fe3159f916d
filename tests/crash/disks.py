"""Disks to break: small ones that fill up or turn read-only, and one whose fsync is slow.

Whoever may not mount, or has no compiler, skips. Rule for editors: what is mounted here is unmounted here,
whatever happens in between, and nothing outside the test's folder is ever touched.
"""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

_SHIM = Path(__file__).with_name("slow_fsync.c")


def run(*command: object, check: bool = True) -> subprocess.CompletedProcess[str]:
    """A command of the system; its output is in the error when it fails."""
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
    if check and done.returncode:
        raise RuntimeError(f"{command}: {done.stderr}")
    return done


class Disk:
    """A small filesystem, mounted at `at`."""

    def __init__(self, at: Path, image: Path | None) -> None:
        self.at = at
        self._image = image
        self._filler = at / "filler"

    def mount(self) -> None:
        """Make it reachable. Skips the test where that isn't allowed."""
        options = ("-o", "loop", self._image) if self._image else ("-t", "tmpfs", "-o", "size=4m", "tmpfs")
        done = run("mount", *options, self.at, check=False)
        if done.returncode:
            pytest.skip(f"may not mount: {done.stderr.strip()}")

    def unmount(self) -> bool:
        """Take it away; False while somebody has a file open on it."""
        return run("umount", self.at, check=False).returncode == 0

    def fill(self) -> None:
        """Not a byte is left, nor what the filesystem gives back a moment later for files that went."""
        with self._filler.open("ab", buffering=0) as file:
            for size in (65_536, 4096, 1) * 2:
                with contextlib.suppress(OSError):
                    while True:
                        file.write(b"x" * size)
                os.sync()

    def empty(self) -> None:
        """Room again."""
        self._filler.unlink()

    def read_only(self) -> None:
        """As an administrator does it, while nobody writes."""
        run("mount", "-o", "remount,ro", self.at)

    def writable(self) -> None:
        """The way back."""
        run("mount", "-o", "remount,rw", self.at)

    def abort(self) -> None:
        """As the kernel does it after an error of the disk, with files open. Only ext4 can."""
        run("mount", "-o", "remount,abort", self.at)

    def mend(self) -> None:
        """What an administrator does then, once it is unmounted."""
        run("e2fsck", "-fy", self._image, check=False)  # 1: mended


@contextlib.contextmanager
def tmpfs(folder: Path) -> Iterator[Disk]:
    """4 MiB of memory."""
    yield from _mounted(folder, None)


@contextlib.contextmanager
def ext4(folder: Path) -> Iterator[Disk]:
    """8 MiB in a file."""
    if not shutil.which("mkfs.ext4"):
        pytest.skip("there is no mkfs.ext4")
    image = folder / "disk.img"
    with image.open("wb") as file:
        file.truncate(8 << 20)
    run("mkfs.ext4", "-q", image)
    yield from _mounted(folder, image)


def _mounted(folder: Path, image: Path | None) -> Iterator[Disk]:
    disk = Disk(folder / "disk", image)
    disk.at.mkdir()
    disk.mount()
    try:
        yield disk
    finally:
        run("umount", "-l", disk.at, check=False)


def slow_fsync(folder: Path) -> tuple[list[str], Path]:
    """What to put before a command, and the file that says how many milliseconds each fsync takes."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("there is no C compiler")
    library, ms = folder / "slow_fsync.so", folder / "fsync_ms"
    run(compiler, "-shared", "-fPIC", "-O1", "-o", library, _SHIM, "-ldl")
    ms.write_text("0")
    return ["env", f"LD_PRELOAD={library}", f"FSYNC_MS={ms}"], ms
