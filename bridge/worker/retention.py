"""Retention at work: once soon after the start, then every hour, a small slice at a time and long rests.

`bridge prune` does the same at once, by the same sweep. Rule for editors: it never takes more than its share,
because a webhook that comes meanwhile is answered by the same writer.
"""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

import structlog

from bridge.config import Config
from bridge.errors import StoreError
from bridge.store.database import open_reader
from bridge.store.refusals import forget_sample
from bridge.store.retention import ORDER, Cutoffs, Slice, What, look, take
from bridge.store.spending import LONGEST_REQUEST_S
from bridge.store.writer import Writer
from bridge.worker.signals import wait

log = structlog.get_logger()

FIRST_S = 60.0
EVERY_S = 3600.0

# What the last turn left (it waited, or somebody replayed it) is looked for again once a day: in the other
# turns nobody reads what was emptied long ago.
TURNS_A_DAY = 24

# Of the time: a million events take an hour, and nobody notices. (With 0.1 they take a quarter of it, and one
# webhook of a hundred waits 20 ms longer, mostly for the writer to bring its log into the file: for people
# who can't wait for the hour.)
SHARE = 0.03
SHARE_NOW = 0.1
LONGEST_REST_S = 1.0

Taken = tuple[int, float]
Run = Callable[[Callable[[sqlite3.Connection], Taken]], Awaitable[Taken]]


def cutoffs(config: Config, now: float) -> Cutoffs:
    """What is old enough by the configuration; requests stay as long as the budget counts them."""
    return Cutoffs.at(
        now,
        payloads_s=config.retention.payloads_s,
        events_s=config.retention.events_s,
        counted_s=config.fusion.leads_limit.per_s + 2 * LONGEST_REQUEST_S,
    )


class Sweep:
    """One way through the database, from `first` on; what it did so far can be asked at any time."""

    def __init__(
        self,
        run: Run,
        until: Cutoffs,
        *,
        share: float = SHARE,
        first: dict[What, int] | None = None,
        tell: Callable[[What, int], None] = lambda _what, _rows: None,
    ) -> None:
        self._run = run
        self._until = until
        self._share = share
        self._tell = tell
        self.reached: dict[What, int] = dict(first or {})  # the first ids that the next one must look at
        self.gone: dict[What, int] = dict.fromkeys(ORDER, 0)
        self.stopped = asyncio.Event()

    async def go(self, database: Path) -> None:
        """Empty and delete what is old enough.

        Raises:
            StoreError: the database can't be read or written; what was done stays done.
        """
        reader = await asyncio.to_thread(open_reader, database)
        try:
            for what in ORDER:
                await self._of(what, reader)
            await self._run(self._forget_refused)
        finally:
            reader.close()

    def _forget_refused(self, connection: sqlite3.Connection) -> Taken:
        """Requests that were refused hold what payloads hold."""
        return forget_sample(connection, before=self._until.payloads), 0.0

    async def _of(self, what: What, reader: sqlite3.Connection) -> None:
        loop, size, last = asyncio.get_running_loop(), Slice(), False
        first, young = self.reached.get(what, 0), None
        while not last and not self.stopped.is_set():
            began = loop.time()
            window = await asyncio.to_thread(look, reader, what, first=first, cutoffs=self._until)
            await self._rest(loop.time() - began)
            ids = window.ids
            while ids and not self.stopped.is_set():
                began, some, ids = loop.time(), ids[: size.rows], ids[size.rows :]
                gone, seconds = await self._run(partial(take, what=what, ids=some, cutoffs=self._until))
                self.gone[what] += gone
                size = size.after(len(some), seconds)
                self._tell(what, len(some))
                await self._rest(loop.time() - began)
            first, last = window.next_id, window.last
            young = window.young if young is None else young
            self.reached[what] = first if young is None else young

    async def _rest(self, seconds: float) -> None:
        """After so much work. What waited meanwhile counts as work: the busier it is, the longer the rest."""
        await wait(self.stopped, min(LONGEST_REST_S, seconds * (1 / self._share - 1)))


class Retention:
    """The service's own: turn after turn, until it is stopped."""

    def __init__(self, config: Callable[[], Config], writer: Writer, clock: Callable[[], float]) -> None:
        self._config = config
        self._database = config().database  # where the writer is, also when a reload names another
        self._writer = writer
        self._clock = clock
        self._turns = 0
        self._reached: dict[What, int] = {}
        self._sweep: Sweep | None = None
        self._stopped = asyncio.Event()

    async def run(self) -> None:
        await wait(self._stopped, FIRST_S)
        while not self._stopped.is_set():
            try:
                await self.turn()
            except (StoreError, sqlite3.Error) as error:
                log.warning("retention.waiting", error=str(error))
            except Exception:
                log.exception("retention.stumbled")
            await wait(self._stopped, EVERY_S)

    def stop(self) -> None:
        """End after the slice under way."""
        self._stopped.set()
        if self._sweep is not None:
            self._sweep.stopped.set()

    async def turn(self) -> dict[What, int]:
        """What became old enough since the last turn; once a day, everything. Returns how many went."""
        config = self._config()
        first = self._reached if self._turns % TURNS_A_DAY else {}
        self._sweep = sweep = Sweep(self._writer.run, cutoffs(config, self._clock()), first=first)
        try:
            await sweep.go(self._database)
        finally:
            self._reached, self._sweep = sweep.reached, None
            if any(sweep.gone.values()):
                log.info("retention.pruned", **sweep.gone)
        self._turns += 1
        return sweep.gone
