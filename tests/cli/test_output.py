"""How things are said: spans, times, tables, and strangers' text."""

import os
import time

import pytest

from bridge.cli.output import duration, local_time, printable, program, refuse, table
from bridge.errors import BridgeError, StoreError


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (-1, "0s"),
        (0.04, "0s"),
        (0.44, "0.4s"),
        (3, "3s"),
        (42.4, "42s"),
        (59.7, "1m"),
        (200, "3m 20s"),
        (3600, "1h"),
        (18_725, "5h 12m"),
        (273_600, "3d 4h"),
    ],
)
def test_a_span(seconds, said):
    assert duration(seconds) == said


@pytest.mark.parametrize(
    ("zone", "said"),
    [
        ("UTC", "2026-07-01 12:03:22 +00:00"),
        ("America/New_York", "2026-07-01 08:03:22 -04:00"),
        ("Asia/Kolkata", "2026-07-01 17:33:22 +05:30"),
    ],
)
def test_a_time_is_the_operators(zone, said, monkeypatch):
    before = os.environ.get("TZ")
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        assert local_time(1_782_907_402.9) == said
    finally:
        monkeypatch.undo()
        assert os.environ.get("TZ") == before
        time.tzset()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("plain, ünïcode 👩‍👩‍👧 🏡", "plain, ünïcode 👩‍👩‍👧 🏡"),
        ("\x1b[2J", "\\u001b[2J"),
        ("a\nb\tc", "a⏎b c"),
        ("\u202egnp\u2066", "\\u202egnp\\u2066"),
        ("\ud800", "\\ud800"),
        ("\U000e0001", "\\udb40\\udc01"),
    ],
)
def test_strangers_text(text, said):
    assert printable(text) == said


ROWS = [("1", "[bold]Ann[/bold] " + "very " * 20, "9"), ("1200", "Bo\x1b[31m", "10")]


def test_a_table_is_not_wrapped_off_a_terminal(capsys, monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)
    table(("ID", "WHO", "N"), ROWS, right=(2,), whole=(0,))
    lines = capsys.readouterr().out.splitlines()

    assert len(lines) == 3
    assert lines[1].startswith("1     [bold]Ann[/bold] very")
    assert lines[2].startswith("1200  Bo\\u001b[31m")
    assert lines[1].endswith("   9")


def test_a_table_gives_way_where_it_is_narrow(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    table(("ID", "WHO", "N"), ROWS, whole=(0,))
    lines = capsys.readouterr().out.splitlines()

    assert max(map(len, lines)) <= 40
    assert any(line.startswith("1200  ") for line in lines)
    assert sum(line.count("very") for line in lines) == 20


def test_a_refusal_has_a_fix(capsys):
    assert refuse(StoreError("the disk is full", fix="make room")) == 1
    assert capsys.readouterr().err == "error: the disk is full\nfix: make room\n"


@pytest.mark.parametrize(
    ("called", "on_the_path", "said"),
    [
        (".venv/bin/bridge", None, ".venv/bin/bridge"),
        (".venv/bin/bridge", "/usr/sbin/bridge", ".venv/bin/bridge"),
        ("my files/bridge", None, "'my files/bridge'"),
        ("/opt/bin/bridge", "/opt/bin/bridge", "bridge"),
        ("/usr/bin/pytest", None, "bridge"),
    ],
)
def test_the_program_as_it_was_called(monkeypatch, called, on_the_path, said):
    monkeypatch.setattr("sys.argv", [called, "init"])
    monkeypatch.setattr("shutil.which", lambda _: on_the_path)

    assert program() == said


def test_a_script_that_wraps_the_program_says_its_own_name(monkeypatch, capsys):
    monkeypatch.setenv("BRIDGE_PROGRAM", "ghl-bridge")

    refuse(BridgeError("no", fix="`bridge events` lists them, `bridge show` tells"))

    assert "fix: `ghl-bridge events` lists them, `ghl-bridge show` tells" in capsys.readouterr().err
