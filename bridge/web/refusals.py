"""Refused and ignored requests on their way to the database: counted in memory, written once a second.

A stranger's request must cost no commit. Rule for editors: nothing of a body is kept whose sender didn't
prove who it is; of an unknown source not even its name, which may be a token that was pasted wrong.
"""

import asyncio
import sqlite3
from collections import deque
from collections.abc import Callable

import structlog

from bridge.errors import StoreError
from bridge.metrics import Metrics
from bridge.store import refusals
from bridge.store.refusals import BODY_KEPT, SAMPLE, Count, Refused
from bridge.store.writer import Writer

log = structlog.get_logger()

WRITE_EVERY_S = 1.0
_REASON = 200  # characters


class Refusals:
    """What came in and is no event, until it is written."""

    def __init__(self, metrics: Metrics, clock: Callable[[], float]) -> None:
        self._metrics = metrics
        self._clock = clock
        self._counts: dict[tuple[str, str], Count] = {}
        self._sample: deque[Refused] = deque(maxlen=SAMPLE)
        self._noted = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def note(
        self, source: str, outcome: str, reason: str, *, body: bytes | None = None, content_type: str = ""
    ) -> None:
        """Count a request; with `body` it is also kept. `source` is a name of the configuration, or ''."""
        now, reason = self._clock(), reason[:_REASON]
        before = self._counts.get((source, outcome))
        count = 1 + (before.count if before else 0)
        self._counts[source, outcome] = Count(source, outcome, count, reason, now)
        if body is not None:
            kept = Refused(source, outcome, reason, now, content_type[:_REASON], len(body), body[:BODY_KEPT])
            self._sample.append(kept)
        self._metrics.refused(source, outcome)
        self._noted.set()

    def start(self, writer: Writer) -> None:
        """Begin to write what is noted."""
        self._task = asyncio.create_task(self._run(writer))

    async def stop(self, writer: Writer) -> None:
        """Write the rest, and end."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        await self.write(writer)

    async def _run(self, writer: Writer) -> None:
        while True:
            await self._noted.wait()
            self._noted.clear()
            await self.write(writer)
            await asyncio.sleep(WRITE_EVERY_S)

    async def write(self, writer: Writer) -> None:
        """Write what was noted. What can't be written now is kept for the next time."""
        counts, sample = self._counts, list(self._sample)
        self._counts = {}
        self._sample.clear()
        if not counts:
            return
        try:
            await writer.run(lambda connection: refusals.add(connection, counts, sample))
        except (StoreError, sqlite3.Error) as error:  # the disk is full: `status` says so
            log.debug("refusals.waiting", error=str(error))
            self._put_back(counts, sample)

    def _put_back(self, counts: dict[tuple[str, str], Count], sample: list[Refused]) -> None:
        for key, old in counts.items():
            new = self._counts.get(key)
            newest = new or old
            count = old.count + (new.count if new else 0)
            self._counts[key] = Count(*key, count, newest.reason, newest.last_at)
        self._sample = deque([*sample, *self._sample], maxlen=SAMPLE)  # the newest stay
        self._noted.set()
