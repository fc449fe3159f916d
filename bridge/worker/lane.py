"""One account of Fusion: claims what is due, sends it within the budget, settles what came of it.

Rule for editors: no transaction is open while a request is under way, and what was claimed is settled or put
back, whatever happens in between.
"""

import asyncio
import random
from collections.abc import Callable

import structlog

from bridge.config import Config
from bridge.errors import StoreError
from bridge.fusion.client import Answer, FusionClient
from bridge.outbox.budget import Budget
from bridge.outbox.lane import LaneState, after, full
from bridge.outbox.outcome import Throttled, Unauthorized
from bridge.outbox.settle import Moment
from bridge.store import claiming, resolving, settling
from bridge.store.writer import Writer
from bridge.worker.signals import POLL_S, STORE_PAUSE_S, Signals, wait

log = structlog.get_logger()


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
        """After a reload: another key, perhaps. What the account waited for may be mended, but no limit."""
        self._left_clients.append(self._client)
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

    async def run(self) -> None:
        self._signals.lanes.add(self.wake)
        while not self._signals.stopping:
            self.wake.clear()
            try:
                pause = await self.turn()
            except StoreError as error:
                log.warning("lane.waiting", account=self.account, error=error.message)
                pause = STORE_PAUSE_S
            except Exception:
                log.exception("lane.stumbled", account=self.account)
                pause = STORE_PAUSE_S
                await self._put_back()
            if pause > 0:
                await wait(self.wake, min(pause, POLL_S))
        for client in (*self._left_clients, self._client):
            await client.aclose()

    async def _put_back(self) -> None:
        """A bug of ours between claim and settle must not keep its rows until the next start."""
        try:
            now = self._clock()
            await self._writer.run(lambda connection: claiming.recover(connection, now, account=self.account))
        except StoreError as error:
            log.warning("lane.waiting", account=self.account, error=error.message)

    async def turn(self) -> float:
        """Claim, send and settle once. Returns the seconds until the next turn makes sense."""
        while self._left_clients:  # between two requests: nothing is under way on them
            await self._left_clients.pop().aclose()
        now = self._clock()
        if self._retired:
            await self._abandon(now)
            return POLL_S
        if not self.state.ready(now):
            return self.state.paused_until - now
        if not self.budget.left(now):
            return self.budget.free_at(now) - now
        claim = await self._writer.run(
            lambda connection: claiming.claim(connection, self.account, places=1, now=now)
        )
        if not claim.claimed:
            return POLL_S if claim.next_due_at is None else claim.next_due_at - self._clock()
        for claimed in claim.claimed:
            client = self._client
            self.budget.send()
            answer = await client.send(claimed.request)
            await self._settle(claimed, answer, outdated=client is not self._client)
        return 0

    async def _abandon(self, now: float) -> None:
        """Events that wait for an account which isn't configured must not wait for ever, unseen."""
        accounts = self._config().fusion.accounts
        if await self._writer.run(lambda connection: claiming.abandon(connection, accounts, now)):
            log.warning(
                "account.abandoned", account=self.account, fix="put it back, or mend the routes; replay"
            )

    async def _settle(self, claimed: claiming.Claimed, answer: Answer, *, outdated: bool) -> None:
        now, jitter = self._clock(), random.random()  # noqa: S311 - spreads retries, guards nothing
        error = getattr(answer.outcome, "reason", "")
        answered = settling.Answered(
            answer.outcome, answer.status, answer.ms, answer.method, answer.path, error
        )
        self.budget.answered(now, reached=answered.reached)
        if not isinstance(answer.outcome, Throttled):  # the pause that follows is exact, the header isn't
            self.budget.believe(answer.quota.remaining, now)
        before = self.state
        if not (outdated and isinstance(answer.outcome, Unauthorized)):  # the old key's refusal
            self.state = after(self.state, answer.outcome, now=now, jitter=jitter)
        if not self.state.reason and not self.budget.left(now):
            self.state = full(self.budget, now)
        moment = Moment(now, jitter, before, self.state)
        self._log(claimed, answered, moment)
        for death in await self._written(claimed, answered, moment):
            log.warning("event.dead", event_id=death.event_id, reason=death.reason, fix=death.fix)

    async def _written(
        self, claimed: claiming.Claimed, answered: settling.Answered, moment: Moment
    ) -> list[settling.Death]:
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
            lane=resolving.LANE,
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
