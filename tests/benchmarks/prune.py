"""Retention of a million events while webhooks come in at a steady rate: their latency, with it and without.

Half of the events are old enough to go, the other half only to lose their payload. The service's own sweep
runs first, then `bridge prune` beside a service that has nothing to do itself, then alone; a backup of all
of it is made under the same load. Latencies count from the time at which a webhook should have left.
"""

import json
import subprocess
import sys
import time
from pathlib import Path

from bridge.store.database import open_reader, open_writer
from tests.benchmarks.load import begin, order, payload, result
from tests.benchmarks.table import Figure, at_most, note, percentile
from tests.crash.processes import ROOT, Process, free_port
from tests.crash.setting import Setting, prepare

STORED = 1_000_000
_RATE = 100
_COUNT = 2000
_DAY = 86_400.0
_NEVER = 1e9

_SERVICE = (
    "from bridge.worker import retention; retention.FIRST_S = {first}; from bridge.cli import main; main()"
)
_COMMAND = (sys.executable, "-c", "from bridge.cli import main; main()")


def run(folder: Path) -> list[Figure]:
    """Fill, then measure without retention, with it, and with the commands beside."""
    setting = prepare(folder, fusion_port=free_port())
    began = time.monotonic()
    _fill(setting)
    figures = [note(f"{STORED:,} events: file, MB; filled in, s", f"{_mb(setting):,.0f}; {_since(began)}")]
    with _service(setting, first=_NEVER) as service:
        service.start()
        _load(setting, 0)  # warms up
        before = _load(setting, 1)
        copied = time.monotonic()
        copy = _command("backup", setting, str(folder / "copy.db"))
        during_backup = _load(setting, 2)
        copy.wait()
        figures += [
            note(f"accept at {_RATE}/s, nothing else: p50, p99, ms", _both(before)),
            note("  during `bridge backup` (and its check): p50, p99, ms", _both(during_backup)),
            note("  which took, s", _since(copied)),
        ]
    (folder / "copy.db").unlink()
    with _service(setting, first=0.1) as service:
        service.start()
        rows = _left(setting)
        began = time.monotonic()
        own = _load(setting, 3)
        per_s = (rows - _left(setting)) / (time.monotonic() - began)
        figures += [
            note("  during the service's own retention: p50, p99, ms", _both(own)),
            note("    rows that it took meanwhile, a second", f"{per_s:,.0f}"),
            at_most(
                "    its p99 above that of nothing else, ms",
                percentile(own, 0.99) - percentile(before, 0.99),
                10,
            ),
        ]
    with _service(setting, first=_NEVER) as service:
        service.start()
        rows, began = _left(setting), time.monotonic()
        command = _command("prune", setting)
        beside = _load(setting, 4)
        per_s = (rows - _left(setting)) / (time.monotonic() - began)
        command.terminate()
        command.wait()
        figures += [
            note("  during `bridge prune` beside: p50, p99, ms", _both(beside)),
            note("    rows that it took meanwhile, a second", f"{per_s:,.0f}"),
        ]
    rows, began = _left(setting), time.monotonic()
    _command("prune", setting).wait()
    figures.append(note("`bridge prune` alone: rows; s", f"{rows:,}; {_since(began)}"))
    began, size = time.monotonic(), _mb(setting)
    _command("prune", setting, "--vacuum").wait()
    figures.append(
        note("--vacuum: MB before, after; s", f"{size:,.0f}, {_mb(setting):,.0f}; {_since(began)}")
    )
    return figures


def _service(setting: Setting, *, first: float) -> Process:
    command = [sys.executable, "-c", _SERVICE.format(first=first), "serve", "-c", str(setting.config)]
    return Process(command, port=setting.port, log=setting.config.with_name("bridge.log"), probe="/readyz")


def _command(name: str, setting: Setting, *args: str) -> "subprocess.Popen[bytes]":
    command = [*_COMMAND, name, "-c", str(setting.config), *args]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _load(setting: Setting, number: int) -> list[float]:
    first = STORED + number * _COUNT
    what = order(setting, "workflow", connections=16, count=_COUNT, first=first, rate=_RATE)
    load = result(begin(what))
    if load.statuses != {"200": _COUNT}:
        raise RuntimeError(f"not every webhook was accepted: {load.statuses}")
    return load.latencies_ms


def _both(latencies: list[float]) -> str:
    return f"{percentile(latencies, 0.5):.1f}, {percentile(latencies, 0.99):.1f}"


def _since(began: float) -> str:
    return f"{time.monotonic() - began:.0f}"


def _mb(setting: Setting) -> float:
    return setting.database.stat().st_size / 1e6


def _left(setting: Setting) -> int:
    """Rows that retention hasn't taken yet."""
    reader = open_reader(setting.database)
    try:
        return int(
            reader.execute(
                "SELECT SUM(received_at < :gone) + SUM(length(payload) > 0) FROM events WHERE id <= :stored",
                {"gone": time.time() - 90 * _DAY, "stored": STORED},
            ).fetchone()[0]
        )
    finally:
        reader.close()


def _fill(setting: Setting) -> None:
    """Events of 120 to 35 days ago, each delivered by a request of a batch of ten."""
    connection = open_writer(setting.database)
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute("PRAGMA cache_size = -200000")
    now, body = time.time(), json.dumps(payload(1, "workflow"))
    values = {"first": now - 120 * _DAY, "step": 85 * _DAY / STORED, "count": STORED, "body": body}
    connection.execute("BEGIN")
    for statement in (_EVENTS, _ATTEMPTS, _CARRIED):
        connection.execute(statement, values)
    connection.execute("COMMIT")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


_EVENTS = """
WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < :count)
INSERT INTO events (
    id, source, body_hash, type, contact_id, phone, received_at, occurred_at, settled_at, state, payload
) SELECT
    n, 'workflow', lower(hex(randomblob(32))), 'contact.updated', printf('contact-%012d', n),
    printf('+1%010d', 3000000000 + n), :first + n * :step, :first + n * :step, :first + n * :step + 1,
    'delivered', CAST(:body AS BLOB)
FROM number
"""
_ATTEMPTS = """
WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < :count / 10)
INSERT INTO attempts (id, lane, account, started_at, answered_at, method, leads, outcome)
SELECT n, 'leads', 'main', :first + n * 10 * :step, :first + n * 10 * :step, 'POST', 10, 'delivered'
FROM number
"""
_CARRIED = """
INSERT INTO attempt_leads (attempt_id, event_id, campaign_id, phone)
SELECT (id + 9) / 10, id, '', phone FROM events
"""
