"""Moves events through the rooms: resolves what was received, delivers what is due. Decides nothing.

A turn is a function, the loop around it an afterthought. Rule for editors: this is one of the two places
that catch the unforeseen (the app's handler is the other); it becomes a dead event or a failed outcome,
with its traceback in the log, and the next one goes on.
"""

import asyncio
import random
import sqlite3
from collections.abc import Callable

import structlog

from bridge.config import Config
from bridge.errors import StoreError
from bridge.fusion.client import Answer, FusionClient
from bridge.inbound.body import parse
from bridge.model import Mapped, Reading
from bridge.outbox.budget import Budget
from bridge.outbox.facts import Decision, Facts
from bridge.outbox.identity import Arrival, contact_key, decide
from bridge.outbox.lane import LaneState, after
from bridge.outbox.outcome import Throttled
from bridge.outbox.settle import Moment
from bridge.rules.mapping import apply
from bridge.store import claiming, events, resolving, settling
from bridge.store.events import Received
from bridge.store.writer import Writer

log = structlog.get_logger()

# Small, so that a webhook that comes meanwhile waits for milliseconds only.
RESOLVE_BATCH = 16

# While webhooks pour in, resolving takes a quarter of the time: the sender waits for us, Fusion's budget
# (100 requests a minute) makes the leads wait anyway.
RESOLVE_SHARE = 0.1

# The command line writes to the database beside us (replay); we look this often.
POLL_S = 1.0

# After the database refused: long enough not to spin, short enough to be there when it is back.
STORE_PAUSE_S = 1.0


class Signals:
    """Who wakes whom: the web tells that an event was accepted, the resolver that rows were queued."""

    def __init__(self) -> None:
        self.stopping = False
        self.accepted = 0
        self.received = asyncio.Event()
        self.lanes: set[asyncio.Event] = set()

    def event_accepted(self) -> None:
        self.accepted += 1
        self.received.set()

    def rows_queued(self) -> None:
        for lane in self.lanes:
            lane.set()

    def stop(self) -> None:
        self.stopping = True
        self.received.set()
        self.rows_queued()


class Resolver:
    """Received events → outbox rows, in order of arrival."""

    def __init__(
        self,
        config: Callable[[], Config],
        reader: sqlite3.Connection,
        writer: Writer,
        signals: Signals,
        clock: Callable[[], float],
    ) -> None:
        self._config = config
        self._reader = reader
        self._writer = writer
        self._signals = signals
        self._clock = clock

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        while not self._signals.stopping:
            self._signals.received.clear()
            started, accepted = loop.time(), self._signals.accepted
            try:
                resolved = await self.turn()
            except (StoreError, sqlite3.Error) as error:
                log.warning("resolver.waiting", error=str(error))
                await asyncio.sleep(STORE_PAUSE_S)
                continue
            except Exception:
                log.exception("resolver.stumbled")
                await asyncio.sleep(STORE_PAUSE_S)
                continue
            if not resolved:
                await _wait(self._signals.received, POLL_S)
            elif self._signals.accepted > accepted:
                await asyncio.sleep((loop.time() - started) * (1 / RESOLVE_SHARE - 1))

    async def turn(self) -> int:
        """Resolve one small batch. Returns how many events there were."""
        batch = events.received(self._reader, RESOLVE_BATCH)
        writes = []
        for event in batch:
            writes.append(self._writer.submit(self._resolution(event)))
            await asyncio.sleep(0)  # let a webhook in between
        for event, result in zip(batch, await asyncio.gather(*writes, return_exceptions=True), strict=True):
            if isinstance(result, StoreError):
                raise result
            if isinstance(result, BaseException):
                await self._writer.run(self._death(event, result))
            elif result is not None and result.state == "dead":
                log.warning("event.dead", event_id=event.id, reason=result.reason, fix=result.fix)
        if batch:
            self._signals.rows_queued()
        return len(batch)

    def _resolution(self, event: Received) -> Callable[[sqlite3.Connection], Decision | None]:
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
    ) -> Decision:
        key = contact_key(event.source, reading, mapped.phone)
        decision = decide(
            Arrival(event.id, event.occurred_at, event.forced),
            reading,
            mapped,
            key=key,
            facts=resolving.load_facts(connection, key, mapped.phone) if key else Facts(),
            tags=config.tags,
        )
        resolving.write_decision(connection, event.id, decision, mapped, self._clock())
        return decision

    def _death(self, event: Received, error: BaseException) -> Callable[[sqlite3.Connection], None]:
        log.error("event.dead", event_id=event.id, exc_info=error)
        reason = f"the bridge stumbled over it ({type(error).__name__})"
        fix = "this is a bug of the bridge: report it with the log's traceback, then `bridge replay`"
        return self._kill(event, reason, fix)

    def _kill(self, event: Received, reason: str, fix: str) -> Callable[[sqlite3.Connection], None]:
        now = self._clock()
        return lambda connection: events.kill(connection, event.id, reason, fix, now)


class Lane:
    """One account of Fusion: claims what is due, sends it within the budget, settles what came of it."""

    def __init__(
        self,
        account: str,
        client: FusionClient,
        budget: Budget,
        config: Callable[[], Config],
        writer: Writer,
        signals: Signals,
        clock: Callable[[], float],
    ) -> None:
        self.account = account
        self._client = client
        self._left_clients: list[FusionClient] = []
        self.budget = budget
        self.state = LaneState()
        self.wake = asyncio.Event()
        self._retired = False
        self._config = config
        self._writer = writer
        self._signals = signals
        self._clock = clock

    def use(self, client: FusionClient) -> None:
        """After a reload: another key, perhaps; whatever the account waited for may be mended."""
        self._left_clients.append(self._client)
        self._client = client
        self.state = LaneState()
        self.wake.set()

    def retire(self) -> None:
        """The account left the configuration."""
        self._retired = True
        self.wake.set()

    async def run(self) -> None:
        self._signals.lanes.add(self.wake)
        while not self._signals.stopping and not self._retired:
            self.wake.clear()
            try:
                pause = await self.turn()
            except StoreError as error:
                log.warning("lane.waiting", account=self.account, error=error.message)
                pause = STORE_PAUSE_S
            except Exception:
                log.exception("lane.stumbled", account=self.account)
                pause = STORE_PAUSE_S
            if pause > 0:
                await _wait(self.wake, pause)
        self._signals.lanes.discard(self.wake)
        await self._client.aclose()

    async def turn(self) -> float:
        """Claim, send and settle once. Returns the seconds until the next turn makes sense."""
        while self._left_clients:  # between two requests: nothing is under way on them
            await self._left_clients.pop().aclose()
        now = self._clock()
        if not self.state.ready(now):
            return self.state.paused_until - now
        if not self.budget.left(now):
            return self.budget.free_at(now) - now
        claim = await self._writer.run(
            lambda connection: claiming.claim(connection, self.account, places=1, now=now)
        )
        if not claim.claimed:
            return POLL_S if claim.next_due_at is None else min(POLL_S, claim.next_due_at - self._clock())
        for claimed in claim.claimed:
            self.budget.send()
            await self._settle(claimed, await self._client.send(claimed.request))
        return 0

    async def _settle(self, claimed: claiming.Claimed, answer: Answer) -> None:
        now, jitter = self._clock(), random.random()  # noqa: S311 - spreads retries, guards nothing
        error = getattr(answer.outcome, "reason", "")
        answered = settling.Answered(
            answer.outcome, answer.status, answer.ms, answer.method, answer.path, error
        )
        self.budget.answered(now, reached=answered.reached)
        if not isinstance(answer.outcome, Throttled):  # the pause that follows is exact, the header isn't
            self.budget.believe(answer.quota.remaining, now)
        before, self.state = self.state, after(self.state, answer.outcome, now=now, jitter=jitter)
        moment = Moment(now, jitter, before, self.state)
        self._log(claimed, answered, moment)
        for fate in await self._written(claimed, answered, moment):
            if fate.state == "dead":
                log.warning("event.dead", event_id=fate.event_id, reason=fate.reason, fix=fate.fix)

    async def _written(
        self, claimed: claiming.Claimed, answered: settling.Answered, moment: Moment
    ) -> list[settling.Fate]:
        """Settle, however long the database refuses: what was sent must not be forgotten."""
        retry = self._config().retry
        while True:
            try:
                return await self._writer.run(
                    lambda connection: settling.settle(
                        connection, claimed, answered, moment=moment, retry=retry
                    )
                )
            except StoreError as error:
                if self._signals.stopping:  # the next start finds it under way and settles it
                    return []
                log.warning("lane.waiting", account=self.account, error=error.message)
                await asyncio.sleep(STORE_PAUSE_S)

    def _log(self, claimed: claiming.Claimed, answered: settling.Answered, moment: Moment) -> None:
        log.info(
            "attempt.finished",
            lane="leads",
            account=self.account,
            attempt=claimed.attempt_id,
            method=answered.method,
            leads=len(claimed.rows),
            events=[row.event_id for row in claimed.rows],
            status=answered.status,
            ms=round(answered.ms, 1),
            outcome=type(answered.outcome).__name__.lower(),
            error=answered.error,
        )
        before, now = moment.before, moment.after
        if now.reason and now.reason != before.reason:
            seconds = round(now.paused_until - moment.now, 1)
            log.warning(
                "account.paused", account=self.account, reason=now.reason, detail=now.detail, seconds=seconds
            )
        elif before.reason and not now.reason:
            log.info("account.resumed", account=self.account, after=before.reason)


async def _wait(event: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return
