"""What a running bridge looks like from outside, twice a second: memory, log, what became of the events.

Looks at /proc and, on a connection that can't write, into the database: as much as somebody with a dashboard
would. Rule for editors: looking must cost little; everything is counted in an index.
"""

import contextlib
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path

from bridge.store.database import open_reader
from tests.benchmarks.load import Load
from tests.benchmarks.table import percentile
from tests.crash.processes import Process

EVERY_S = 0.5
TENTHS = 10


@dataclass(frozen=True, slots=True)
class Sample:
    """One look."""

    at: float  # of time.perf_counter()
    rss_mib: float
    uss_mib: float
    log_mib: float  # SQLite's write-ahead log
    cpu_s: float
    received: int  # events that wait for the rules
    queued: int
    delivered: int
    events: int
    oldest_s: float  # how long the first of those that wait for the rules has waited

    @property
    def resolved(self) -> int:
        """Events that are through the rules."""
        return self.events - self.received


@dataclass(frozen=True, slots=True)
class Tenth:
    """A part of the flood."""

    accepts_per_s: float
    p50_ms: float
    p99_ms: float
    rss_mib: float
    uss_mib: float
    log_mib: float
    resolved_per_s: float
    delivered_per_s: float
    oldest_s: float


@contextlib.contextmanager
def watching(service: Process, database: Path) -> Iterator[list[Sample]]:
    """Look at it meanwhile; the list grows."""
    samples: list[Sample] = []
    over = threading.Event()
    failed: list[Exception] = []

    def watch() -> None:
        try:
            with contextlib.closing(open_reader(database)) as reader:
                while not over.wait(EVERY_S):
                    samples.append(look(service, database, reader))
        except Exception as error:  # noqa: BLE001 - raised below, where somebody sees it
            failed.append(error)

    thread = threading.Thread(target=watch, name="watch", daemon=True)
    thread.start()
    try:
        yield samples
    finally:
        over.set()
        thread.join()
    if failed:
        raise failed[0]


def look(service: Process, database: Path, reader: sqlite3.Connection) -> Sample:
    """One look, with a reader of the database."""
    at = time.perf_counter()
    rows = reader.execute(
        """
        SELECT
            (SELECT COUNT(*) FROM events WHERE state = 'received') AS received,
            (SELECT COUNT(*) FROM events WHERE state = 'queued') AS queued,
            (SELECT COUNT(*) FROM events WHERE state = 'delivered') AS delivered,
            (SELECT MAX(id) FROM events) AS events,
            (SELECT received_at FROM events WHERE state = 'received' ORDER BY id LIMIT 1) AS oldest
        """
    ).fetchone()
    log = database.with_name(f"{database.name}-wal")
    return Sample(
        at,
        rss_mib=_kib(service.pid, "status", "VmRSS:") / 1024,
        uss_mib=_kib(service.pid, "smaps_rollup", "Private_Clean:", "Private_Dirty:") / 1024,
        log_mib=(log.stat().st_size if log.exists() else 0) / 2**20,
        cpu_s=service.cpu_s(),
        received=rows["received"],
        queued=rows["queued"],
        delivered=rows["delivered"],
        events=rows["events"] or 0,
        oldest_s=time.time() - rows["oldest"] if rows["oldest"] else 0.0,
    )


def _kib(pid: int, file: str, *names: str) -> int:
    lines = Path(f"/proc/{pid}/{file}").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith(names))


def tenths_of(load: Load, samples: Sequence[Sample]) -> list[Tenth]:
    """The flood cut into ten parts of as many webhooks each."""
    size = len(load.latencies_ms) // TENTHS
    began = load.answered_at[0]
    tenths = []
    for first in range(0, size * TENTHS, size):
        latencies, ended = load.latencies_ms[first : first + size], load.answered_at[first + size - 1]
        part = [sample for sample in samples if began <= sample.at <= ended]
        tenths.append(
            Tenth(
                accepts_per_s=size / (ended - began),
                p50_ms=percentile(latencies, 0.5),
                p99_ms=percentile(latencies, 0.99),
                rss_mib=part[-1].rss_mib,
                uss_mib=part[-1].uss_mib,
                log_mib=max(sample.log_mib for sample in part),
                resolved_per_s=rate(part, RESOLVED),
                delivered_per_s=rate(part, DELIVERED),
                oldest_s=part[-1].oldest_s,
            )
        )
        began = ended
    return tenths


def rate(samples: Sequence[Sample], what: Callable[[Sample], int]) -> float:
    """So many a second."""
    first, last = samples[0], samples[-1]
    return (what(last) - what(first)) / (last.at - first.at)


RESOLVED = attrgetter("resolved")
DELIVERED = attrgetter("delivered")
