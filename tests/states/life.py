"""One bridge from start to kill to start, in time that jumps.

Knows processes and time: what is sent, and what it should come to, is the world's business.
"""

import asyncio
import shutil
import sqlite3
import tempfile
from pathlib import Path

import structlog

from bridge.worker.signals import POLL_S, wait
from tests.states.loop import VirtualLoop, steps
from tests.states.service import KEYS, LIMITS, HandService, config, only_stumbles, others

EPOCH = 1_800_000_000.0  # by the wall clock, when everything begins
TICK_S = 1e-6
PAUSE = "SELECT paused_until FROM lanes WHERE reason = 'throttled'"


class Life:
    """A bridge that is up or down. Set `wire` and `fusion` before its first start."""

    def __init__(self):
        self.runner = asyncio.Runner(loop_factory=VirtualLoop)
        self.loop = self.runner.get_loop()
        self.folder = Path(tempfile.mkdtemp(prefix="states-"))
        self.choice = {"key": KEYS[0], "limit": LIMITS[0], "concurrency": 4}
        self.config = config(self.folder, **self.choice)
        self.service = None
        self._ticks = 0
        self.stumbled = only_stumbles()
        self._reader = sqlite3.connect(self.config.database, isolation_level=None)
        self._reader.row_factory = sqlite3.Row

    def clock(self):
        """No two moments are the same, as with a real clock."""
        self._ticks += 1
        return EPOCH + self.loop.time() + self._ticks * TICK_S

    def run(self, work):
        return self.loop.run_until_complete(work)

    def rows(self, sql, *values):
        return [dict(row) for row in self._reader.execute(sql, values)]

    @property
    def up(self):
        return self.service is not None

    # What happens to the process.

    def start(self, rounds=None):
        """Start; killed after so many rounds of the loop, or not (None)."""
        service = HandService(self.config, transport=self.wire, clock=self.clock)

        async def begin():
            starting = asyncio.ensure_future(service.start())
            if rounds is None:
                await starting
            else:
                await steps(rounds)

        self.service = service
        self.run(begin())
        if rounds is not None:
            self.kill()

    def kill(self):
        """SIGKILL: every task ends where it stands, and nothing is committed any more."""

        async def end():
            tasks = others(*self.wire.tasks, *self.fusion._late)
            self.service.die()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

        self.run(end())
        self.service = None
        self._forget()

    def stop(self):
        """SIGTERM."""
        self.run(self.service.stop())
        self.service = None
        self._forget()

    def _forget(self):
        """What isn't on the disk isn't known any more."""
        pauses = [row["paused_until"] for row in self.rows(PAUSE)]
        self.wire.forget(pauses)
        self.resolved()

    def reload(self, **changes):
        if changes.get("key", self.choice["key"]) != self.choice["key"]:
            self.wire.rekeyed_at = self.clock()
        self.choice |= changes
        self.config = config(self.folder, **self.choice)
        if self.up:
            self.run(self.service.use(self.config))

    # What happens in time.

    def live(self, seconds):
        """As its loops do it: resolve, claim, wait; until that time has passed."""

        async def loops():
            until = self.clock() + seconds
            while (now := self.clock()) < until:
                self.service.lane.wake.clear()
                await self._resolve()
                pause = await self.service.lane.turn()
                if pause > 0:
                    paused = not self.service.lane.state.ready(self.clock())
                    await wait(
                        self.service.lane.wake, min(pause if paused else min(pause, POLL_S), until - now)
                    )

        self.run(loops())

    def pass_time(self, seconds):
        """Nobody takes a turn."""
        self.run(asyncio.sleep(seconds))

    def resolve(self):
        return self.run(self._resolve())

    async def _resolve(self):
        count = await self.service.resolver.turn()
        self.resolved()
        return count

    def deliver(self, turns):
        """What may be sent now leaves; nobody waits for the answers."""

        async def turn():
            for _ in range(turns):
                if await self.service.lane.turn() > 0:
                    return
                await steps(1)

        self.run(turn())

    def finish(self):
        """Wait for what is under way."""
        self.run(self.service.lane.finished())

    def side_by_side(self, work, rounds):
        """Each of these begins so many rounds of the loop after the one before."""

        async def begin():
            begun = []
            for each in work:
                begun.append(asyncio.ensure_future(each))
                await steps(rounds)
            await asyncio.gather(*begun)

        self.run(begin())
        self.resolved()

    def break_off(self, work, rounds):
        """Begin these, and be killed after so many rounds of the loop."""

        async def begin():
            for each in work:
                asyncio.ensure_future(each)  # noqa: RUF006 - killed at once
            await steps(rounds)

        self.run(begin())
        self.kill()

    def close(self):
        if self.up:
            self.kill()
        for task in (*self.wire.tasks, *self.fusion._late):
            task.cancel()
        self.run(steps(3))
        self._reader.close()
        self.runner.close()
        shutil.rmtree(self.folder, ignore_errors=True)
        structlog.reset_defaults()
