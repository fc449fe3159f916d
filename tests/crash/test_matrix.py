"""kill -9 at every step of what the bridge does, in the service and in each command: as if nobody had died.

Each case names the boundary at which a process kills itself: at the n-th of this kind, or in the middle of
the write that follows it. The whole of it, at every boundary that there is, is
`python -m tests.benchmarks matrix`.
"""

import pytest

from tests.crash.dying import Death
from tests.crash.matrix import WATCHED, Matrix
from tests.crash.scenes import SCENES

# Of each scene and step: what happens in it, and the how manieth time. With a third number not before what
# follows, but in the middle of it: at this change of a file.
STEPS = {
    ("everyday", "receive"): [
        ("body read", 3),
        ("INSERT events", 3),
        ("commit", 2),
        ("commit", 3, 2),
        ("commit, done", 3),
        ("to be answered", 3),
        ("answered", 4),
    ],
    ("everyday", "resolve"): [
        ("rules done", 4),
        ("UPDATE events", 3),
        ("INSERT outbox", 5),
        ("commit", 2),
        ("commit", 3, 3),
        ("commit, done", 2),
    ],
    ("everyday", "compose"): [
        ("composed", 3),
        ("UPDATE outbox", 2),
        ("commit", 2),
        ("commit", 3, 2),
        ("commit, done", 3),
    ],
    ("everyday", "send"): [  # one alone, a batch, a part of one
        ("to leave", 3),
        ("on its way", 1),
        ("on its way", 3),
        ("answer begun", 2),
        ("answered", 3),
        ("answered", 9),
    ],
    ("everyday", "settle"): [
        ("UPDATE attempts", 2),
        ("INSERT lead_map", 2),
        ("UPDATE events", 3),
        ("commit", 2),
        ("commit", 4, 5),
        ("commit, done", 4),
    ],
    ("everyday", "prune"): [
        ("DELETE events", 2),
        ("commit", 1, 2),
        ("slice done", 2),
    ],
    ("everyday", "start"): [
        ("owner", 1),
        ("commit", 1),
    ],
    ("recovery", "start"): [
        ("UPDATE outbox", 2),
        ("commit", 1, 2),
        ("commit, done", 1),
    ],
    ("migration", "migrate"): [
        ("INSERT outbox_2", 1),
        ("ALTER outbox_2", 1),
        ("commit", 1, 4),
        ("commit, done", 1),
    ],
    ("reload", "reload"): [
        ("file to be read", 1),
        ("file read", 1),
        ("lanes to be changed", 1),
        ("done", 1),
    ],
    ("stop", "stop"): [
        ("to drain", 1),
        ("drained", 1),
        ("close", 2, 2),
    ],
    ("backup", "backup"): [
        ("pages copied", 2),
        ("copy", 1, 3),
        ("to be renamed", 1),
        ("renamed", 1),
    ],
    ("beside backup", "receive"): [
        ("commit", 1),
    ],
    ("prune", "prune"): [
        ("DELETE events", 2),
        ("commit", 2, 1),
        ("slice done", 4),
    ],
    ("vacuum", "prune"): [
        ("VACUUM", 1, 9),
        ("PRAGMA wal_checkpoint TRUNCATE", 1, 4),
    ],
    ("replay", "replay"): [
        ("UPDATE events", 3),
        ("commit, done", 1),
    ],
    ("forget", "forget"): [
        ("commit", 2),
        ("PRAGMA wal_checkpoint TRUNCATE", 1, 2),
    ],
    ("adopt", "adopt"): [
        ("on its way", 2),
        ("INSERT lead_map", 2),
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


@pytest.mark.parametrize(("scene", "step"), STEPS)
def test_it_ends_as_if_nobody_had_died(matrix, scene, step):
    runs = [
        (scene, Death(label=f"{step}: {what}", nth=nth, torn=torn[0] if torn else 0))
        for what, nth, *torn in STEPS[scene, step]
        if matrix.tears or not torn  # without a C compiler nobody can die in the middle of a write
    ]
    assert wrong_with(matrix, runs) == {}


def test_every_scene_ends_well_where_nobody_dies(matrix):
    assert wrong_with(matrix, [(scene, WATCHED) for scene in SCENES]) == {}
