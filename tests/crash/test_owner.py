"""One process owns a database; what a dead one left behind is no obstacle."""

import os
import shutil
import subprocess
import time

import pytest

from tests.crash.processes import _BRIDGE, ROOT
from tests.crash.stage import stage


def second(it):
    """Another `serve` on the same database, with its words and status."""
    config = it.setting.config.with_name("second.yaml")
    config.write_text(it.setting.config.read_text().replace(f"port: {it.setting.port}", "port: 1"))
    command = [*_BRIDGE, "serve", "-c", str(config)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=20)


def test_a_second_one_refuses_and_names_the_first(tmp_path):
    with stage(tmp_path) as it:
        it.service.start()
        done = second(it)
        assert done.returncode == 1
        assert f"is in use by another bridge (process {it.service.pid})" in done.stderr
        assert "fix: stop that one first" in done.stderr
        it.accept(1)
        it.ends_well()


def test_a_lock_that_was_left_behind_is_no_obstacle(tmp_path):
    """Not even when the number in it is another process's by now."""
    with stage(tmp_path) as it:
        it.service.start()
        it.accept(1)
        it.service.kill()
        lock = it.database.with_name("bridge.db.lock")
        assert lock.read_text() == f"process {it.service.pid}\n"
        lock.write_text(f"process {os.getppid()}\n")
        it.service.start()
        assert lock.read_text() == f"process {it.service.pid}\n"
        it.accept(2)
        it.ends_well()


def test_it_stays_the_owner_while_it_waits(tmp_path):
    with stage(tmp_path) as it:
        it.database.parent.mkdir(exist_ok=True)
        it.database.write_bytes(b"no database" * 1000)
        it.listening()
        it.refuses("is damaged", many=5)
        assert second(it).returncode == 1


def test_a_disk_that_knows_no_locks(tmp_path):
    """As some network's are: two bridges would send the same leads."""
    strace = shutil.which("strace")
    if strace is None or subprocess.run([strace, "-qq", "true"], capture_output=True, check=False).returncode:
        pytest.skip("strace isn't there, or isn't allowed")
    # -D: it traces from beside, so that the process that is ended with the test is the bridge.
    quiet = [strace, "-D", "-f", "-qq", "-o", os.devnull, "--seccomp-bpf", "-e", "trace=flock"]
    with stage(tmp_path, before=[*quiet, "-e", "inject=flock:error=EOPNOTSUPP"]) as it:
        it.listening(within_s=30)
        it.refuses("knows no locks", many=20)
        time.sleep(1)
        assert not it.database.exists()
