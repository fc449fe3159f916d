"""`bridge prune`: what it counts, what it does, and how it gets along with a service."""

import json
import os
import pty
import signal
import sqlite3
import subprocess
import sys
import time

import pytest

from bridge.cli import prune
from bridge.store.database import owned
from tests.stocked import Stock

DAY = 86_400.0


@pytest.fixture
def stock(tmp_path):
    """Three of 100 days, two of 40, one of today, and one that has waited for a year."""
    stock = Stock(tmp_path)
    stock.accept("waits", ago=365 * DAY)
    for number, days in enumerate((100, 100, 100, 40, 40, 0.01)):
        stock.deliver(f"c-{number}", f"+1202555010{number}", ago=days * DAY)
    yield stock
    stock.connection.close()


def count(stock):
    (row,) = stock.rows(
        """
        SELECT COUNT(*) AS events, SUM(payload = x'') AS empty, (SELECT COUNT(*) FROM attempts) AS attempts
        FROM events
        """
    )
    return tuple(row.values())


def many(stock, number=3000, size=3000):
    stock.connection.execute("BEGIN")
    for each in range(number):
        body = b'{"padding": "%s"}' % (b"x" * size)
        event_id = stock.accept(f"m-{each}", external_id=f"m-{each}", body=body, ago=40 * DAY)
        stock.connection.execute(
            "UPDATE events SET state = 'skipped', reason = 'no phone', settled_at = received_at WHERE id = ?",
            (event_id,),
        )
    stock.connection.execute("COMMIT")


def test_what_goes(stock):
    result = stock.bridge("prune")

    assert result.exit_code == 0, result.stderr
    assert result.stdout.splitlines() == [
        "By the retention of the configuration there were",
        "  events deleted     3",
        "  requests deleted   3",
        "  payloads emptied   2",
        f"  bytes in payloads  {result.stdout.split()[-2]} kB",
    ]
    assert count(stock) == (4, 2, 3)
    assert stock.state(1) == "received"


def test_a_dry_run_counts_the_same_and_writes_nothing(stock):
    before = count(stock)
    dry = json.loads(stock.bridge("prune", "--dry-run", "--json").stdout)
    assert count(stock) == before
    wet = json.loads(stock.bridge("prune", "--json").stdout)

    assert dry == {**wet, "dry_run": True}
    assert (wet["events"], wet["attempts"], wet["payloads"], wet["dry_run"]) == (3, 3, 2, False)
    again = json.loads(stock.bridge("prune", "--dry-run", "--json").stdout)
    assert sum(again[name] for name in ("events", "attempts", "payloads", "bytes")) == 0


def test_it_follows_the_configuration(stock):
    stock.config.write_text(stock.config.read_text() + "retention: {payloads: 2d, events: 1000d}\n")
    stock.bridge("prune")
    assert count(stock) == (7, 5, 6)


def test_a_wrong_configuration_is_refused(stock):
    stock.break_config()
    before = count(stock)

    assert stock.bridge("prune").exit_code == 2
    assert count(stock) == before


def test_no_database(tmp_path):
    stock = Stock(tmp_path)
    stock.connection.close()
    for each in stock.database.parent.iterdir():
        each.unlink()

    result = stock.bridge("prune")

    assert result.exit_code == 1
    assert "there is no database" in result.stderr
    assert not stock.database.exists()


def test_vacuum_gives_the_space_back(stock):
    many(stock)
    result = json.loads(stock.bridge("prune", "--vacuum", "--json").stdout)

    assert result["payloads"] == 3002
    assert result["size_after"] < result["size_before"] / 3
    assert result["size_after"] == sum(
        each.stat().st_size
        for each in stock.database.parent.iterdir()
        if each.name in ("bridge.db", "bridge.db-wal")
    )
    assert stock.rows("PRAGMA integrity_check") == [{"integrity_check": "ok"}]


def test_vacuum_is_refused_while_a_service_runs(stock):
    before = count(stock)
    with owned(stock.database):
        result = stock.bridge("prune", "--vacuum")
        assert result.exit_code == 1
        assert f"the service runs (process {os.getpid()})" in result.stderr
        assert count(stock) == before
        assert stock.bridge("prune").exit_code == 0
    assert count(stock) == (4, 2, 3)


def test_only_one_of_the_two(stock):
    assert stock.bridge("prune", "--dry-run", "--vacuum").exit_code == 2


def test_it_waits_for_whoever_holds_the_lock(stock, monkeypatch):
    monkeypatch.setattr(prune, "PAUSE_S", 0.01)
    monkeypatch.setattr("bridge.store.writer.BUSY_MS", 50)
    other = sqlite3.connect(stock.database, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    echo = prune.typer.echo

    def let_go_when_it_waits(text="", **more):
        if text.startswith("waiting: ") and other.in_transaction:
            other.execute("ROLLBACK")
        echo(text, **more)

    monkeypatch.setattr(prune.typer, "echo", let_go_when_it_waits)
    result = stock.bridge("prune")

    other.close()
    assert result.exit_code == 0, result.stderr
    assert result.stderr.startswith("waiting: ")
    assert count(stock) == (4, 2, 3)


def test_a_lock_that_is_never_let_go_is_said_in_words(stock, monkeypatch):
    monkeypatch.setattr(prune, "PAUSE_S", 0.01)
    monkeypatch.setattr("bridge.store.writer.BUSY_MS", 10)
    stock.connection.execute("BEGIN IMMEDIATE")

    result = stock.bridge("prune")

    stock.connection.execute("ROLLBACK")
    assert result.exit_code == 1
    assert "error: " in result.stderr
    assert "locked" in result.stderr


def program(stock, *args):
    return [
        sys.executable,
        "-c",
        "from bridge.cli import main; main()",
        "prune",
        "--yes",
        "-c",
        str(stock.config),
        *args,
    ]


def test_stopped_in_the_middle_it_goes_on_next_time(stock):
    many(stock)
    with owned(stock.database):  # so that it rests
        running = subprocess.Popen(program(stock), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        end = time.monotonic() + 20
        while (count(stock)[1] or 0) < 50 and time.monotonic() < end:
            time.sleep(0.01)
        running.send_signal(signal.SIGINT)
        said, errors = running.communicate(timeout=20)

    assert running.returncode == 1
    assert "stopped before the end" in errors
    emptied = count(stock)[1]
    assert f"payloads emptied   {emptied:,}" in said
    assert emptied < 3000
    assert stock.bridge("prune").exit_code == 0
    assert count(stock)[1] == 3002


def test_a_bar_on_a_terminal(stock):
    ours, theirs = pty.openpty()
    done = subprocess.run(program(stock), stderr=theirs, stdout=subprocess.PIPE, text=True, check=True)
    os.close(theirs)
    shown = os.read(ours, 100_000).decode()
    os.close(ours)

    assert "payloads" in shown
    assert "events deleted     3" in done.stdout
