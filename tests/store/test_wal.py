"""The log beside the database after a crash: damaged at its end, or without its index."""

import shutil
from contextlib import closing

import pytest

from bridge.store.database import check_whole, open_reader, open_writer

COMMITS = 30


def crashed(tmp_path):
    """What a power cut leaves behind: the file, and a log that was never merged. Returns the copy."""
    live, copy = tmp_path / "live", tmp_path / "copy"
    with closing(open_writer(live / "bridge.db")) as connection:
        for number in range(COMMITS):
            connection.execute(
                "INSERT INTO lanes VALUES ('leads', ?, ?, '', 0, 0)", (f"{number:03}", "x" * 9000)
            )
        shutil.copytree(live, copy)
    return copy / "bridge.db"


def flip(content, at):
    return content[:at] + bytes(byte ^ 0xFF for byte in content[at : at + 8]) + content[at + 8 :]


LAST = 24 + 4096  # a frame: its head and a page
DAMAGE = {
    "truncated in the middle of the last frame": lambda log: log[: -LAST // 2],
    "truncated by a byte": lambda log: log[:-1],
    "bytes of the last frame flipped": lambda log: flip(log, len(log) - 2000),
    "head of the last frame flipped": lambda log: flip(log, len(log) - LAST),
    "garbage appended": lambda log: log + b"\xa5" * 10_000,
    "half a frame of zeros appended": lambda log: log + bytes(2000),
    "the last frame twice": lambda log: log + log[-LAST:],
}


def stored(path):
    with closing(open_writer(path)) as connection:
        check_whole(path, connection)
        return [row[0] for row in connection.execute("SELECT account FROM lanes ORDER BY account")]


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_log_damaged_at_its_end_loses_the_last_commit_at_most(tmp_path, damage):
    path = crashed(tmp_path)
    log = path.with_name("bridge.db-wal")
    content = log.read_bytes()
    log.write_bytes(damage(content))
    kept = COMMITS if len(damage(content)) > len(content) else COMMITS - 1
    assert stored(path) == [f"{number:03}" for number in range(kept)]


@pytest.mark.parametrize("content", [None, b"", b"\xa5" * 32_768, bytes(32_768)])
def test_the_index_of_the_log_is_made_anew(tmp_path, content):
    path = crashed(tmp_path)
    index = path.with_name("bridge.db-shm")
    index.unlink() if content is None else index.write_bytes(content)
    assert len(stored(path)) == COMMITS


def test_who_reads_while_the_bridge_is_down_sees_what_the_log_holds(tmp_path):
    path = crashed(tmp_path)
    path.with_name("bridge.db-shm").unlink()
    with closing(open_reader(path)) as reader:
        assert reader.execute("SELECT COUNT(*) FROM lanes").fetchone()[0] == COMMITS
