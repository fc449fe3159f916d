"""The one writing connection, and group commit.

Everything that writes hands it a function of the connection. Functions that arrive while a commit is under
way share the next one, each in its own savepoint, so that a failing one fails alone. The functions run in the
event loop (they take microseconds, and two threads would fight for the interpreter over every statement);
what waits for the disk or for another process runs in a thread. After an error that no repetition cures it
is lost: it refuses whatever comes, and who made it makes another. Rule for editors: a function must not
begin, commit or wait for anything; when its future is done, its writes are on the disk.
"""

import asyncio
import contextlib
import queue
import sqlite3
import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from bridge.errors import StoreError
from bridge.store.checkpoint import Checkpoints
from bridge.store.database import BUSY_MS, identity, open_writer
from bridge.store.trouble import LOST, PASSING, Failing, code_of, refusal

T = TypeVar("T")
Write = Callable[[sqlite3.Connection], T]
Item = tuple[Write[Any], "asyncio.Future[Any]"]
Result = tuple["asyncio.Future[Any]", Any, Exception | None]

# Enough that a burst shares commits, few enough that nothing else waits for long while they run.
MAX_GROUP = 128

# A disk that hangs must not keep the process from its end.
STOP_WITHIN_S = 1.5


class Writer:
    """Owns the writing connection. Made and used in a running event loop; stop it after the last write.

    `lost` is done, with the reason, when it will never write again.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection = open_writer(path)
        self._connection.execute("PRAGMA busy_timeout = 0")  # the loop never waits for a lock
        self._file = identity(path)
        self._checkpoints = Checkpoints(path)
        self._loop = asyncio.get_running_loop()
        self.lost: asyncio.Future[StoreError] = self._loop.create_future()
        self._waiting: deque[Item] = deque()
        self._work: asyncio.Task[None] | None = None
        self._stopped = False
        self._slow: queue.SimpleQueue[tuple[Callable[[], object], asyncio.Future[None]] | None]
        self._slow = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run_slow, name="writer", daemon=True)
        self._thread.start()

    async def stop(self) -> None:
        """Finish what was handed over, then close. Later writes are refused."""
        self._stopped = True
        if self._work is not None:
            await asyncio.wait([self._work], timeout=STOP_WITHIN_S)
        self._slow.put(None)
        await asyncio.to_thread(self._thread.join, STOP_WITHIN_S)
        await asyncio.to_thread(self._checkpoints.stop, STOP_WITHIN_S)

    def submit(self, write: Write[T]) -> "asyncio.Future[T]":
        """Hand over a write. The future fails with StoreError when the database can't be written."""
        future: asyncio.Future[T] = self._loop.create_future()
        if self._stopped:
            future.set_exception(StoreError("the bridge is shutting down", fix="try again"))
            return future
        if self.lost.done():
            future.set_exception(self.lost.result())
            return future
        self._waiting.append((write, future))
        if self._work is None:
            self._work = self._loop.create_task(self._drain())
        return future

    async def run(self, write: Write[T]) -> T:
        """Hand over a write and wait until it is on the disk."""
        return await self.submit(write)

    async def _drain(self) -> None:
        while self._waiting:
            for future, result, failure in await self._next():
                if future.done():  # whoever waited was cancelled; the write stands
                    continue
                if failure is None:
                    future.set_result(result)
                else:
                    future.set_exception(failure)
        self._work = None

    async def _next(self) -> list[Result]:
        """One group: begin, write, commit. Who came while the lock was waited for has waited as well."""
        group = self._waiting
        try:
            await self._begin()
            group = deque(self._waiting.popleft() for _ in range(min(MAX_GROUP, len(self._waiting))))
            results = [(future, *self._savepoint(write)) for write, future in group if not future.done()]
            await self._in_thread(self._connection.commit)
            self._checkpoints.committed()
        except Exception as error:  # noqa: BLE001 - each of them is told; the next group tries afresh
            with contextlib.suppress(sqlite3.Error):
                self._connection.rollback()
            refused = self._refused(error)
            results = [(future, None, refused) for _, future in group]
            group.clear()
        return results

    def _refused(self, error: Exception) -> StoreError:
        if isinstance(error, StoreError):
            return error
        refused = refusal(self._path, "the database can't be written", error)
        if code_of(error) in LOST and not self.lost.done():
            self.lost.set_result(refused)
        return refused

    async def _begin(self) -> None:
        """IMMEDIATE: a deferred transaction that reads first fails when the CLI wrote meanwhile."""
        self._look_whether_it_is_there()
        try:
            self._connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if code_of(error) != sqlite3.SQLITE_BUSY:
                raise
            await self._in_thread(self._begin_patiently)

    def _look_whether_it_is_there(self) -> None:
        """What is written into a file that was deleted or replaced is lost, without an error."""
        if not self.lost.done():
            with contextlib.suppress(OSError):
                if identity(self._path) == self._file:
                    return
            reason = f"the database {self._path} was moved, replaced or deleted while it was open"
            self.lost.set_result(Failing(reason, fix="put it back, or restore the last backup"))
        raise self.lost.result()

    def _begin_patiently(self) -> None:
        self._connection.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
        try:
            self._connection.execute("BEGIN IMMEDIATE")
        finally:
            self._connection.execute("PRAGMA busy_timeout = 0")

    def _in_thread(self, work: Callable[[], object]) -> "asyncio.Future[None]":
        done: asyncio.Future[None] = self._loop.create_future()
        self._slow.put((work, done))
        return done

    def _run_slow(self) -> None:
        while (item := self._slow.get()) is not None:
            work, done = item
            try:
                work()
            except Exception as error:  # noqa: BLE001 - handed to whoever waits for it
                self._loop.call_soon_threadsafe(done.set_exception, error)
            else:
                self._loop.call_soon_threadsafe(done.set_result, None)
        self._connection.close()

    def _savepoint(self, write: Write[Any]) -> tuple[Any, Exception | None]:
        """One write of a group; what it raises is its own, unless the transaction is in danger."""
        self._connection.execute("SAVEPOINT one")
        try:
            result = write(self._connection)
        except Exception as error:
            if code_of(error) in LOST | PASSING:
                raise
            self._connection.execute("ROLLBACK TO one")
            self._connection.execute("RELEASE one")
            return None, error
        self._connection.execute("RELEASE one")
        return result, None


class NoWriter(Writer):
    """Stands for the writer while there is none: refuses at once, and says why."""

    def __init__(self, why: StoreError) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopped = False
        self.lost = self._loop.create_future()
        self.lost.set_result(why)
