"""`bridge serve` as a process: ready, deaf to a bad reload, and orderly in the end."""

import json
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bridge.cli import app

BRIDGE = Path(sys.executable).with_name("bridge")


@pytest.fixture
def config(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    path = tmp_path / "config.yaml"
    path.write_text(
        f"""\
server: {{host: 127.0.0.1, port: {port}}}
fusion:
  base_url: http://127.0.0.1:9
  accounts: {{main: {{api_key: key-of-a-test}}}}
sources:
  forms: {{type: json, token: token-of-the-tests-only-x, contact: {{phone: "{{{{ payload.phone }}}}"}}}}
"""
    )
    return path


def url(config):
    return f"http://127.0.0.1:{config.read_text().split('port: ')[1].split('}')[0]}"


@contextmanager
def served(config, until="service.ready"):
    process = subprocess.Popen([BRIDGE, "serve", "-c", config], stdout=subprocess.PIPE, text=True)
    try:
        _until(process, until)
        yield process
    finally:
        process.kill()
        process.communicate(timeout=10)


def _until(process, event):
    """The log's line of an event, once it is there."""
    for line in process.stdout:
        entry = json.loads(line)
        if entry["event"] == event:
            return entry
    raise AssertionError(f"ended without {event}")


def healthy(config):
    for _ in range(50):
        try:
            with urllib.request.urlopen(f"{url(config)}/healthz", timeout=5) as answer:
                return answer.status == 200
        except urllib.error.URLError:  # ready is said just before it listens
            time.sleep(0.02)
    return False


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_answers_and_stops_when_told(config, number):
    with served(config) as process:
        assert healthy(config)
        process.send_signal(number)
        said, _ = process.communicate(timeout=10)

    assert process.returncode == 0
    assert "service.stopped" in said
    assert "Traceback" not in said


def test_a_bad_file_keeps_the_old_configuration(config):
    good = config.read_text()
    with served(config) as process:
        assert healthy(config)
        config.write_text(good + "colour: blue\n")
        process.send_signal(signal.SIGHUP)
        refused = _until(process, "config.refused")
        config.write_text(good)

        assert (refused["line"], refused["path"]) == (7, "colour")
        assert healthy(config)
        process.send_signal(signal.SIGHUP)
        assert _until(process, "config.reloaded")["sources"] == 1


def test_a_port_that_is_taken(config):
    port = int(url(config).rpartition(":")[2])
    with socket.create_server(("127.0.0.1", port)):
        done = subprocess.run([BRIDGE, "serve", "-c", config], capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert f"error: the service can't listen on 127.0.0.1:{port}" in done.stderr
    assert "fix: " in done.stderr
    assert "Traceback" not in done.stdout + done.stderr


def test_a_database_that_cannot_be_used(config):
    database = config.parent / "data" / "bridge.db"
    database.mkdir(parents=True)
    with served(config, until="service.listening") as process:
        with pytest.raises(urllib.error.HTTPError, match="503") as answer:
            urllib.request.urlopen(f"{url(config)}/readyz", timeout=5)
        told = json.load(answer.value)
        assert "can't open the database" in told["reason"]
        assert told["fix"]
        assert healthy(config)

        database.rmdir()
        _until(process, "store.available")
        with urllib.request.urlopen(f"{url(config)}/readyz", timeout=5) as ready:
            assert ready.status == 200


def test_a_second_one_on_the_same_database(config):
    with served(config) as process:
        done = subprocess.run([BRIDGE, "serve", "-c", config], capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert f"is in use by another bridge (process {process.pid})" in done.stderr
    assert "fix: " in done.stderr


def test_no_configuration(tmp_path):
    result = CliRunner().invoke(app, ["serve", "-c", str(tmp_path / "nope.yaml")])

    assert result.exit_code == 2
    assert "`bridge init` writes one" in result.stderr
