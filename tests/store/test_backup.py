"""The copy is one whole moment, whoever writes meanwhile; and what goes wrong leaves nothing behind."""

import ctypes
import errno
import os
import sqlite3
import stat
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest

from bridge.errors import StoreError
from bridge.outbox.budget import Budget
from bridge.store import backup, events
from bridge.store.backup import back_up
from bridge.store.database import open_reader, open_writer
from bridge.store.spending import spent

ANN, BEN = "+12025550101", "+12025550102"
LIBC = ctypes.CDLL(None, use_errno=True)


@pytest.fixture
def file(tmp_path):
    (tmp_path / "copies").mkdir()
    return tmp_path / "copies" / "copy.db"


def make(stock, file, *, force=False, tell=lambda _part: None):
    return back_up(stock.database, file, force=force, tell=tell)


def left_in(folder):
    return sorted(each.name for each in folder.iterdir())


def fill(stock, events_of=400, size=4000):
    stock.connection.execute("BEGIN")
    for number in range(events_of):
        body = b'{"contact_id": "c-%d", "padding": "%s"}' % (number, b"x" * size)
        stock.accept(f"c-{number}", external_id=f"e-{number}", body=body)
    stock.connection.execute("COMMIT")


def test_what_is_in_it(stock, file):
    stock.deliver("ann", ANN)
    stock.queue("ben", BEN)
    stock.skip()

    copy = make(stock, file)

    assert (copy.leads, copy.contacts, copy.outbox) == (1, 2, 1)
    assert {state: count for state, count in copy.events.items() if count} == {
        "delivered": 1,
        "queued": 1,
        "skipped": 1,
    }
    assert copy.bytes == file.stat().st_size
    assert copy.migrations[:2] == ("first", "second")
    assert copy.newest_at == pytest.approx(time.time() - 60, abs=5)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert left_in(file.parent) == ["copy.db"]


def test_it_is_one_file_that_opens_anywhere(stock, file):
    """Not in WAL mode: read from a folder where nobody may write, it needs nothing beside it."""
    stock.deliver("ann", ANN)
    make(stock, file)

    with closing(open_reader(file)) as reader:
        assert reader.execute("PRAGMA journal_mode").fetchone()[0] == "delete"
        assert left_in(file.parent) == ["copy.db"]
    with closing(open_writer(file)) as writer:
        assert writer.execute("PRAGMA journal_mode").fetchone()[0] == "wal"


def test_the_budget_that_was_spent_is_in_it(stock, file):
    stock.deliver("ann", ANN, ago=5)
    stock.deliver("ben", BEN, ago=3)
    now, before = time.time(), Budget(100, 60)

    make(stock, file)

    with closing(open_reader(file)) as reader:
        restored = spent(reader, "main", now=now, per_s=before.per_s)
    assert restored == spent(stock.connection, "main", now=now, per_s=before.per_s)
    assert before.allow(restored, now).places < before.allow(spent_nothing(stock, now), now).places


def spent_nothing(stock, now):
    return spent(stock.connection, "nobody", now=now, per_s=60)


def test_it_is_the_moment_at_which_it_began_and_it_never_begins_anew(stock, file, monkeypatch):
    """Another connection writes between all of its steps."""
    monkeypatch.setattr(backup, "PAGES", 16)
    fill(stock)
    parts = []

    def write_meanwhile(part):
        parts.append(part)
        with closing(sqlite3.connect(stock.database, isolation_level=None)) as other:
            other.execute("UPDATE events SET warnings = ?", (f'["{len(parts)}"]',))

    copy = make(stock, file, tell=write_meanwhile)

    assert parts == sorted(parts)
    assert parts[-1] == 1
    assert len(parts) > 20
    assert copy.events["received"] == 400
    with closing(open_reader(file)) as reader:
        assert reader.execute("SELECT DISTINCT warnings FROM events").fetchall()[0][0] == "[]"
    assert stock.rows("SELECT DISTINCT warnings FROM events") == [{"warnings": f'["{len(parts)}"]'}]


def test_a_busy_writer_is_not_held_up(stock, file, monkeypatch):
    monkeypatch.setattr(backup, "PAGES", 16)
    fill(stock, 1500)
    done, slowest, written = threading.Event(), 0.0, 0

    def write_on():
        nonlocal slowest, written
        with closing(open_writer(stock.database)) as other:
            while not done.is_set():
                began = time.perf_counter()
                other.execute("BEGIN IMMEDIATE")
                other.execute("UPDATE events SET warnings = '[]' WHERE id = ?", (written % 1500 + 1,))
                other.execute("COMMIT")
                slowest, written = max(slowest, time.perf_counter() - began), written + 1

    writer = threading.Thread(target=write_on)
    writer.start()
    try:
        copy = make(stock, file, tell=lambda _part: time.sleep(0.002))
    finally:
        done.set()
        writer.join()

    assert copy.events["received"] == 1500
    assert written > 20
    assert slowest < 1  # it would wait for two seconds, and fail


def test_what_is_there_is_kept_unless_forced(stock, file):
    file.write_text("older")
    with pytest.raises(StoreError, match="is there already"):
        make(stock, file)
    assert file.read_text() == "older"

    assert make(stock, file, force=True).bytes == file.stat().st_size


BESIDE = ["bridge.db", "bridge.db-wal", "bridge.db-shm", "bridge.db.lock", "bridge.key", "link"]


@pytest.mark.parametrize("name", BESIDE)
def test_the_database_itself_is_refused(stock, name):
    folder = stock.database.parent
    (folder / "link").symlink_to(stock.database)
    with pytest.raises(StoreError, match="the database itself"):
        make(stock, folder / ".." / folder.name / name, force=True)


def test_what_is_in_the_way_is_named(stock, file, tmp_path):
    with pytest.raises(StoreError, match="there is no folder"):
        make(stock, tmp_path / "nowhere" / "copy.db")
    with pytest.raises(StoreError, match="is a folder"):
        make(stock, tmp_path, force=True)
    file.with_name("copy.db-wal").write_text("of somebody")
    with pytest.raises(StoreError, match="is in the way"):
        make(stock, file)


def test_no_database(tmp_path):
    with pytest.raises(StoreError, match="there is no database"):
        back_up(tmp_path / "none.db", tmp_path / "copy.db", force=False, tell=lambda _: None)


def test_another_database(tmp_path):
    with closing(sqlite3.connect(tmp_path / "other.db")) as other:
        other.execute("CREATE TABLE a (b)")
    with pytest.raises(StoreError, match="isn't a database of the bridge"):
        back_up(tmp_path / "other.db", tmp_path / "copy.db", force=False, tell=lambda _: None)
    assert left_in(tmp_path) == ["other.db"]


def test_a_damaged_database_makes_no_copy(stock, file):
    fill(stock, 200)
    stock.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with stock.database.open("r+b") as damage:
        damage.seek(40 * 4096)
        damage.write(b"\xff" * 8192)
    file.write_text("older")

    with pytest.raises(StoreError, match="the copy isn't sound"):
        make(stock, file, force=True)

    assert (left_in(file.parent), file.read_text()) == (["copy.db"], "older")


def test_an_interrupted_one_leaves_nothing(stock, file):
    def interrupt(_part):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make(stock, file, tell=interrupt)
    assert left_in(file.parent) == []


def test_what_a_killed_one_left_is_used_up(stock, file):
    part = file.with_name("copy.db.part")
    part.write_bytes(b"half of an older copy" * 1000)
    part.chmod(0o644)

    make(stock, file)

    assert left_in(file.parent) == ["copy.db"]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_two_at_once_to_the_same_file(stock, file):
    def second(_part):
        with pytest.raises(StoreError, match="is under way"):
            make(stock, file)

    make(stock, file, tell=second)
    assert left_in(file.parent) == ["copy.db"]


def test_one_that_was_finished_meanwhile_is_not_taken_for_a_part(file):
    """Opened as .part, locked when it has its final name already: it must not be emptied."""
    part = file.with_name("copy.db.part")
    part.write_bytes(b"x")
    handle = os.open(part, os.O_RDWR)
    part.rename(file)
    assert not backup._claimed(handle, part)
    os.close(handle)


def test_a_part_that_is_a_link_is_not_followed(stock, file, tmp_path):
    (tmp_path / "precious").write_text("precious")
    file.with_name("copy.db.part").symlink_to(tmp_path / "precious")

    with pytest.raises(StoreError, match="can't write"):
        make(stock, file)
    assert (tmp_path / "precious").read_text() == "precious"


def test_a_disk_without_room_is_refused_before_it_is_full(stock, file, monkeypatch):
    monkeypatch.setattr(backup.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 4096}))
    with pytest.raises(StoreError, match=r"the copy takes 0\.\d MB, and .* has 0\.0 MB left"):
        make(stock, file)
    assert left_in(file.parent) == []


LIMITED = """
import resource, sys
from pathlib import Path
from bridge.errors import StoreError
from bridge.store.backup import back_up
resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, 500_000))
try:
    back_up(Path(sys.argv[1]), Path(sys.argv[2]), force=False, tell=lambda part: None)
except StoreError as error:
    print(error.message)
    sys.exit(7)
"""


def test_a_disk_that_gets_full_on_the_way(stock, file):
    fill(stock)
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(stock.database), str(file)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 7, done.stderr
    assert done.stdout.startswith(f"can't write {file}: ")
    assert left_in(file.parent) == []


def test_a_small_disk(stock, tmp_path, monkeypatch):
    """A real one, where somebody else takes the room while the copy is written."""
    folder = tmp_path / "small"
    folder.mkdir()
    if LIBC.mount(b"tmpfs", bytes(folder), b"tmpfs", 0, b"size=1m") != 0:
        pytest.skip("only root may mount a disk")
    try:
        monkeypatch.setattr(backup.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 1 << 40}))
        fill(stock)
        with pytest.raises(StoreError, match=r"can't write .*full"):
            make(stock, folder / "copy.db")
        assert left_in(folder) == []
    finally:
        LIBC.umount(bytes(folder))


def test_events_that_came_after_it_are_not_in_it(stock, file):
    stock.skip()
    make(stock, file)
    stock.skip()

    with closing(open_writer(file)) as restored:
        assert restored.execute("SELECT COUNT(*) FROM events").fetchone()[0] == 1
        assert events.replay(restored, [1], force=False) == 1


def test_a_folder_that_may_not_be_looked_into(stock, monkeypatch):
    def denied(_path):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "is_dir", denied)
    with pytest.raises(StoreError, match=r"can't write /far/away: .*denied") as refused:
        make(stock, Path("/far/away"))
    assert refused.value.fix
