"""Erases a person, step by step, beside a running service or without one.

Marked first, so that nothing new of them is stored; found out about while their rows still tell; erased from
others, then from their own rows; proved by the bytes of the files last. A run that is broken off anywhere is
finished by the next. Rule for editors: nothing here prints or logs what it knows of the person.
"""

import contextlib
import sqlite3
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

from bridge.config import Config
from bridge.errors import BridgeError, StoreError
from bridge.inbound import GhlApp, GhlWorkflow
from bridge.inbound.ghl import SYSTEM
from bridge.rules.mentions import Traces
from bridge.store import forgetting, marks
from bridge.store.adopting import writing
from bridge.store.database import InUse, Ownership, open_reader, open_writer
from bridge.store.forgetting import SLICE, Place
from bridge.store.person import (
    Held,
    Lead,
    Person,
    events_of,
    find,
    held,
    leads_of,
    longer_phones,
    requests_of,
    with_left_behind,
    with_phones,
)
from bridge.store.queries import has_table
from bridge.store.remnants import count_traces, flush
from bridge.store.status import owner
from bridge.store.vacuum import vacuum, vacuum_beside_service
from bridge.worker.searching import Search

# A request has its answer within 60 s, or is given up.
PATIENCE_S = 60.0
LOOK_S = 0.2

# While a backup or another reader holds the log.
FLUSH_S = 20.0

# Between two transactions, for a webhook that waits for the lock.
REST_S = 0.02

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Found:
    """What there is of a person, before anything is done."""

    person: Person
    held: Held
    marked: bool


@dataclass(slots=True)
class Erased:
    """What was done."""

    found: Found
    leads: tuple[Lead, ...] = ()  # that Fusion has
    withdrawn: int = 0
    unsure: tuple[Place, ...] = ()  # where Fusion may have got a lead that nobody heard of
    events: int = 0
    others: int = 0  # events of others, or of nobody, in which they were mentioned
    words: int = 0  # sentences of answers, and leads of others
    shared: int = 0  # addresses that somebody else's lead has, too: they stay there
    flushed: bool = False
    traces: int = 0
    vacuumed: bool = False
    service: bool = False
    open_key: Path | None = None  # a key file that others may read

    @property
    def clean(self) -> bool:
        """Whether nothing of them is left in the files, as far as can be seen."""
        return self.flushed and not self.traces


def systems_of(config: Config) -> dict[str, str]:
    """By source, in whose ids it speaks."""
    ghl = (GhlApp, GhlWorkflow)
    return {name: SYSTEM if isinstance(source, ghl) else name for name, source in config.sources.items()}


def look(config: Config, phone: str) -> Found:
    """What there is of a person. Reads only; raises StoreError when there is no database."""
    with closing(open_reader(config.database)) as reader:
        person = with_left_behind(reader, find(reader, phone, systems_of(config)))
        known = marks.Marks(config.database)
        marked = has_table(reader, "forgotten") and known.readable(reader) and known.has_phone(reader, phone)
        return Found(person, held(reader, person), marked)


class Eraser:
    """One person's erasure."""

    def __init__(
        self,
        config: Config,
        phone: str,
        *,
        tell: Tell,
        tell_leads: Callable[[tuple[Lead, ...]], None],
        clock: Callable[[], float],
    ) -> None:
        """`tell_leads` hears which leads Fusion has, before nobody knows of them any more."""
        self._config = config
        self._database = config.database
        self._phone = phone
        self._tell = tell
        self._tell_leads = tell_leads
        self._clock = clock
        self._owned = False

    def run(self) -> Erased:
        """Erase them.

        Raises:
            StoreError: the database or the key can't be read or written; it can be run again.
            BridgeError: a request with their lead doesn't end.
        """
        with ExitStack() as opened:
            self._ownership = opened.enter_context(closing(Ownership(self._database)))
            self._reader = opened.enter_context(closing(open_reader(self._database)))
            self._connection = opened.enter_context(closing(open_writer(self._database)))
            found = look(self._config, self._phone)
            self._done = Erased(found)
            self._mark()
            self._wait()
            self._redact()
            self._erase()
            self._clean()
        return self._done

    def _alone(self) -> bool:
        """Whether no service runs; from then on none can be started until this is over."""
        if not self._owned and not owner(self._database):
            with contextlib.suppress(InUse):
                self._ownership.take()
                self._owned = True
        return self._owned

    def _mark(self) -> None:
        """Nothing of them is sent from here on: what waits is taken back, and nothing new is stored."""
        alone, now = self._alone(), self._clock()
        keys = marks.keys_for_new_marks(self._connection, self._database)
        self._done.open_key = keys.path if keys.open_to_others else None
        with writing(self._connection) as connection:
            person = find(connection, self._phone, systems_of(self._config))
            # What took a long look was found before; whoever has such a phone by now keeps it.
            self._person = with_phones(connection, person, self._done.found.person.phones)
            self._mark_of = marks.mark(
                connection,
                keys,
                self._phone,
                phones=self._person.phones,
                contacts=self._person.contacts,
                now=now,
            )
            # What an earlier run zeroed, and knew to look for, isn't known any more.
            self._broken_off = marks.broken_off(connection, self._mark_of)
            self._withdraw(connection, alone=alone)
        self._done.found = Found(self._person, self._done.found.held, self._done.found.marked)

    def _withdraw(self, connection: sqlite3.Connection, *, alone: bool) -> int:
        got = forgetting.withdraw(connection, self._person, self._clock(), alone=alone)
        self._done.withdrawn += got.rows
        self._done.unsure = tuple(sorted({*self._done.unsure, *got.unsure}))
        return got.in_flight

    def _wait(self) -> None:
        """What is under way comes to its end; what comes back to wait is taken, too."""
        until, told = time.monotonic() + PATIENCE_S, False
        while True:
            alone = self._alone()
            with writing(self._connection) as connection:
                if not self._withdraw(connection, alone=alone):
                    return
            if time.monotonic() > until:
                said = "a request with a lead of theirs is still under way; nothing new is sent, but"
                fix = "run it again in a minute: it goes on from there"
                raise BridgeError(f"{said} nothing is erased yet", fix=fix)
            if not told:
                self._tell("waiting for a request that is under way")
                told = True
            time.sleep(LOOK_S)

    def _redact(self) -> None:
        """They go out of what others said, and of what was said of others."""
        search = Search(self._config, self._person, self._reader, self._connection, now=self._clock())
        self._tell(f"looking through {search.last:,} events")
        search.go(rest_s=0.0 if self._owned else REST_S)
        self._known, self._done.shared = search.known, search.shared
        self._done.others, self._done.words = search.others, search.words

    def _erase(self) -> None:
        """Their own rows; what tells who they are goes last."""
        requests = requests_of(self._reader, self._person)
        with writing(self._connection) as connection:
            marks.reached(connection, self._mark_of, marks.ERASING)
            forgetting.blank_requests(connection, requests)
        while True:
            with writing(self._connection) as connection:
                ids = events_of(connection, self._person, limit=SLICE)
                forgetting.erase_events(connection, ids, self._clock())
            self._done.events += len(ids)
            if not ids:
                break
            self._rest()
        self._done.leads = leads_of(self._reader, self._person)
        self._tell_leads(self._done.leads)
        with writing(self._connection) as connection:
            forgetting.remove(connection, self._person, requests, self._known.emails)

    def _clean(self) -> None:
        """Nothing of them in the log, in free pages, or between the rows."""
        self._done.service = not self._alone()
        self._tell("looking through the files")
        self._prove()
        if self._done.flushed and (self._done.traces or self._broken_off):
            if self._alone():
                self._tell("writing the file anew")
                vacuum(self._database)
                self._done.vacuumed = True
            else:
                self._done.vacuumed = vacuum_beside_service(self._database)
            if self._done.vacuumed:
                self._prove()
            elif self._broken_off:
                self._done.traces = max(1, self._done.traces)
        if self._done.clean:
            with writing(self._connection) as connection:
                marks.reached(connection, self._mark_of, marks.ERASED)

    def _prove(self) -> None:
        try:
            self._done.flushed = flush(self._database, patience_s=FLUSH_S)
        except sqlite3.Error as error:
            fix = "check that the disk has space; then run it again"
            raise StoreError(f"the database can't be written: {error}", fix=fix) from error
        longer = longer_phones(self._reader, self._person)
        self._done.traces = count_traces(self._database, Traces(self._known, longer=longer))

    def _rest(self) -> None:
        if not self._owned:
            time.sleep(REST_S)
