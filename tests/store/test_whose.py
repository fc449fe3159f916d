"""Whom the files belong to, who may read them, and what is said to whoever may not."""

import os
import shutil
import stat
import subprocess
import sys
from contextlib import closing

import pytest

from bridge.store.database import Ownership, open_writer
from tests.stocked import Stock

# Root, but without root's right to pass over rights.
WITHOUT_RIGHTS = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]

COMMANDS = [["status"], ["events"], ["leads"], ["prune"], ["backup", "copy.db"], ["forget", "2025550101"]]

only_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")


def test_the_database_is_for_its_user_alone_whoever_makes_it(tmp_path):
    before = os.umask(0o022)
    try:
        with closing(open_writer(tmp_path / "data" / "bridge.db")) as connection:
            connection.execute("PRAGMA user_version = 1")
            made = [tmp_path / "data", *(tmp_path / "data").iterdir()]
            assert len(made) > 2
            assert [path for path in made if path.stat().st_mode & 0o077] == []
    finally:
        os.umask(before)


@only_root
def test_the_lock_belongs_to_whom_the_database_belongs_to(tmp_path):
    database = tmp_path / "bridge.db"
    open_writer(database).close()
    os.chown(database, 65534, 65534)
    with closing(Ownership(database)) as ownership:
        ownership.take()
        lock = (tmp_path / "bridge.db.lock").stat()
    assert (lock.st_uid, lock.st_gid, stat.S_IMODE(lock.st_mode)) == (65534, 65534, 0o600)


@only_root
@pytest.mark.parametrize("command", COMMANDS, ids=lambda words: words[0])
def test_a_folder_that_its_user_may_not_enter(tmp_path, command):
    said = _of_somebody_else(tmp_path, command, 0o700)
    assert (said.returncode, "Traceback" in said.stderr) == (1, False), said.stderr
    assert "denied" in said.stderr
    assert "fix: " in said.stderr


@only_root
def test_a_database_that_its_user_may_not_read(tmp_path):
    said = _of_somebody_else(tmp_path, ["status"], 0o755)
    assert said.returncode == 1
    assert "`chown --reference=" in said.stderr


def _of_somebody_else(folder, command, mode):
    """A command of somebody who may read the configuration, while the data is another's."""
    if not shutil.which("setpriv"):
        pytest.skip("there is no setpriv")
    stock = Stock(folder)
    stock.connection.close()
    for path in (stock.database, stock.database.parent):
        os.chown(path, 65534, 65534)
    stock.database.parent.chmod(mode)
    program = "from bridge.cli import main; main()"
    words = [sys.executable, "-c", program, *command, "-c", str(stock.config)]
    return subprocess.run([*WITHOUT_RIGHTS, *words], capture_output=True, text=True, check=False, cwd=folder)
