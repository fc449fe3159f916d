"""A disk that is full, read-only, slow or hangs, a database that is locked, damaged, newer or gone: for real.

Each test breaks it, sees webhooks refused in the right way, mends it, and sees everything go on by itself:
what was answered 200 before is delivered once. Whatever needs more rights than there are is skipped.
"""

import itertools
import os
import shutil
import sqlite3
import time
from contextlib import closing

import pytest

from bridge.store.trouble import no_room
from tests.crash.disks import ext4, run, slow_fsync, tmpfs
from tests.crash.stage import stage, until

DISKS = {"tmpfs": tmpfs, "ext4": ext4}


def held(path):
    """Somebody else, who has the database for himself."""
    return sqlite3.connect(path, isolation_level=None, timeout=5)


def fill(disk, it):
    """Until not even one webhook finds a gap: what didn't fit a moment ago left its room in the log."""
    newcomers = itertools.count(200 + len(it.accepted))  # a repetition needs no room

    def full():
        disk.fill()
        return {it.post(next(newcomers))[0] for _ in range(5)} == {429}

    until(full, 10)


@pytest.mark.parametrize("kind", DISKS)
def test_a_full_disk(tmp_path, kind):
    with DISKS[kind](tmp_path) as disk, stage(tmp_path, database=disk.at / "bridge.db") as it:
        it.service.start()
        it.fault(kind="delay", delay_s=1)
        it.accept(*range(10))
        fill(disk, it)  # while requests are under way
        it.refuses("the disk is full")
        time.sleep(1.5)  # they come back, and can't be written down
        fill(disk, it)
        it.refuses("the disk is full")
        disk.empty()
        it.recovers()
        it.accept(*range(10, 20))
        it.ends_well()


@pytest.mark.parametrize("kind", DISKS)
def test_what_a_disk_keeps_for_itself_is_no_room(tmp_path, kind):
    """ext4 calls up to 16 MiB free, to root, that nobody gets."""
    with DISKS[kind](tmp_path) as disk:
        assert no_room(disk.at / "bridge.db") is None
        disk.fill()
        assert "is full" in no_room(disk.at / "bridge.db").message
        disk.empty()
        assert no_room(disk.at / "bridge.db") is None
        assert {path.name for path in disk.at.iterdir()} <= {"lost+found"}


@pytest.mark.parametrize("kind", DISKS)
def test_a_full_disk_at_the_start(tmp_path, kind):
    with DISKS[kind](tmp_path) as disk, stage(tmp_path, database=disk.at / "bridge.db") as it:
        disk.fill()
        it.listening()
        fill(disk, it)
        it.refuses("the disk is full")
        disk.empty()
        it.recovers()
        it.accept(1, 2)
        it.ends_well()


def test_a_limit_on_the_size_of_files(tmp_path):
    """What a quota does: not the error of a full disk, but as good as one. Needs no rights."""
    prlimit = shutil.which("prlimit")
    if prlimit is None:
        pytest.skip("there is no prlimit")
    with stage(tmp_path) as it:
        it.service.start()
        it.fault(kind="delay", delay_s=1)
        it.accept(*range(10))
        run(prlimit, "--pid", it.service.pid, "--fsize=1:")  # the log can't grow either
        it.refuses("disk I/O|can't (open|write)")
        time.sleep(1.5)
        it.refuses("disk I/O|can't (open|write)")
        run(prlimit, "--pid", it.service.pid, "--fsize=unlimited:")
        it.recovers()
        it.accept(*range(10, 20))
        it.ends_well()


def test_a_disk_that_turns_read_only_is_let_go_so_that_it_can_be_mended(tmp_path):
    with ext4(tmp_path) as disk, stage(tmp_path, database=disk.at / "bridge.db") as it:
        it.service.start()
        it.fault(kind="delay", delay_s=1)
        it.accept(*range(10))
        disk.abort()
        it.refuses("read-only|disk I/O")
        until(disk.unmount, 10)
        until(lambda: "is gone" in it.get("/readyz")[1]["reason"], 5)
        disk.mend()
        disk.mount()
        it.recovers()
        it.accept(*range(10, 20))
        it.ends_well()


def test_a_read_only_disk_at_the_start(tmp_path):
    with ext4(tmp_path) as disk, stage(tmp_path, database=disk.at / "bridge.db") as it:
        it.service.start()
        it.accept(1)
        it.service.kill()
        disk.read_only()
        it.listening()
        it.refuses("read-only")
        disk.writable()
        it.recovers()
        it.accept(2)
        it.ends_well()


def test_a_database_that_somebody_locks(tmp_path):
    with stage(tmp_path) as it:
        it.service.start()
        it.fault(kind="delay", delay_s=1)
        it.accept(*range(10))
        with closing(held(it.database)) as other:
            other.execute("BEGIN EXCLUSIVE")
            time.sleep(float(os.environ.get("LOCKED_S", "0")))
            it.refuses("locked")
            other.execute("ROLLBACK")
        it.recovers()
        it.accept(*range(10, 20))
        it.ends_well()


def test_a_database_that_is_locked_at_the_start(tmp_path):
    with stage(tmp_path) as it:
        it.service.start()
        it.accept(1)
        it.service.kill()
        with closing(held(it.database)) as other:
            other.execute("PRAGMA locking_mode = EXCLUSIVE")
            other.execute("BEGIN EXCLUSIVE")
            it.listening()
            it.refuses("locked")
        it.recovers()
        it.accept(2)
        it.ends_well()


def test_a_folder_without_the_right_to_write(tmp_path):
    """The bridge is root, perhaps, but without root's right to pass over rights."""
    prefix = [] if os.geteuid() else ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]
    if prefix and not shutil.which("setpriv"):
        pytest.skip("root may write anywhere, and there is no setpriv")
    folder = tmp_path / "data"
    folder.mkdir()
    if prefix:
        os.chown(folder, 65534, 65534)
    else:
        folder.chmod(0o500)
    with stage(tmp_path, database=folder / "bridge.db", before=prefix) as it:
        it.listening()
        it.refuses(r"can't write .*bridge\.db\.lock: .*denied")
        if prefix:
            os.chown(folder, 0, 0)
        folder.chmod(0o700)
        it.recovers()
        it.accept(1)
        it.ends_well()


def test_a_database_of_a_newer_version(tmp_path):
    with stage(tmp_path) as it:
        it.service.start()
        it.accept(1)
        assert it.service.terminate() == 0
        with closing(held(it.database)) as other:
            other.execute(
                "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('bridge', 'x', '')"
            )
            it.listening()
            it.refuses("newer version")
            time.sleep(2.2)  # it has tried again meanwhile
            assert len(it.logged("store.unavailable")) == 1
            other.execute("DELETE FROM _sqlite_migrations WHERE name = 'x'")
        it.recovers()
        it.ends_well()


def test_a_damaged_file_is_neither_used_nor_touched(tmp_path):
    with stage(tmp_path) as it:
        it.service.start()
        it.accept(1)
        assert it.service.terminate() == 0
        backup = it.database.read_bytes()
        broken = b"\xa5" * 4096 + backup[4096:]
        it.database.write_bytes(broken)
        it.listening()
        it.refuses("is damaged")
        time.sleep(2.2)  # it has tried again meanwhile
        assert len(it.logged("store.unavailable")) == 1
        assert it.database.read_bytes() == broken
        it.database.write_bytes(backup)
        it.recovers()
        it.accept(2)
        it.ends_well()


def test_a_file_damaged_in_the_middle_is_let_go_until_it_was_replaced(tmp_path):
    with stage(tmp_path) as it:
        it.service.start()
        it.accept(1)
        it.service.kill()
        with closing(held(it.database)) as other:
            other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            page = other.execute("SELECT rootpage FROM sqlite_master WHERE name = 'events'").fetchone()[0]
        backup = it.database.read_bytes()
        at = (page - 1) * 4096
        it.database.write_bytes(backup[:at] + b"\xa5" * 4096 + backup[at + 4096 :])
        it.listening()
        until(lambda: it.post(150)[0] == 429, 5)  # the start may not need that page
        until(lambda: it.get("/readyz")[0] == 503, 5)
        it.refuses("is damaged")
        it.database.with_name("bridge.db-new").write_bytes(backup)
        until(lambda: it.logged("store.unavailable") != [], 5)
        for beside in ("bridge.db-wal", "bridge.db-shm"):
            it.database.with_name(beside).unlink(missing_ok=True)
        it.database.with_name("bridge.db-new").rename(it.database)
        it.recovers()
        it.accept(2)
        it.ends_well()


def test_a_file_that_is_moved_away_while_it_is_open(tmp_path):
    with stage(tmp_path) as it:
        it.service.start()
        it.fault(kind="delay", delay_s=1)
        it.accept(*range(10))
        away = tmp_path / "away"
        away.mkdir()
        names = [it.database.with_name(f"{it.database.name}{end}") for end in ("", "-wal", "-shm")]
        for name in names:
            name.rename(away / name.name)
        it.refuses("moved, replaced or deleted|is gone")
        until(lambda: "is gone" in it.get("/readyz")[1]["reason"], 10)
        assert not it.database.exists()  # a new one would know nobody
        for name in names:
            if (away / name.name).exists():
                (away / name.name).rename(name)
        it.recovers()
        it.accept(*range(10, 20))
        it.ends_well()


def test_a_file_cut_to_nothing_beside_its_log(tmp_path):
    with stage(tmp_path) as it:
        it.service.start()
        it.accept(1)
        it.service.kill()
        whole = it.database.read_bytes()
        it.database.write_bytes(b"")
        it.listening()
        it.refuses("is damaged: it is empty or gone")
        it.database.write_bytes(whole)
        it.recovers()
        it.ends_well()


def test_a_slow_disk_is_shared(tmp_path):
    prefix, ms = slow_fsync(tmp_path)
    with stage(tmp_path, before=prefix) as it:
        it.service.start()
        ms.write_text("50")
        answers = it.storm(range(80))
        assert {status for status, _, _ in answers} == {200}
        assert max(seconds for _, _, seconds in answers) < 2.0  # each for itself would take 4 s
        ms.write_text("0")
        it.ends_well()


def test_a_disk_that_hangs(tmp_path):
    prefix, ms = slow_fsync(tmp_path)
    with stage(tmp_path, before=prefix) as it:
        it.service.start()
        it.accept(1)
        ms.write_text("4000")
        it.refuses("didn't answer within 3 s", many=100)
        ms.write_text("0")
        it.recovers()
        it.accept(2)
        it.accepted |= whom(it)  # who was refused is stored all the same, perhaps
        it.ends_well()


def whom(it):
    """The numbers of the people whose events are stored."""
    with closing(held(it.database)) as reader:
        return {int(row[0][1:]) for row in reader.execute("SELECT contact_id FROM events")}
