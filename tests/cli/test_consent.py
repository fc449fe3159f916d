"""Nothing that can't be undone happens without a yes: from a terminal, or as --yes."""

import os
import pty
import subprocess
import sys

import pytest

from tests.store.test_forgetting import ANN, Town

MAIN = "from bridge.cli import main; main()"
DESTROYS = [
    ["forget", ANN],
    ["forget", ANN, "--json"],
    ["forget", ANN, "--lift"],
    ["prune"],
    ["prune", "--json"],
    ["prune", "--vacuum"],
]


@pytest.fixture
def town(tmp_path):
    town = Town(tmp_path)
    town.has("ann", ANN)
    yield town
    town.connection.close()


def run(town, args, **how):
    command = [sys.executable, "-c", MAIN, args[0], "-c", str(town.config), *args[1:]]
    return subprocess.run(command, text=True, check=False, capture_output=True, **how)


@pytest.mark.parametrize("args", DESTROYS, ids=" ".join)
@pytest.mark.parametrize("said", ["n\n", "y\n", "", "yes\n"])
def test_without_a_terminal_it_needs_yes(town, args, said):
    """`echo n | bridge forget …` erased once, and so did a pipe that says nothing."""
    before = town.everything()
    done = run(town, args, input=said)
    assert done.returncode == 2
    assert "--yes" in done.stderr
    assert town.everything() == before


@pytest.mark.parametrize("args", DESTROYS, ids=" ".join)
def test_at_a_terminal_no_is_no(town, args):
    before = town.everything()
    ours, theirs = pty.openpty()
    os.write(ours, b"n\n")
    done = run(town, args, stdin=theirs)
    os.close(theirs)
    os.close(ours)
    assert done.returncode == 1
    assert "nothing was done" in done.stderr
    assert town.everything() == before


def test_with_yes_nothing_is_asked(town):
    assert run(town, ["forget", ANN, "--yes"], stdin=subprocess.DEVNULL).returncode == 0
    assert run(town, ["prune", "--yes"], stdin=subprocess.DEVNULL).returncode == 0
    assert run(town, ["prune", "--dry-run"], stdin=subprocess.DEVNULL).returncode == 0


def test_an_interrupted_answer_is_no(town):
    before = town.everything()
    ours, theirs = pty.openpty()
    os.write(ours, b"\x04")  # Ctrl-D
    done = run(town, ["forget", ANN], stdin=theirs)
    os.close(theirs)
    os.close(ours)
    assert done.returncode == 1
    assert town.everything() == before
