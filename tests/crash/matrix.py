"""The crash matrix: plays scenes with deaths in them, several side by side, and judges how each ended.

Knows where the databases come from with which scenes begin, and whose death it is. Rule for editors: whoever
runs, runs the product's own program; no run knows of another.
"""

import asyncio
import contextlib
import itertools
import queue
import shutil
import sqlite3
import subprocess
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from sqlite_utils import Database

from bridge.store.schema import FIRST
from tests.crash.dying import Death
from tests.crash.judge import HEIRS
from tests.crash.nursery import Nursery
from tests.crash.processes import Process
from tests.crash.scenes import SCENES, Scene
from tests.crash.town import BEFORE, crowd, known_leads
from tests.crash.verdicts import Fault
from tests.crash.world import CONSTANTS, LIMIT, PER_S, World, make, passed

SIDE_BY_SIDE = 6
_DAY = 86_400
WATCHED = Death()  # at no boundary
# In the middle of which changes of a file: the first of a write, the next, and where the log is brought into
# the file.
MIDDLES = (1, 2, 5)


@dataclass(frozen=True, slots=True)
class Finding:
    """How one run ended."""

    scene: str
    death: Death
    died_at: tuple[str, ...]  # labels; empty: nobody died
    faults: tuple[Fault, ...]
    passed: tuple[str, ...]  # the boundaries that whoever should die passed
    seconds: float


class Matrix:
    """Everything that runs have in common; a context manager that ends it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = itertools.count(1)
        self._fusions: queue.SimpleQueue[Process] = queue.SimpleQueue()

    def __enter__(self) -> Self:
        shim = _shim(self._folder)
        self.tears = shim is not None  # whether a process can die in the middle of a write
        with contextlib.ExitStack() as opened:
            self._nursery = opened.enter_context(Nursery(constants=CONSTANTS, preload=shim))
            for number in range(SIDE_BY_SIDE):
                folder = self._folder / f"fusion-{number}"
                folder.mkdir()
                fusion = opened.enter_context(self._nursery.sandbox(folder, requests=LIMIT, per_s=PER_S))
                fusion.start()
                self._fusions.put(fusion)
            self._databases = {"town": self._town(), "release": _release(self._folder / "release.db")}
            self._pruned = self._prune()
            self._opened = opened.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()

    def run_all(self, runs: Iterable[tuple[str, Death]]) -> Iterator[Finding]:
        """Play these, several side by side, in their order."""
        with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
            yield from pool.map(lambda each: self.run(*each), runs)

    def run(self, name: str, death: Death) -> Finding:
        """Play one scene with one death."""
        scene, began = SCENES[name], time.monotonic()
        known = {"town": known_leads(), "crowd": crowd(), "release": [_heir(HEIRS[1])]}[scene.before]
        lives = [*([scene.first] if scene.first else []), death] if scene.service else []
        with self._world(lives=lives, database=self._databases.get(scene.before), known=known) as world:
            world.pruned = self._pruned
            if scene.before == "release":  # the bridge knew of both
                world.known = [*known, _heir(HEIRS[0])]
            faults = self._played(scene, world, death)
            seen = passed(world.journals[-1]) if world.journals else []
            died_at = world.died_at[1 if scene.first else 0 :]
            return Finding(name, death, tuple(died_at), tuple(faults), tuple(seen), time.monotonic() - began)

    def _played(self, scene: Scene, world: World, death: Death) -> list[Fault]:
        try:
            asyncio.run(scene.play(world, None if scene.service else death))
            return scene.judge(world)
        except Exception as error:  # noqa: BLE001 - a run that doesn't end is a finding, too
            return [*world.faults, Fault("no end", f"{type(error).__name__}: {error}")]

    @contextlib.contextmanager
    def _world(self, **how: Any) -> Iterator[World]:
        fusion = self._fusions.get()
        folder = self._folder / f"run-{next(self._numbers)}"
        try:
            yield make(folder, self._nursery, fusion, **how)
        finally:
            self._fusions.put(fusion)
            shutil.rmtree(folder, ignore_errors=True)

    def _town(self) -> Path:
        """A database in which some are known, and much is old enough to be pruned."""
        database = self._folder / "town.db"
        with self._world() as world:
            asyncio.run(_live_through(world))
            shutil.copyfile(world.setting.database, database)
        _age(database)
        return database

    def _prune(self) -> Path:
        """The same, pruned without a kill."""
        pruned = self._folder / "pruned.db"
        with self._world(database=self._databases["town"]) as world:
            asyncio.run(world.command("prune", "--yes"))
            assert not world.faults, world.faults
            shutil.copyfile(world.setting.database, pruned)
        return pruned


async def _live_through(world: World) -> None:
    async with world.alive():
        await world.say(*BEFORE)
        await world.settled()


def _age(database: Path) -> None:
    with contextlib.closing(sqlite3.connect(database)) as connection, connection:
        for table, columns in (
            ("events", ("received_at", "occurred_at", "settled_at")),
            ("attempts", ("started_at", "answered_at")),
            ("contact_map", ("occurred_at", "stated_at", "dnd_all_at", "dnd_call_at")),
        ):
            moved = ", ".join(f"{column} = {column} - {100 * _DAY}" for column in columns)
            connection.execute(f"UPDATE {table} SET {moved}")
        connection.executemany(
            """
            INSERT INTO events (
                source, body_hash, type, contact_id, received_at, occurred_at, settled_at,
                state, reason, payload
            ) VALUES ('workflow', ?1, 't', ?1, ?2, ?2, ?2, 'skipped', 'no phone', x'7b7d')
            """,
            [(f"old-{each}", time.time() - (100 if each < 150 else 40) * _DAY) for each in range(200)],
        )


def _release(database: Path) -> Path:
    """As the first release left it: one lead waits, one was under way when it was killed."""
    with contextlib.closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.executescript(FIRST)
        Database(connection)["_sqlite_migrations"].create(
            {"id": int, "migration_set": str, "name": str, "applied_at": str}, pk="id"
        )
        connection.execute("INSERT INTO _sqlite_migrations VALUES (1, 'bridge', 'first', '2026-11-21')")
        connection.execute(
            "INSERT INTO attempts (id, lane, account, started_at, method, leads) "
            "VALUES (7, 'leads', 'main', 5, 'POST', 1)"
        )
        for number, (phone, sent) in enumerate(zip(HEIRS, (None, 1), strict=True), start=1):
            connection.execute(
                """
                INSERT INTO events (id, source, body_hash, type, received_at, occurred_at, state, payload)
                VALUES (?, 'workflow', 'h', 't', 1, 1, 'queued', x'7b7d')
                """,
                (number,),
            )
            connection.execute(
                """
                INSERT INTO outbox (
                    lane, account, campaign_id, phone, body, event_id, sent_version, sent_event_id, priority,
                    queued_at, due_at
                ) VALUES ('leads', 'main', '', ?1, ?2, ?3, ?4, CASE WHEN ?4 THEN ?3 END, 1, 1, 1)
                """,
                (phone, f'{{"phone": "{phone}", "name": "Ann Lee"}}', number, sent),
            )
        connection.execute("INSERT INTO attempt_leads VALUES (7, 2, '', ?)", (HEIRS[1],))
    return database


def _heir(phone: str) -> dict[str, Any]:
    return {"phone": phone, "name": "Ann Lee"}


def _shim(folder: Path) -> Path | None:
    compiler = shutil.which("cc")
    if compiler is None:
        return None
    library, source = folder / "torn.so", Path(__file__).with_name("torn.c")
    command = [compiler, "-shared", "-fPIC", "-O1", "-o", str(library), str(source), "-ldl"]
    return library if subprocess.run(command, check=False, capture_output=True).returncode == 0 else None


def deaths(reference: Finding, *, tears: bool) -> list[Death]:
    """One at each boundary that its scene is about and that this run passed; and some in each write."""
    scene, count = SCENES[reference.scene], Counter[str]()
    found: list[Death] = []
    for label in reference.passed:
        steps, _, what = label.partition(": ")
        count.update(f"{step}: {what}" for step in steps.split("+"))
        of = next((f"{step}: {what}" for step in steps.split("+") if step in scene.steps), None)
        if of is not None:
            changes = (0, *MIDDLES) if tears and f"{label}, done" in reference.passed else (0,)
            found += [Death(of, count[of], torn) for torn in changes]
    return found
