"""kill -9 at every step of what the bridge does, in the service and in each command: as if nobody had died.

Each case names the boundary at which a process kills itself: at the n-th of this kind, or in the middle of
the write that follows it. The whole of it, at every boundary that there is, is
`python -m tests.benchmarks matrix`.
"""

import pytest

from tests.crash.dying import Death
from tests.crash.matrix import WATCHED, Matrix
from tests.crash.scenes import SCENES

# Scene, step, what happens in it, and the how manieth time. With a fifth not before what follows, but in the
# middle of it: at this change of a file.
STEPS = {
    "receive and resolve": [
        ("everyday", "receive", "body read", 3),
        ("everyday", "receive", "INSERT events", 3),
        ("everyday", "receive", "commit", 2),
        ("everyday", "receive", "commit", 3, 2),
        ("everyday", "receive", "commit, done", 3),
        ("everyday", "receive", "to be answered", 3),
        ("everyday", "receive", "answered", 4),
        ("everyday", "resolve", "rules done", 4),
        ("everyday", "resolve", "UPDATE events", 3),
        ("everyday", "resolve", "INSERT outbox", 5),
        ("everyday", "resolve", "commit", 2),
        ("everyday", "resolve", "commit", 3, 3),
        ("everyday", "resolve", "commit, done", 2),
    ],
    "compose and send": [
        ("everyday", "compose", "composed", 3),
        ("everyday", "compose", "UPDATE outbox", 2),
        ("everyday", "compose", "commit", 2),
        ("everyday", "compose", "commit", 3, 2),
        ("everyday", "compose", "commit, done", 3),
        ("everyday", "send", "to leave", 3),
        ("everyday", "send", "on its way", 1),
        ("everyday", "send", "on its way", 3),
        ("everyday", "send", "answer begun", 2),
        ("everyday", "send", "answered", 3),
        ("everyday", "send", "answered", 9),
    ],
    "settle, prune and start": [
        ("everyday", "settle", "UPDATE attempts", 2),
        ("everyday", "settle", "INSERT lead_map", 2),
        ("everyday", "settle", "UPDATE events", 3),
        ("everyday", "settle", "commit", 2),
        ("everyday", "settle", "commit", 4, 5),
        ("everyday", "settle", "commit, done", 4),
        ("everyday", "prune", "DELETE events", 2),
        ("everyday", "prune", "commit", 1, 2),
        ("everyday", "prune", "slice done", 2),
        ("everyday", "start", "owner", 1),
        ("everyday", "start", "commit", 1),
    ],
    "the service's other moments": [
        ("recovery", "start", "UPDATE outbox", 2),
        ("recovery", "start", "commit", 1, 2),
        ("recovery", "start", "commit, done", 1),
        ("migration", "migrate", "INSERT outbox_2", 1),
        ("migration", "migrate", "ALTER outbox_2", 1),
        ("migration", "migrate", "commit", 1, 4),
        ("migration", "migrate", "commit, done", 1),
        ("reload", "reload", "file to be read", 1),
        ("reload", "reload", "file read", 1),
        ("reload", "reload", "lanes to be changed", 1),
        ("reload", "reload", "done", 1),
        ("stop", "stop", "to drain", 1),
        ("stop", "stop", "drained", 1),
        ("stop", "stop", "close", 2, 2),
        ("beside backup", "receive", "commit", 1),
    ],
    "commands": [
        ("backup", "backup", "pages copied", 2),
        ("backup", "backup", "copy", 1, 3),
        ("backup", "backup", "to be renamed", 1),
        ("backup", "backup", "renamed", 1),
        ("prune", "prune", "DELETE events", 2),
        ("prune", "prune", "commit", 2, 1),
        ("prune", "prune", "slice done", 4),
        ("vacuum", "prune", "VACUUM", 1, 9),
        ("vacuum", "prune", "PRAGMA wal_checkpoint TRUNCATE", 1, 4),
        ("replay", "replay", "UPDATE events", 3),
        ("replay", "replay", "commit, done", 1),
        ("forget", "forget", "commit", 2),
        ("forget", "forget", "PRAGMA wal_checkpoint TRUNCATE", 1, 2),
        ("adopt", "adopt", "on its way", 2),
        ("adopt", "adopt", "INSERT lead_map", 2),
    ],
}


@pytest.fixture(scope="module")
def matrix(tmp_path_factory):
    with Matrix(tmp_path_factory.mktemp("matrix")) as matrix:
        yield matrix


def wrong_with(matrix, runs):
    """What was wrong with each of these runs: scenes and deaths."""
    wrong = {}
    for found in matrix.run_all(runs):
        faults = [str(fault) for fault in found.faults]
        if bool(found.died_at) != (found.death != WATCHED):
            faults.append(f"died at {found.died_at}, passed {found.passed}")
        if faults:
            wrong[found.scene, found.death] = faults
    return wrong


@pytest.mark.parametrize("steps", STEPS)
def test_it_ends_as_if_nobody_had_died(matrix, steps):
    runs = [
        (scene, Death(label=f"{step}: {what}", nth=nth, torn=torn[0] if torn else 0))
        for scene, step, what, nth, *torn in STEPS[steps]
        if matrix.tears or not torn  # without a C compiler nobody can die in the middle of a write
    ]
    assert wrong_with(matrix, runs) == {}


def test_every_scene_ends_well_where_nobody_dies(matrix):
    assert wrong_with(matrix, [(scene, WATCHED) for scene in SCENES]) == {}
