"""One bridge that may die, its Fusion, and senders who repeat what wasn't answered: the town's world.

Starts the next life whenever one ended. Knows processes, files and HTTP; what is sent is the town's, what is
done in which order is a scene's, what must hold at the end is the judge's. Rule for editors: no wait here has
another end than what it waits for, or the patience of the whole run.
"""

import asyncio
import contextlib
import shutil
import signal
import sqlite3
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bridge.fusion.leads import LEADS_PATH
from tests.crash.dying import Death
from tests.crash.nursery import Forked, Nursery, Order
from tests.crash.processes import Process, call, hold
from tests.crash.sender import post
from tests.crash.setting import API_KEY, Setting, prepare
from tests.crash.town import Act
from tests.crash.verdicts import Fault, open_reader

PATIENCE_S = 60.0
LIMIT, PER_S = 40, 1
_AGAIN_S = 0.02

# Retention at once, and in small slices; nobody is looked for longer than this Fusion can be late; a copy has
# several steps, a replay several transactions.
CONSTANTS = {
    "bridge.worker.retention:FIRST_S": 0.1,
    "bridge.worker.retention:EVERY_S": 0.5,
    "bridge.worker.retention:LONGEST_REST_S": 0.02,
    "bridge.store.retention:WINDOW": 60,
    "bridge.outbox.settle:LATE_S": 1.0,
    "bridge.outbox.settle:LOOK_AGAIN_S": 0.3,
    "bridge.store.backup:PAGES": 16,
    "bridge.cli.replay:BATCH": 2,
}


@dataclass(slots=True)
class World:
    """The state of one run."""

    folder: Path
    nursery: Nursery
    fusion: Process
    setting: Setting
    known: Sequence[dict[str, Any]]  # what Fusion held at the beginning
    newest: int  # the newest event that the database held then
    pruned: Path | None = None  # what a database looks like that was pruned without a kill
    lives: list[Death] = field(default_factory=list)  # those to come; after them nobody dies
    died_at: list[str] = field(default_factory=list)  # the boundaries at which lives ended
    ended: list[int] = field(default_factory=list)  # how lives ended by themselves: exit statuses
    accepted: dict[Act, set[int]] = field(default_factory=dict)  # the ids that each was answered with
    faults: list[Fault] = field(default_factory=list)
    began: float = field(default_factory=lambda: time.time() - 3600)
    deadline: float = field(default_factory=lambda: time.monotonic() + PATIENCE_S)
    process: Forked | None = None
    death: Death | None = None  # of this life
    born: int = 0

    @property
    def journals(self) -> list[Path]:
        """Of the lives with a death, in their order."""
        return sorted(self.folder.glob("journal-*"), key=lambda path: int(path.name.split("-")[1]))

    def launch(self, *argv: str, death: Death | None = None, step: str = "") -> Forked:
        """One process of the program `bridge`."""
        self.born += 1
        journal = self.folder / f"journal-{self.born}"
        command = ("bridge", *argv, "-c", str(self.setting.config))
        log = str(self.folder / "bridge.log")
        return self.nursery.fork(Order(command, log, death=death, journal=str(journal), step=step))

    @contextlib.asynccontextmanager
    async def alive(self) -> AsyncIterator[None]:
        """The service runs meanwhile, life after life; the last one is ended as a service manager does."""
        holder = hold(self.setting.port)
        self._next_life()
        keeping = asyncio.create_task(self._keep_alive())
        try:
            yield
            await self._listening()  # before that it knows of no signals
        finally:
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)
            holder.close()
            assert self.process is not None
            self.process.terminate()
            status = await self.end(self.process)
            if status == -signal.SIGKILL and self.death:  # while it stopped
                self._died(self.death)
            elif status:
                self.faults.append(Fault("damaged", f"the service ended with status {status}"))

    def _next_life(self) -> None:
        self.death = self.lives.pop(0) if self.lives else None
        self.process = self.launch("serve", death=self.death)

    async def _keep_alive(self) -> None:
        while True:
            assert self.process is not None
            status = await self.end(self.process)
            if status == -signal.SIGKILL and self.death:
                self._died(self.death)
            elif status == 0:
                self.ended.append(status)
            else:
                self.faults.append(Fault("damaged", f"a life ended with status {status}: {self._said()}"))
            self._next_life()

    async def end(self, process: Forked) -> int:
        """Wait for the end of a process."""
        while (status := process.poll()) is None:
            self._still()
            await asyncio.sleep(_AGAIN_S)
        return status

    async def command(self, *argv: str, death: Death | None = None) -> int:
        """A command of the bridge, to its end or its death. Returns its exit status."""
        process = self.launch(*argv, death=death, step=argv[0])
        status = await self.end(process)
        if death is not None and status == -signal.SIGKILL:
            self._died(death)
        elif status:
            self.faults.append(Fault("damaged", f"`bridge {' '.join(argv)}` ended with status {status}"))
        return status

    def _died(self, death: Death) -> None:
        self.died_at.append(death.label)

    async def say(self, *acts: Act) -> None:
        """Send these side by side, each until it has its 200."""
        await asyncio.gather(*(self._say(act) for act in acts))

    async def _say(self, act: Act) -> None:
        sign = self.setting.signed if act.source == "app" else self.setting.with_token
        request = sign(act.payload(self.began))
        while True:
            self._still()
            with contextlib.suppress(OSError, EOFError, TimeoutError):
                status, answer = await asyncio.wait_for(post(self.setting.port, *request), 5)
                if status == 200:
                    self.accepted.setdefault(act, set()).add(answer["event_id"])
                    return
            await asyncio.sleep(_AGAIN_S)

    async def settled(self) -> None:
        """Wait until nothing waits."""
        while await asyncio.to_thread(self.waiting):
            self._still()
            await asyncio.sleep(_AGAIN_S)

    def waiting(self) -> int:
        """How many events or leads have no end yet."""
        sql = """
            SELECT (SELECT COUNT(*) FROM events WHERE state IN ('received', 'queued'))
                + (SELECT COUNT(*) FROM outbox)
        """
        with contextlib.suppress(sqlite3.OperationalError):  # there is none yet
            return int(self.rows(sql)[0][0])
        return 1

    def rows(self, sql: str) -> list[Any]:
        """What the database says."""
        with contextlib.closing(open_reader(self.setting.database)) as reader:
            return reader.execute(sql).fetchall()

    async def signal(self, number: int) -> None:
        """To the service, once it listens to it."""
        await self._listening()
        assert self.process is not None
        self.process.send_signal(number)

    async def _listening(self) -> None:
        while True:
            with contextlib.suppress(OSError):
                await asyncio.to_thread(call, self.setting.port, "GET", "/healthz")
                return
            self._still()
            await asyncio.sleep(_AGAIN_S)

    async def fault(self, *faults: dict[str, Any]) -> None:
        """From now on Fusion behaves like this, and no other way."""
        await asyncio.to_thread(call, self.fusion.port, "DELETE", "/sandbox/faults")
        await asyncio.to_thread(call, self.fusion.port, "POST", "/sandbox/faults", list(faults))

    def leads(self) -> list[dict[str, Any]]:
        """What Fusion holds."""
        found: list[dict[str, Any]] = call(self.fusion.port, "GET", "/sandbox/leads")["leads"]
        return found

    def _said(self) -> str:
        return (self.folder / "bridge.log").read_text()[-600:]

    def _still(self) -> None:
        if time.monotonic() > self.deadline:
            waits = self.rows("SELECT id, state FROM events WHERE state IN ('received', 'queued')")
            raise TimeoutError(f"not done within {PATIENCE_S:g} s; waiting: {waits}")


def passed(journal: Path) -> list[str]:
    """The labels of the boundaries that a life passed."""
    return journal.read_text().splitlines()


def make(
    folder: Path,
    nursery: Nursery,
    fusion: Process,
    *,
    lives: Sequence[Death] = (),
    database: Path | None = None,
    known: Sequence[dict[str, Any]] = (),
) -> World:
    """A world in an empty folder: Fusion knows these leads, the bridge what this database says."""
    call(fusion.port, "POST", "/sandbox/reset")
    for first in range(0, len(known), 100):
        body = {"leads": known[first : first + 100]}
        call(fusion.port, "POST", LEADS_PATH, body, headers={"Authorization": f"Bearer {API_KEY}"})
    setting = prepare(folder, fusion_port=fusion.port, requests=LIMIT, per_s=PER_S)
    text = setting.config.read_text().replace("  accounts:", "  concurrency: 1\n  accounts:")
    setting.config.write_text(text)
    newest = 0
    if database is not None:
        shutil.copyfile(database, setting.database)
        setting.database.chmod(0o600)
        # Made beside a Fusion on another port: what is in it is taken to be in this one.
        with contextlib.closing(sqlite3.connect(setting.database)) as connection, connection:
            if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'fusion_origins'").fetchone():
                connection.execute("DELETE FROM fusion_origins")
        with contextlib.closing(open_reader(database)) as reader:
            newest = reader.execute("SELECT COALESCE(MAX(id), 0) FROM events").fetchone()[0]
    return World(folder, nursery, fusion, setting, known, newest, lives=list(lives))
