"""The one writer: a thread with the only writing connection, and group commit.

Everything that writes hands it a function of the connection. Functions that arrive while a commit is under
way share the next one, each in its own savepoint, so that a failing one fails alone. Rule for editors: a
function must not begin, commit or wait for anything; when its future is done, its writes are on the disk.
"""

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from bridge.errors import StoreError
from bridge.store.database import open_writer

T = TypeVar("T")
Write = Callable[[sqlite3.Connection], T]
Item = tuple[Write[Any], "asyncio.Future[Any]"]
Result = tuple["asyncio.Future[Any]", Any, Exception | None]

# Enough that a burst shares commits, few enough that the first of a group doesn't wait for long.
MAX_GROUP = 256

# After these SQLite may have rolled back everything, or the next statement would meet the same: the group
# fails as a whole. Any other error is the fault of the one write that met it.
FATAL = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_INTERRUPT,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_NOTADB,
    sqlite3.SQLITE_READONLY,
}


class Writer:
    """Owns the writing connection. Made and used in a running event loop; stop it after the last write."""

    def __init__(self, path: Path) -> None:
        self._connection = open_writer(path)
        self._loop = asyncio.get_running_loop()
        self._queue: queue.SimpleQueue[Item | None] = queue.SimpleQueue()
        self._stopped = False
        self._thread = threading.Thread(target=self._work, name="writer", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Finish what was handed over, then close. Later writes are refused."""
        if self._stopped:
            return
        self._stopped = True
        self._queue.put(None)
        self._thread.join()
        self._connection.close()

    def submit(self, write: Write[T]) -> "asyncio.Future[T]":
        """Hand over a write. The future fails with StoreError when the database can't be written."""
        future: asyncio.Future[T] = self._loop.create_future()
        if self._stopped:
            future.set_exception(StoreError("the bridge is shutting down", fix="try again"))
        else:
            self._queue.put((write, future))
        return future

    async def run(self, write: Write[T]) -> T:
        """Hand over a write and wait until it is on the disk."""
        return await self.submit(write)

    def _work(self) -> None:
        running = True
        while running:
            group: list[Item] = []
            item = self._queue.get()
            while item is not None:
                group.append(item)
                if len(group) == MAX_GROUP or self._queue.empty():
                    break
                item = self._queue.get()
            running = item is not None
            if group:
                # One call for the whole group: waking the loop costs more than a write.
                self._loop.call_soon_threadsafe(_deliver, self._commit(group))

    def _commit(self, group: list[Item]) -> list[Result]:
        results: list[Result] = []
        try:
            # IMMEDIATE: a deferred transaction that reads first fails when the CLI wrote meanwhile.
            self._connection.execute("BEGIN IMMEDIATE")
            results.extend((future, *self._savepoint(write)) for write, future in group)
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            fix = "check disk space, and who else holds the database"
            refused = StoreError(f"the database can't be written: {error}", fix=fix)
            results = [(future, None, refused) for _, future in group]
        return results

    def _savepoint(self, write: Write[Any]) -> tuple[Any, Exception | None]:
        """One write of a group; what it raises is its own, unless the transaction is in danger."""
        self._connection.execute("SAVEPOINT one")
        try:
            result = write(self._connection)
        except Exception as error:
            if isinstance(error, sqlite3.Error) and getattr(error, "sqlite_errorcode", 0) & 0xFF in FATAL:
                raise
            self._connection.execute("ROLLBACK TO one")
            self._connection.execute("RELEASE one")
            return None, error
        self._connection.execute("RELEASE one")
        return result, None


def _deliver(results: list[Result]) -> None:
    for future, result, failure in results:
        if future.done():  # whoever waited was cancelled; the write stands
            continue
        if failure is None:
            future.set_result(result)
        else:
            future.set_exception(failure)
