"""The power goes: what was answered 200 is there, what was sent isn't sent again, and the budget is kept."""

import json
import random
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import replace

import pytest

from bridge.store.database import check_whole, open_writer
from tests.crash.power import Journal, after_power_cut, put_back
from tests.crash.stage import phone, stage

CUTS = 40
_CHECKPOINT = "import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute('PRAGMA wal_checkpoint(TRUNCATE)')"


@pytest.fixture
def dice():
    seed = random.randrange(1_000_000)
    print("seed", seed)  # noqa: T201 - shown when the test fails
    return random.Random(seed)


def accepted(database):
    """The phones of the events that the next start finds."""
    with closing(open_writer(database)) as connection:
        check_whole(database, connection)
        payloads = connection.execute("SELECT payload FROM events").fetchall()
    return {json.loads(row["payload"])["phone"] for row in payloads}


def test_whenever_the_power_goes_what_was_accepted_is_there(tmp_path, dice):
    journal = Journal(tmp_path, tmp_path / "bridge/bridge.db")
    known = []
    with stage(tmp_path, before=journal.prefix) as it:
        it.service.start()
        for first in range(1, 240, 8):
            answers = it.storm(range(first, first + 8))
            assert {status for status, _, _ in answers} == {200}
            known += [(time.monotonic(), phone(number)) for number in range(first, first + 8)]
            if first % 80 == 1:
                subprocess.run([*journal.prefix, sys.executable, "-c", _CHECKPOINT, it.database], check=True)
        it.service.kill()
    entries = journal.entries()
    begin = next(n for n, entry in enumerate(entries) if entry.at > known[0][0])
    copy = tmp_path / "after/bridge.db"
    copy.parent.mkdir()
    for cut in sorted(dice.sample(range(begin, len(entries)), CUTS)):
        so_far = [replace(entry, path=copy.parent / entry.path.name) for entry in entries[:cut]]
        put_back(after_power_cut(so_far, dice), copy)
        promised = {who for at, who in known if at < so_far[-1].at}
        assert promised <= accepted(copy), cut


def test_after_a_power_cut_it_goes_on(tmp_path, dice):
    journal = Journal(tmp_path, tmp_path / "bridge/bridge.db")
    with stage(tmp_path, before=journal.prefix, limit=(60, 1)) as it:
        it.service.start()
        it.fault(kind="delay", delay_s=0.05)
        left = {}
        for first in (1, 101, 201):
            it.accept(*range(first, first + 60))
            time.sleep(dice.random() / 2)
            it.service.kill()
            left = journal.power_cut(it.database, left, dice)
            it.service.start()
        it.ends_well(within_s=40)
