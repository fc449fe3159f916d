"""The one writer: group commit, each write its own fate, and what a refusing database does."""

import asyncio
import sqlite3

import pytest

from bridge.errors import StoreError
from bridge.store import database
from bridge.store.database import open_reader, open_writer, owned
from bridge.store.writer import Writer

NO_DATABASE = "this is no database, and longer than a header of one hundred bytes" * 3


@pytest.fixture
async def writer(tmp_path):
    writer = Writer(tmp_path / "deep" / "bridge.db")
    yield writer
    await writer.stop()


def insert(number):
    def write(connection):
        connection.execute("INSERT INTO lanes VALUES ('leads', ?, 'r', '', 0, 0)", (str(number),))
        return number

    return write


def lanes(path):
    return {int(row["account"]) for row in open_reader(path).execute("SELECT account FROM lanes")}


async def test_writes_are_on_the_disk_when_they_are_done(writer, tmp_path):
    assert await asyncio.gather(*(writer.submit(insert(n)) for n in range(300))) == list(range(300))
    assert lanes(tmp_path / "deep" / "bridge.db") == set(range(300))


async def test_writes_that_arrive_together_share_commits(writer):
    commits = []
    writer._connection.set_trace_callback(lambda sql: commits.append(sql) if sql == "COMMIT" else None)
    await asyncio.gather(*(writer.submit(insert(n)) for n in range(200)))
    assert len(commits) < 50


async def test_a_failing_write_fails_alone(writer, tmp_path):
    def fail(connection):
        insert(1)(connection)
        raise ValueError("mine")

    def wrong(connection):
        connection.execute("SELECT * FROM nowhere")

    first, second, third, last = await asyncio.gather(
        *(writer.submit(write) for write in (insert(2), fail, wrong, insert(3))), return_exceptions=True
    )
    assert (first, last) == (2, 3)
    assert isinstance(second, ValueError)
    assert isinstance(third, sqlite3.OperationalError)
    assert lanes(tmp_path / "deep" / "bridge.db") == {2, 3}


async def test_a_locked_database_refuses_and_recovers_by_itself(writer, tmp_path):
    writer._connection.execute("PRAGMA busy_timeout = 50")
    other = sqlite3.connect(tmp_path / "deep" / "bridge.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="locked"):
        await writer.run(insert(1))
    other.execute("ROLLBACK")
    assert await writer.run(insert(1)) == 1
    other.close()


async def test_a_full_disk_refuses_and_recovers_by_itself(writer):
    pages = writer._connection.execute("PRAGMA page_count").fetchone()[0]
    writer._connection.execute(f"PRAGMA max_page_count = {pages}")
    big = "x" * 100_000
    with pytest.raises(StoreError, match="full"):
        await writer.run(
            lambda connection: connection.execute("INSERT INTO lanes VALUES ('l', 'a', ?, '', 0, 0)", (big,))
        )
    writer._connection.execute("PRAGMA max_page_count = 1000000")
    assert await writer.run(insert(1)) == 1


async def test_after_stopping_writes_are_refused(tmp_path):
    writer = Writer(tmp_path / "bridge.db")
    waiting = writer.submit(insert(1))
    await writer.stop()
    await writer.stop()
    assert await waiting == 1  # what was handed over is finished
    with pytest.raises(StoreError, match="shutting down"):
        await writer.run(insert(2))


def test_an_unusable_place_says_so(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(StoreError, match="can't open"):
        open_writer(tmp_path / "file" / "bridge.db")
    (tmp_path / "other.db").write_text(NO_DATABASE)
    with pytest.raises(StoreError, match="damaged"):
        open_writer(tmp_path / "other.db")


def test_a_reader_neither_creates_nor_writes(tmp_path):
    with pytest.raises(StoreError, match="no database"):
        open_reader(tmp_path / "bridge.db")
    open_writer(tmp_path / "bridge.db").close()
    reader = open_reader(tmp_path / "bridge.db")
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        reader.execute("DELETE FROM events")
    reader.close()


def test_a_reader_of_something_else_says_so(tmp_path):
    (tmp_path / "bridge.db").write_text(NO_DATABASE)
    with pytest.raises(StoreError, match="can't read"):
        open_reader(tmp_path / "bridge.db")


def test_one_process_owns_a_database(tmp_path):
    path = tmp_path / "bridge.db"
    with (
        owned(path),
        pytest.raises(StoreError, match=r"in use by another bridge \(process \d+\)"),
        owned(path),
    ):
        pass
    with owned(path):  # a lock file that was left behind is no obstacle
        assert database.BUSY_MS > 0


def test_an_unwritable_lock_says_so(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="can't write"), owned(tmp_path / "file" / "bridge.db"):
        pass
