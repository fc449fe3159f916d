"""The real bridge with a death in it: its process kills itself at one boundary of the many that it passes.

A boundary is a place where a kill leaves something else behind than the one before: a statement that writes,
a commit, a request on its way, a file that is renamed. They are found from outside, by standing between the
bridge and SQLite, its HTTP client and a few functions of its own; the product knows nothing of this. Rule for
editors: what stands in between only watches, and passes on what it is given.
"""

import contextlib
import ctypes
import functools
import inspect
import os
import re
import signal
import sqlite3
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import FrameType
from typing import Any

# Which step a statement belongs to is told by the innermost of these that asked for it.
_STEPS = (
    ("bridge.web.webhooks:", "receive"),
    ("bridge.worker.resolver:", "resolve"),
    ("bridge.worker.lane:Lane._carry", "send"),
    ("bridge.worker.lane:Lane._settle", "settle"),
    ("bridge.worker.lane:Lane._put_back", "start"),
    ("bridge.worker.lane:", "compose"),
    ("bridge.store.retention:", "prune"),
    ("bridge.store.migrations:", "migrate"),
    ("sqlite_utils.migrations:", "migrate"),
    ("bridge.app:Service.reload", "reload"),
    ("bridge.app:Service._reload", "reload"),
    ("bridge.app:Service.drain", "stop"),
    ("bridge.app:Service.stop", "stop"),
    ("bridge.app:", "start"),
    ("bridge.store.database:", "start"),
    ("bridge.keeper:Keeper.drain", "stop"),
    ("bridge.keeper:Keeper.stop", "stop"),
    ("bridge.store.writer:Writer._run_slow", "stop"),
)
_WRITES = re.compile(
    r"""
    (?:\s*--[^\n]*\n)*\s*  # what a migration says of itself
    (INSERT|UPDATE|DELETE|CREATE|DROP|ALTER|VACUUM|PRAGMA\ (?:journal_mode|wal_checkpoint|integrity_check))
    (?:\ OR\ REPLACE|\ OR\ IGNORE)?(?:\ INTO|\ FROM)?
    (?:\ UNIQUE)?(?:\ TABLE|\ INDEX)?(?:\ IF\ NOT\ EXISTS)?\s*\W?(\w*)
    """,
    re.VERBOSE,
)
# So small that the log is brought into the file again and again, in the middle of commits.
_CHECKPOINT = ("PRAGMA wal_autocheckpoint = 32000", "PRAGMA wal_autocheckpoint = 12")


@dataclass(frozen=True, slots=True)
class Death:
    """Where to die: at the n-th boundary of this label; nowhere without one.

    A label is the step and what happens in it; a commit that several steps share is each of theirs. With
    `torn`, not before what follows the boundary but in it: at this change of a file, in its middle.
    """

    label: str = ""
    nth: int = 1
    torn: int = 0


class Boundaries:
    """Counts what is passed, writes it down, and dies where it should."""

    def __init__(self, death: Death, journal: Path, step: str) -> None:
        self._death = death
        self._journal = os.open(journal, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._step = step
        self._count: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._shim = ctypes.CDLL(None)

    def passed(self, label: str) -> None:
        """One boundary. Doesn't return from the one that was meant."""
        if self._due(label):
            die()

    @contextlib.contextmanager
    def around(self, label: str) -> Iterator[None]:
        """What changes files: a boundary before it, one after it, and the middle."""
        if self._due(label):
            if not self._death.torn:
                die()
            self._shim.torn_arm(ctypes.c_long(self._death.torn))
            yield
            die()  # it had fewer changes than that
        yield
        self.passed(f"{label}, done")

    def step(self, frame: FrameType | None) -> str:
        """Whose statement it is."""
        while frame is not None:
            place = f"{frame.f_globals.get('__name__')}:{frame.f_code.co_qualname}"
            for prefix, step in _STEPS:
                if place.startswith(prefix):
                    return step
            frame = frame.f_back
        return "other"

    def _due(self, label: str) -> bool:
        steps, _, what = label.partition(": ")
        steps = self._step or steps
        with self._lock:
            os.write(self._journal, f"{steps}: {what}\n".encode())
            named = {f"{step}: {what}" for step in steps.split("+")}
            self._count.update(named)
            death = self._death
            return death.label in named and self._count[death.label] == death.nth


def die() -> None:
    """As kill -9 does it."""
    os.kill(os.getpid(), signal.SIGKILL)


def install(death: Death, journal: Path, *, step: str = "") -> None:
    """Stand in between. `step` names them all, where the process has but one."""
    met = Boundaries(death, journal, step)
    _between_sqlite(met)
    _between_http(met)
    for module, name, before, after in _SEAMS:
        _between(met, module, name, before, after)


# Module, function, and what is said before and after it.
_SEAMS = (
    ("bridge.web.webhooks", "_body", "", "receive: body read"),
    ("bridge.web.webhooks", "_store", "", "receive: to be answered"),
    ("bridge.web.webhooks", "Webhooks.__call__", "", "receive: answered"),
    ("bridge.worker.resolver", "apply", "", "resolve: rules done"),
    ("bridge.store.claiming", "compose", "", "compose: composed"),
    ("bridge.fusion.client", "FusionClient._exchange", "send: to leave", "send: answered"),
    ("bridge.app", "load", "reload: file to be read", "reload: file read"),
    ("bridge.config.load", "parse", "", "reload: file parsed"),
    ("bridge.app", "Service._reload_lanes", "reload: lanes to be changed", "reload: lanes changed"),
    ("bridge.app", "Service.reload", "", "reload: done"),
    ("bridge.app", "Service.start", "start: to begin", "start: done"),
    ("bridge.app", "Service.drain", "stop: to drain", "stop: drained"),
    ("bridge.app", "Service.stop", "", "stop: stopped"),
    ("bridge.store.database", "Ownership.take", "", "start: owner"),
    ("bridge.worker.retention", "Sweep._rest", "prune: slice done", ""),
    ("bridge.store.backup", "_check", "backup: copied", ""),
    ("bridge.store.backup", "_contents", "", "backup: to be renamed"),
    ("bridge.store.backup", "sync_folder", "backup: renamed", "backup: done"),
)


def _between(met: Boundaries, module: str, name: str, before: str, after: str) -> None:
    owner: Any = import_module(module)
    *path, attribute = name.split(".")
    for part in path:
        owner = getattr(owner, part)
    setattr(owner, attribute, _watched(met, getattr(owner, attribute), before, after))


def _watched(met: Boundaries, function: Callable[..., Any], before: str, after: str) -> Callable[..., Any]:
    def say(label: str) -> None:
        if label:
            met.passed(label)

    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def later(*args: Any, **named: Any) -> Any:
            say(before)
            result = await function(*args, **named)
            say(after)
            return result

        return later

    @functools.wraps(function)
    def now(*args: Any, **named: Any) -> Any:
        say(before)
        result = function(*args, **named)
        say(after)
        return result

    return now


def _between_http(met: Boundaries) -> None:
    """What httpcore tells of a request, and so nobody has to guess when Fusion has it."""
    import httpx2  # noqa: PLC0415 - here and not in the parent, which has no use for it

    stream = httpx2.AsyncClient.stream
    told = {
        "http11.send_request_body.complete": "send: on its way",
        "http11.receive_response_headers.complete": "send: answer begun",
    }

    async def trace(name: str, _info: Any) -> None:
        if name in told:
            met.passed(told[name])

    def traced(self: Any, *args: Any, **named: Any) -> Any:
        return stream(self, *args, **{**named, "extensions": {"trace": trace}})

    httpx2.AsyncClient.stream = traced  # type: ignore[method-assign]


class _Watched(sqlite3.Connection):
    """A connection that tells what it is about to write."""

    met: Boundaries
    steps: tuple[str, ...] = ()  # whose statements the transaction holds

    def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
        if sql == _CHECKPOINT[0]:
            sql = _CHECKPOINT[1]
        with self._committing() if sql == "COMMIT" else self._said(sql):
            return super().execute(sql, *values)

    def executemany(self, sql: str, *values: Any) -> sqlite3.Cursor:
        with self._said(sql):
            return super().executemany(sql, *values)

    def commit(self) -> None:
        with self._committing():
            super().commit()

    def close(self) -> None:
        with self.met.around(f"{self._step()}: close"):
            super().close()

    def backup(self, target: Any, *, progress: Any = None, **named: Any) -> None:
        step = self._step()

        def told(*state: int) -> None:
            self.met.passed(f"{step}: pages copied")
            if progress:
                progress(*state)

        with self.met.around(f"{step}: copy"):
            super().backup(target, progress=told, **named)

    def _step(self) -> str:
        return self.met.step(sys._getframe(1))

    @contextlib.contextmanager
    def _said(self, sql: str) -> Iterator[None]:
        found = _WRITES.match(sql)
        if not found:
            yield
            return
        step = self._step()
        label = f"{step}: {found[1]} {found[2]}".rstrip()
        if self.in_transaction:
            self.steps = tuple(dict.fromkeys((*self.steps, step)))
            self.met.passed(label)
            yield
            return
        with self.met.around(label):  # a transaction of its own
            yield

    @contextlib.contextmanager
    def _committing(self) -> Iterator[None]:
        steps, self.steps = self.steps, ()
        if not steps:  # nothing was written
            yield
            return
        with self.met.around(f"{'+'.join(sorted(steps))}: commit"):
            yield


def _between_sqlite(met: Boundaries) -> None:
    connect = sqlite3.connect
    _Watched.met = met

    def watched(database: Any, *args: Any, **named: Any) -> sqlite3.Connection:
        if str(database) == ":memory:":
            return connect(database, *args, **named)
        return connect(database, *args, factory=_Watched, **named)

    sqlite3.connect = watched  # type: ignore[assignment]
