"""Empties the database's log after something of an erased person went through it.

An event of theirs is stored as every other before anybody knows whose it is, and emptied a moment later;
the log holds it until it begins anew, which a quiet service does once in months. Rule for editors: webhooks
come first: it never waits for long, and goes wrong in silence, to be tried again.
"""

import asyncio
import contextlib
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

from bridge.store.remnants import flush

# Somebody erased may go on sending: emptying the log costs the disk as much as three commits.
EVERY_S = 5.0


class Rinse:
    """Is told what needs it, and does it now and then."""

    def __init__(self, database: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._clock = clock
        self._needed = True  # whoever was killed may have been about to
        self._next_at = 0.0

    def need(self) -> None:
        """Something was erased, and is on the disk when this transaction is."""
        self._needed = True

    async def turn(self) -> None:
        """Empty the log, if it is time. While a backup reads it, it is tried again later."""
        now = self._clock()
        if not self._needed or now < self._next_at:
            return
        self._next_at, self._needed = now + EVERY_S, False
        emptied = False
        with contextlib.suppress(sqlite3.Error):
            emptied = await asyncio.to_thread(flush, self._database, patience_s=0.0)
        self._needed = self._needed or not emptied
