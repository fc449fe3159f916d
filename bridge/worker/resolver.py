"""Received events → outbox rows, in order of arrival: the rules run here, the decisions in the writer.

Rule for editors: one event that can't be resolved is dead with a reason, and the next one goes on.
"""

import asyncio
import sqlite3
from collections.abc import Callable
from dataclasses import replace

import structlog

from bridge.config import Config
from bridge.errors import StoreError
from bridge.inbound.body import parse
from bridge.logs import Seldom
from bridge.metrics import Metrics
from bridge.model import Mapped, Reading
from bridge.outbox.facts import DO_NOT_CALL
from bridge.outbox.identity import Arrival, contact_key, decide, same_person
from bridge.rules.mapping import apply
from bridge.store import entries, event_words, events, recovering, resolving, wanted
from bridge.store.entries import REUSED_ID
from bridge.store.events import Ended, Received
from bridge.store.knowing import know
from bridge.store.marks import Marks
from bridge.store.writer import Writer
from bridge.worker.rinsing import Rinse
from bridge.worker.signals import POLL_S, STORE_PAUSE_S, Signals, wait

log = structlog.get_logger()

# Small, so that a webhook that comes meanwhile waits for milliseconds only.
RESOLVE_BATCH = 16

# A webhook costs the loop a tenth of this: who asks for answers gets them first, and while there is time for
# both, nothing waits for its turn. In a flood the rests are of the longest kind: resolving still goes on at
# more than a single account of Fusion can carry away (100 requests a minute with 100 leads each).
REST_FOR_EACH_S = 0.002
LONGEST_REST_S = 0.06


def rest_s(came: int) -> float:
    """How long the processor is left to others, when so many webhooks came during a batch."""
    return min(came * REST_FOR_EACH_S, LONGEST_REST_S)


class Resolver:
    """Received events → outbox rows, in order of arrival."""

    def __init__(
        self,
        config: Callable[[], Config],
        reader: sqlite3.Connection,
        writer: Writer,
        signals: Signals,
        clock: Callable[[], float],
        metrics: Metrics,
    ) -> None:
        self._config = config
        self._reader = reader
        self._writer = writer
        self._signals = signals
        self._clock = clock
        self._metrics = metrics
        self._marks = Marks(config().database)  # where the writer is, also when a reload names another
        self._rinse = Rinse(config().database)
        self._refused = Seldom()  # by the database

    async def run(self) -> None:
        while not self._signals.stopping:
            self._signals.received.clear()
            accepted = self._signals.accepted
            try:
                resolved = await self.turn()
                self._refused.over()
                await self._rinse.turn()
            except (StoreError, sqlite3.Error) as error:
                if not self._signals.stopping:  # an opt-out may be among what can't be resolved now
                    self._signals.calm.clear()
                if self._refused.due(str(error)):
                    log.warning("resolver.waiting", error=str(error), fix=getattr(error, "fix", ""))
                await asyncio.sleep(STORE_PAUSE_S)
                continue
            except Exception:
                log.exception("resolver.stumbled")
                await asyncio.sleep(STORE_PAUSE_S)
                continue
            if not resolved:
                await wait(self._signals.received, POLL_S)
            elif self._signals.calm.is_set():  # else opt-outs wait, and everybody for them
                await asyncio.sleep(rest_s(self._signals.accepted - accepted))

    async def turn(self) -> int:
        """Resolve one small batch. Returns how many events there were."""
        batch = events.received(self._reader, RESOLVE_BATCH)
        urgent = sum(event.urgent for event in batch)
        crowded = urgent == RESOLVE_BATCH
        # What one event asks to be created, the opt-out behind it takes back: nothing leaves between the two.
        if urgent > 1 and not self._signals.stopping:
            self._signals.calm.clear()
        writes = []
        for event in batch:
            writes.append(self._writer.submit(self._resolution(event)))
            await asyncio.sleep(0)  # let a webhook in between
        for event, result in zip(batch, await asyncio.gather(*writes, return_exceptions=True), strict=True):
            if isinstance(result, StoreError):
                raise result
            if isinstance(result, BaseException):
                self._tell(event, await self._writer.run(self._death(event, result)))
            else:
                self._tell(event, result)
        if not crowded:
            self._signals.calm.set()
        if batch:
            self._signals.rows_queued()
        return len(batch)

    def _resolution(self, event: Received) -> Callable[[sqlite3.Connection], list[Ended]]:
        """What to write for one event: the rules run here, the decision in the writer, on fresh facts."""
        config = self._config()
        source = config.sources.get(event.source)
        if source is None:
            reason = f"the source {event.source!r} isn't in the configuration any more"
            return self._kill(event, reason, "put it back, reload, and replay the event")
        try:
            reading = source.read(parse(event.payload))
            regions = (source.default_region, config.default_region)
            mapped = apply(config.rules, reading, regions=regions)
            if event.reused_id:
                mapped = replace(mapped, warnings=(REUSED_ID, *mapped.warnings))
        except Exception as error:  # noqa: BLE001 - one poisonous event must not stop the line
            return self._death(event, error)
        return lambda connection: self._write(connection, event, reading, mapped, config)

    def _write(
        self,
        connection: sqlite3.Connection,
        event: Received,
        reading: Reading,
        mapped: Mapped,
        config: Config,
    ) -> list[Ended]:
        accounts, entry = config.fusion.accounts, self._corrected(connection, event, reading)
        key = contact_key(event.source, reading, mapped.phone)
        if (
            entry is not None
            and key is not None
            and entry.phone not in ("", key.contact_id)
            # Nothing is kept of a number that was erased: it may be somebody else's.
            and not self._marks.of(connection, key, mapped.phone).phone
        ):
            entries.move(connection, replace(key, contact_id=entry.phone), key)
        known = know(connection, self._marks, event.source, reading, mapped)
        mapped = known.mapped
        decision = decide(
            # The clock may have been set back since it came: what comes after it must not look older.
            Arrival(event.id, min(event.occurred_at, self._clock()), event.forced, event.replayed),
            reading,
            mapped,
            key=known.key,
            facts=known.facts,
            accounts=accounts,
            tags=config.tags,
        )
        now = self._clock()
        self._signals.opt_outs += any(put.priority == DO_NOT_CALL for put in decision.puts)
        ended = resolving.write_decision(connection, event.id, decision, mapped, now)
        if entry is not None and decision.state == "queued":
            ended += entries.supersede(connection, entry.event_id, event.id, now)
        name = event_words.name_of(reading.contact)
        wanted.write(connection, event.id, mapped, config.rules_mark, name=name)
        event_words.write(connection, event.id, reading.contact, mapped.phone)
        if decision.erase:
            self._rinse.need()
        if any(put.account not in accounts for put in decision.puts):
            recovering.abandon(connection, accounts, now)
        return ended

    def _corrected(
        self, connection: sqlite3.Connection, event: Received, reading: Reading
    ) -> entries.Earlier | None:
        """The last event of this entry and person, where the phone is all that the source knows them by."""
        source = self._config().sources.get(event.source)
        if not event.reused_id or reading.key is not None or source is None:
            return None
        before = entries.earlier(connection, event.id)
        same = before and same_person(source.read(parse(before.payload)).contact, reading.contact)
        return before if same else None

    def _tell(self, event: Received, ended: list[Ended]) -> None:
        if all(each.event_id != event.id for each in ended):
            self._metrics.settled(event.source, "queued")
        for each in ended:
            self._metrics.settled(each.source, each.state)
            if each.state == "dead":
                log.warning("event.dead", event_id=each.event_id, reason=each.reason, fix=each.fix)

    def _death(self, event: Received, error: BaseException) -> Callable[[sqlite3.Connection], list[Ended]]:
        log.error("resolver.stumbled", event_id=event.id, exc_info=error)
        reason = f"the bridge stumbled over it ({type(error).__name__})"
        fix = "this is a bug of the bridge: report it with the log's traceback, then `bridge replay`"
        return self._kill(event, reason, fix)

    def _kill(self, event: Received, reason: str, fix: str) -> Callable[[sqlite3.Connection], list[Ended]]:
        now = self._clock()
        return lambda connection: events.kill(connection, event.id, reason, fix, now)
