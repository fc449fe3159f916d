"""The log gets into the file beside the commits, and only into its own file."""

import shutil
import sqlite3
from contextlib import closing

import pytest

from bridge.store.checkpoint import EVERY_COMMITS, Checkpoints
from bridge.store.database import open_writer


@pytest.fixture
def database(tmp_path):
    path = tmp_path / "bridge.db"
    with closing(open_writer(path)) as connection:
        checkpoints = Checkpoints(path)
        yield path, connection, checkpoints
        checkpoints.stop(within_s=10)


def commit(connection, checkpoints, numbers):
    for number in numbers:
        connection.execute("INSERT INTO lanes VALUES ('leads', ?, 'r', '', 0, 0)", (f"{number:05}",))
        checkpoints.committed()


def in_the_file(path, folder):
    """What is there without the log."""
    copy = folder / "alone.db"
    shutil.copy(path, copy)
    with closing(sqlite3.connect(f"{copy.as_uri()}?immutable=1", uri=True)) as connection:
        try:
            return connection.execute("SELECT COUNT(*) FROM lanes").fetchone()[0]
        except sqlite3.DatabaseError:  # not even its tables
            return 0


def test_now_and_then(database, tmp_path):
    path, connection, checkpoints = database
    commit(connection, checkpoints, range(EVERY_COMMITS - 1))
    checkpoints.stop(within_s=10)
    assert in_the_file(path, tmp_path) == 0
    commit(connection, checkpoints, [EVERY_COMMITS])
    checkpoints.stop(within_s=10)
    assert in_the_file(path, tmp_path) == EVERY_COMMITS


def test_somebody_who_reads_keeps_it_from_nothing_else(database):
    path, connection, checkpoints = database
    with closing(sqlite3.connect(path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT COUNT(*) FROM lanes").fetchone()
        commit(connection, checkpoints, range(2 * EVERY_COMMITS))
        checkpoints.stop(within_s=10)
        assert connection.execute("SELECT COUNT(*) FROM lanes").fetchone()[0] == 2 * EVERY_COMMITS


def test_not_into_a_file_that_took_its_place(database, tmp_path):
    path, connection, checkpoints = database
    commit(connection, checkpoints, range(EVERY_COMMITS - 1))
    path.rename(tmp_path / "away.db")
    path.write_bytes(b"somebody else's")
    commit(connection, checkpoints, [EVERY_COMMITS])
    checkpoints.stop(within_s=10)
    assert path.read_bytes() == b"somebody else's"
