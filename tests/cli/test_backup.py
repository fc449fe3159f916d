"""`bridge backup` on the command line; how the copy is made is `tests/store/test_backup.py`'s."""

import json
import os
import pty
import subprocess
import sys

import pytest

from tests.stocked import Stock

ANN, BEN = "+12025550101", "+12025550102"


@pytest.fixture
def stock(tmp_path):
    stock = Stock(tmp_path)
    stock.deliver("ann", ANN)
    stock.queue("ben", BEN)
    yield stock
    stock.connection.close()


def test_it_says_what_is_in_it(stock, tmp_path):
    result = stock.bridge("backup", tmp_path / "copy.db")

    assert result.exit_code == 0, result.stderr
    said = result.stdout.splitlines()
    assert said[0].startswith(f"{tmp_path / 'copy.db'}: ")
    assert "whole and sound, in " in said[0]
    assert said[1] == "  events        2: 1 queued, 1 delivered"
    assert said[3:5] == ["  leads         1, of 2 contacts", "  to be sent    1 lead"]


def test_json(stock, tmp_path):
    said = json.loads(stock.bridge("backup", tmp_path / "copy.db", "--json").stdout)

    assert said["file"] == str(tmp_path / "copy.db")
    assert said["bytes"] == (tmp_path / "copy.db").stat().st_size
    assert (said["events"]["delivered"], said["leads"], said["outbox"]) == (1, 1, 1)
    assert said["newest_at"].endswith("+00:00")


def test_an_empty_database(tmp_path):
    stock = Stock(tmp_path)
    result = stock.bridge("backup", tmp_path / "copy.db")
    stock.connection.close()

    assert "  events      none\n" in result.stdout
    assert "newest event" not in result.stdout


def test_what_is_there_is_kept_unless_forced(stock, tmp_path):
    (tmp_path / "copy.db").write_text("older")

    result = stock.bridge("backup", tmp_path / "copy.db")

    assert result.exit_code == 1
    assert result.stderr.startswith(f"error: {tmp_path / 'copy.db'} is there already\nfix: ")
    assert (tmp_path / "copy.db").read_text() == "older"
    assert stock.bridge("backup", tmp_path / "copy.db", "--force").exit_code == 0


def test_it_works_while_a_mistake_waits_to_be_mended(stock, tmp_path):
    stock.break_config()

    result = stock.bridge("backup", tmp_path / "copy.db")

    assert result.exit_code == 0
    assert "warning: " in result.stderr


def test_a_bar_on_a_terminal(stock, tmp_path):
    ours, theirs = pty.openpty()
    command = [sys.executable, "-c", "from bridge.cli import main; main()"]
    command += ["backup", "-c", str(stock.config), str(tmp_path / "copy.db")]
    subprocess.run(command, stderr=theirs, stdout=subprocess.PIPE, check=True)
    os.close(theirs)
    shown = os.read(ours, 100_000).decode()
    os.close(ours)

    assert "checking" in shown
