"""Keeps a service at work while its database allows it, and lets the database go while it doesn't.

What passes by itself (a full disk, a lock) is the writer's and never comes here. After anything else, and at
the start, a new service is begun, once a second until one works: it finds what it would find after a kill.
Rule for editors: nothing here ends the process: while it lives, senders are told to come again.
"""

import asyncio
import contextlib
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Protocol

import structlog

from bridge.errors import StoreError
from bridge.logs import Seldom
from bridge.store.database import Ownership, check_whole, identity, open_writer, prove
from bridge.store.trouble import Damaged, Failing, refusal
from bridge.store.writer import Writer
from bridge.web.state import Surface

log = structlog.get_logger()

AGAIN_S = 1.0

# Reading a big file as a whole takes seconds, and a tenth of the time at most.
CHECK_SHARE = 0.1

# The port opens after the first try: usually it works, and the first webhook finds everything ready.
FIRST_TRY_S = 2.5


class Service(Protocol):
    """What is kept at work."""

    writer: Writer

    async def start(self) -> Surface:
        """Begin. Raises StoreError when the database doesn't allow it."""

    async def drain(self) -> None:
        """Finish what is under way, and begin nothing any more."""

    async def stop(self) -> None:
        """Let the database go, also after a start that failed."""


class Keeper:
    """One database, and the service that works on it while it can."""

    def __init__(
        self,
        database: Path,
        make: Callable[[], Service],
        show: Callable[[Surface], None],
        refuse: Callable[[StoreError], None],
        ownership: Ownership | None = None,
    ) -> None:
        """`show` is told what the web works with, `refuse` why there is nothing."""
        self._database = database
        self._make = make
        self._show = show
        self._refuse = refuse
        self._ownership = ownership
        self._service: Service | None = None
        self._known = False  # whether it was open before: then a missing file is no new database
        self._suspect = False  # whether it was damaged: then all of it is read before it is trusted again
        self._rest_s = AGAIN_S
        self._said, self._stumbled = Seldom(), Seldom()
        self._tried = asyncio.Event()

    async def start(self) -> None:
        """Try for the first time, and go on in the background."""
        self._refuse(StoreError("the database isn't open yet", fix="wait a moment"))
        self._task = asyncio.create_task(self._keep())
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._tried.wait(), FIRST_TRY_S)

    @property
    def at_work(self) -> bool:
        """Whether events can be stored, as far as is known."""
        return self._service is not None

    async def drain(self) -> None:
        """The service finishes what is under way; whoever brings something new is asked to come again."""
        self._refuse(StoreError("the bridge is shutting down", fix="wait until it is back"))
        if self._service is not None:
            await self._service.drain()

    async def stop(self) -> None:
        """End what is kept, and let the database go."""
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task

    async def _keep(self) -> None:
        while True:
            try:
                why = await self._one_life()
            except StoreError as error:
                why = error
            except Exception as error:
                reason = f"the bridge stumbled over its database ({type(error).__name__})"
                if self._stumbled.due(reason):
                    log.exception("store.stumbled")
                why = StoreError(
                    reason, fix="this is a bug of the bridge: report it with the log's traceback"
                )
            if isinstance(why, Failing) and self._ownership is not None:
                self._ownership.close()
            self._suspect = self._suspect or isinstance(why, Damaged)
            self._refuse(why)
            self._say(why)
            self._tried.set()
            await asyncio.sleep(self._rest_s)

    async def _one_life(self) -> StoreError:
        """From opening the database until it is lost. Returns why, raises StoreError if it doesn't open."""
        service = self._make()
        try:
            # Open until the service has it open, too: a last one that closes would merge the whole log.
            with closing(await asyncio.to_thread(self._open)):
                surface = await service.start()
            self._service, self._known = service, True
            self._show(surface)
            if self._tried.is_set():
                log.info("store.available")
            self._said.over()
            self._stumbled.over()
            self._tried.set()
            return await service.writer.lost
        finally:
            self._service = None
            await service.stop()

    def _open(self) -> sqlite3.Connection:
        """In a thread: it may wait for a lock, or read for minutes."""
        if self._known and self._is_gone():
            fix = "put it back (is its disk mounted?), or restart the bridge to begin with an empty one"
            raise Failing(f"the database {self._database} is gone", fix=fix)
        if self._ownership is not None:
            self._ownership.take()
        connection = open_writer(self._database)
        try:
            if self._suspect:
                self._check(connection)
            prove(connection)
        except sqlite3.Error as error:
            connection.close()
            raise refusal(self._database, "the database can't be written", error) from error
        except StoreError:
            connection.close()
            raise
        return connection

    def _is_gone(self) -> bool:
        try:
            identity(self._database)
        except OSError as error:  # whatever else is in the way is said by whoever opens it
            return isinstance(error, (FileNotFoundError, NotADirectoryError))
        return False

    def _check(self, connection: sqlite3.Connection) -> None:
        began = time.monotonic()
        try:
            check_whole(self._database, connection)
        finally:
            self._rest_s = max(AGAIN_S, (time.monotonic() - began) / CHECK_SHARE)
        self._suspect, self._rest_s = False, AGAIN_S

    def _say(self, why: StoreError) -> None:
        if self._said.due(why.message):
            log.error("store.unavailable", reason=why.message, fix=why.fix)
