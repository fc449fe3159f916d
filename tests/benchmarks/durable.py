"""kill -9 under full load: whatever a sender saw a 200 for is in the database, whole.

The kill takes the process away, not the machine: it shows that no answer runs ahead of its commit. That a
commit is on the disk and not only with the operating system is SQLite's word for `synchronous=FULL`.
"""

import contextlib
import random
import sqlite3
import time
from pathlib import Path

from tests.benchmarks.load import begin, order, result
from tests.benchmarks.table import Figure, at_most, note
from tests.crash.processes import bridge, sandbox
from tests.crash.setting import prepare

ROUNDS = 5


def run(folder: Path) -> list[Figure]:
    """Load at full speed, kill at a random moment, count; five times on one database."""
    accepted: set[int] = set()
    with sandbox(folder) as fusion:
        fusion.start()
        setting = prepare(folder, fusion_port=fusion.port)
        with bridge(setting.config, setting.port) as service:
            for number in range(ROUNDS):
                service.start()
                what = order(setting, "workflow", connections=64, count=20_000, first=number * 20_000)
                process = begin(what)
                time.sleep(random.uniform(0.3, 1.5))
                service.kill()
                accepted.update(result(process).event_ids)
    with contextlib.closing(sqlite3.connect(setting.database)) as connection:
        stored = {row[0] for row in connection.execute("SELECT id FROM events WHERE json_valid(payload)")}
        sound = connection.execute("PRAGMA integrity_check").fetchone()[0]
    return [
        note("events that were answered 200", f"{len(accepted):,} in {ROUNDS} rounds, a kill -9 each"),
        at_most("of these missing from the database", len(accepted - stored), 0, "{:d}"),
        Figure("the database", sound, "ok", sound == "ok"),
    ]
