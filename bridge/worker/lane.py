"""One account of Fusion: claims what is due, sends it within the budget, settles what came of it.

Several requests may be under way, never two for one lead. Rule for editors: no transaction is open while a
request is under way, and what was claimed is settled or put back, whatever happens in between.
"""

import asyncio
import contextlib
import random
import sqlite3
from collections.abc import Callable
from typing import TypeVar

import structlog

from bridge.config import Config
from bridge.errors import StoreError
from bridge.fusion.client import Answer, FusionClient
from bridge.logs import Seldom
from bridge.metrics import Metrics
from bridge.outbox.budget import Budget
from bridge.outbox.lane import LaneState, after
from bridge.outbox.outcome import Quota, Throttled, Unauthorized
from bridge.outbox.settle import Moment
from bridge.store import claiming, recovering, settling, spending
from bridge.store.claiming import Claimed
from bridge.store.writer import Writer
from bridge.worker.answering import answered
from bridge.worker.signals import POLL_S, STORE_PAUSE_S, Signals, wait
from bridge.worker.telling import Teller

log = structlog.get_logger()

T = TypeVar("T")


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
        metrics: Metrics,
    ) -> None:
        self.account = account
        self.budget = budget
        self.state = LaneState()
        self.wake = asyncio.Event()
        self._client = client
        self._under_way: dict[asyncio.Task[None], FusionClient] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self._waits_for_one = False  # for a request under way to end
        self._retired = False
        self._turning = asyncio.Lock()
        self._config = config
        self._writer = writer
        self._signals = signals
        self._clock = clock
        self._teller = Teller(account, metrics)
        self._refused = Seldom()  # by the database

    def use(self, client: FusionClient) -> None:
        """After a reload: another key, perhaps. What the account waited for may be mended, but no limit."""
        self._leave(self._client, client)
        self._client = client
        self._retired = False
        if self.state.reason != "throttled":
            if self.state.reason:
                log.info("account.resumed", account=self.account, after=self.state.reason, by="reload")
            self.state = LaneState()
        self.wake.set()

    def retire(self) -> None:
        """The account left the configuration. Its budget is kept, should it come back."""
        self._retired = True

    async def quiet(self) -> None:
        """Wait, after `retire`, until nothing is under way and nothing is about to be."""
        async with self._turning:
            await self.finished()

    async def run(self) -> None:
        self._signals.lanes.add(self.wake)
        while not self._signals.stopping:
            await self._signals.calm.wait()  # or who opted out is called: before the last kill, perhaps
            self.wake.clear()
            try:
                async with self._turning:
                    pause = await self.turn()
            except StoreError as error:
                self._say_waiting(error)
                pause = STORE_PAUSE_S
            except Exception:
                log.exception("lane.stumbled", account=self.account)
                pause = STORE_PAUSE_S
            if pause > 0:
                await wait(self.wake, min(pause, POLL_S))
        await self.finished()
        await self._client.aclose()

    async def finished(self) -> None:
        """Wait until nothing is under way."""
        try:
            while self._under_way or self._closing:
                await asyncio.wait([*self._under_way, *self._closing])
        except asyncio.CancelledError:  # the next start finds them in the database
            for task in self._under_way:
                task.cancel()
            raise

    async def turn(self) -> float:
        """Claim once, and let the requests go. Returns the seconds until the next turn makes sense."""
        now = self._clock()
        if self._retired:
            await self._abandon(now)
            return POLL_S
        if not self.state.ready(now):
            return self.state.paused_until - now
        room = (1 if self.state.reason else self._config().fusion.concurrency) - len(self._under_way)
        self._waits_for_one = room <= 0
        if room <= 0:
            return POLL_S
        opt_outs = self._signals.opt_outs
        claim = await self._writer.run(
            lambda connection: claiming.claim(
                connection, self.account, budget=self.budget, room=room, now=now
            )
        )
        self._teller.ended(claim.ended, now)
        if claim.claimed:  # to claim nothing needs no room on a full disk, and proves nothing
            self._refused.over()
        for claimed in claim.claimed:
            task = asyncio.create_task(self._carry(claimed, self._client, opt_outs))
            self._under_way[task] = self._client
            task.add_done_callback(self._carried)
        if claim.next_at is None or claim.next_at <= now:  # nothing waits, or what is due waits for an answer
            self._waits_for_one = bool(self._under_way)
            return POLL_S
        return max(0.0, claim.next_at - self._clock())

    def _carried(self, task: asyncio.Task[None]) -> None:
        client = self._under_way.pop(task)
        self._leave(client, self._client)
        if self._waits_for_one:
            self.wake.set()

    def _leave(self, old: FusionClient, new: FusionClient) -> None:
        """Close a client that a reload replaced, once nothing is under way on it."""
        if old is not new and old not in self._under_way.values():
            task = asyncio.create_task(old.aclose())
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)

    async def _carry(self, claimed: Claimed, client: FusionClient, opt_outs: int) -> None:
        """One request from the claim to its settlement."""
        try:
            # Somebody may have opted out while the claim was written; from here to the wire nothing waits.
            remaining = claimed if opt_outs == self._signals.opt_outs else await self._recalled(claimed)
            if remaining is not None:
                answer = await client.send(remaining.request)
                await self._settle(remaining, answer, outdated=client is not self._client)
        except StoreError as error:  # only while stopping: the next start finds it under way
            self._say_waiting(error)
        except Exception:
            log.exception("lane.stumbled", account=self.account)
            await self._put_back(claimed)

    async def _recalled(self, claimed: Claimed) -> Claimed | None:
        return await self._write(lambda connection: claiming.recall(connection, claimed, self._clock()))

    async def _put_back(self, claimed: Claimed) -> None:
        """A bug of ours between claim and settle must not keep its rows until the next start."""
        await asyncio.sleep(STORE_PAUSE_S)
        now, attempt = self._clock(), claimed.attempt_id
        with contextlib.suppress(StoreError):
            await self._write(lambda connection: recovering.recover(connection, now, attempt=attempt))
        self.wake.set()

    async def _write(self, write: Callable[[sqlite3.Connection], T]) -> T:
        """Write, however long the database refuses: what was claimed must not be forgotten.

        Raises:
            StoreError: it refuses, and the service is stopping.
        """
        while True:
            try:
                result = await self._writer.run(write)
            except StoreError as error:
                if self._signals.stopping:
                    raise
                self._say_waiting(error)
                await asyncio.sleep(STORE_PAUSE_S)
            else:
                self._refused.over()
                return result

    def _say_waiting(self, error: StoreError) -> None:
        if self._refused.due(error.message):
            log.warning("lane.waiting", account=self.account, error=error.message, fix=error.fix)

    async def _abandon(self, now: float) -> None:
        """Events that wait for an account which isn't configured must not wait for ever, unseen."""
        accounts = self._config().fusion.accounts
        if await self._writer.run(lambda connection: recovering.abandon(connection, accounts, now)):
            log.warning(
                "account.abandoned", account=self.account, fix="put it back, or mend the routes; replay"
            )

    async def _settle(self, claimed: Claimed, answer: Answer, *, outdated: bool) -> None:
        now, jitter = self._clock(), random.random()  # noqa: S311 - spreads retries, guards nothing
        ended = answered(answer)
        before = self.state
        if not (outdated and isinstance(answer.outcome, Unauthorized)):  # the old key's refusal
            self.state = after(before, answer.outcome, sent_at=claimed.sent_at, now=now, jitter=jitter)
        moment = Moment(now, jitter, before, self.state)
        self._teller.finished(claimed, ended, moment)
        settlement = await self._write(
            lambda connection: self._settled(connection, claimed, ended, moment, answer.quota)
        )
        self._teller.ended(settlement.ended, now)
        self._teller.found(settlement.found)
        if settlement.waiting or moment.before.reason != moment.after.reason:
            self.wake.set()

    def _settled(
        self,
        connection: sqlite3.Connection,
        claimed: Claimed,
        answered: settling.Answered,
        moment: Moment,
        quota: Quota,
    ) -> settling.Settlement:
        """In the writer, so that no claim comes between the settlement and what the headers told."""
        retry, budget, now = self._config().retry, self.budget, moment.now
        settlement = settling.settle(connection, claimed, answered, moment=moment, retry=retry)
        if not isinstance(answered.outcome, Throttled):  # the pause that follows is exact, the header isn't
            spent = spending.spent(connection, self.account, now=now, per_s=budget.per_s)
            budget.believe(quota, spent, now)
            spending.write_told(connection, self.account, budget.told)
        return settlement
