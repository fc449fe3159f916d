"""`bridge demo` as a real process: every event ends where it should, and nothing is left behind."""

import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from urllib.request import urlopen

import pytest
from typer.testing import CliRunner

from bridge.cli import app, demo_cases
from bridge.cli.demo_cases import CASES

BRIDGE = Path(sys.executable).with_name("bridge")


@pytest.fixture
def environ(tmp_path):
    return {**os.environ, "TMPDIR": str(tmp_path), "COLUMNS": "120"}


def test_once(environ, tmp_path):
    started = time.monotonic()
    done = subprocess.run(
        [BRIDGE, "demo", "--once"], capture_output=True, text=True, env=environ, timeout=60, check=False
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert time.monotonic() - started < 30  # five seconds, on a machine that has nothing else to do
    assert "✗" not in done.stdout
    assert f"{len(CASES)} webhooks, 17 events, " in done.stdout
    assert "over the limit: 0;" in done.stdout
    assert "Every one of them ended where it should." in done.stdout
    for words in (
        "superseded by event 17",
        "401 unauthorized",
        "Priya Shah (do-not-call)",
        "skipped: unchanged",
    ):
        assert words in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 120
    assert list(tmp_path.iterdir()) == []


def test_it_serves_until_it_is_stopped(environ, tmp_path):
    running = subprocess.Popen(
        [BRIDGE, "demo"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environ
    )
    said = ""
    while "Ctrl-C ends it" not in said:
        line = running.stdout.readline()
        assert line, running.stderr.read()
        said += line
    try:
        url = re.search(r"(http://127.0.0.1:\d+)/readyz", said)[0]
        with urlopen(url) as answer:
            assert answer.status == 200
        config = re.search(r"BRIDGE_CONFIG=(\S+)", said)[1]
        status = CliRunner().invoke(app, ["status", "-c", config])
        assert f"running, process {running.pid}" in status.stdout
        assert "event.accepted" in (Path(config).parent / "bridge.log").read_text()
        replayed = CliRunner().invoke(app, ["replay", "-c", config, "--state", "dead"])
        assert "the running service picks it up" in replayed.stdout
    finally:
        running.send_signal(signal.SIGINT)
        running.communicate(timeout=15)
    assert running.returncode == 0
    assert list(tmp_path.iterdir()) == []


def test_stopped_before_the_end(environ, tmp_path):
    running = subprocess.Popen(
        [BRIDGE, "demo"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environ
    )
    while not list(tmp_path.glob("*/data/bridge.db")):
        time.sleep(0.02)
    time.sleep(1.5)
    running.send_signal(signal.SIGINT)
    _, stderr = running.communicate(timeout=15)

    assert running.returncode == 1
    assert "stopped before the end" in stderr
    assert "Traceback" not in stderr
    assert list(tmp_path.iterdir()) == []


def test_a_line_that_is_not_as_it_should_be_fails(monkeypatch, tmp_path):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    wrong = (replace(CASES[0], fate="skipped: unchanged"), CASES[1])
    monkeypatch.setattr(demo_cases, "CASES", wrong)

    result = CliRunner().invoke(app, ["demo", "--once"])

    assert result.exit_code == 1
    assert "✗" in result.stdout
    assert "1 of them not as expected" in result.stdout
