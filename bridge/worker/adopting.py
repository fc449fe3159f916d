"""Learns the leads that Fusion has: page by page, within the budget, going on where it stopped last.

One request at a time for each account, beside a running service or without one. Rule for editors: a request
takes its place in the attempts table before it leaves, in the transaction that counted the others: that is
how two processes share one limit.
"""

import asyncio
import contextlib
import random
import sqlite3
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import assert_never

from bridge.config import Config, OwnTags
from bridge.errors import StoreError
from bridge.fusion.client import FusionClient, Listing
from bridge.outbox.budget import MOST_RESERVED, RESERVED_OF, Allowance, Budget
from bridge.outbox.lane import LaneState, after
from bridge.outbox.outcome import (
    Delivered,
    Exists,
    Failed,
    Gone,
    Rejected,
    Throttled,
    Unauthorized,
    Unreachable,
)
from bridge.outbox.retry import probe_delay_s
from bridge.store import adopting, mending, recovering, settling, spending
from bridge.store.marks import Marks
from bridge.worker.answering import answered
from bridge.worker.course import Course, known_course
from bridge.worker.reading import Reading, is_whole

# Nothing waits for us: an absence that is longer than this is for a person to look at.
GIVE_UP_S = 120.0
# Fusion's own failures in a row; a list is a reading, so each is repeated without harm.
MOST_FAILURES = 4
# How often we look whether the budget has changed: the service spends of it, too.
LOOK_S = 1.0
# Beside a service half of the window is left free for it. One that needs all of it still spares one place of
# so many.
LEAST_SHARE = 10

WAITS_FOR = {
    "throttled": "Fusion asked for it",
    "unreachable": "Fusion doesn't answer",
    "failed": "Fusion stumbled",
}


Tell = Callable[[Course], None]
NoPage = Exists | Failed | Gone | Rejected | Throttled | Unauthorized | Unreachable


async def adopt(
    config: Config,
    campaigns: Mapping[str, Iterable[str]],
    connection: sqlite3.Connection,
    *,
    client: Callable[[str], FusionClient],
    shares: Callable[[], bool],
    clock: Callable[[], float],
    tell: Tell,
) -> None:
    """Learn these campaigns of these accounts, the accounts side by side.

    `shares` says whether a service is running; `tell` hears of every change. What goes wrong with an account
    or a campaign is told, and the others go on.

    Raises:
        StoreError: the database can't be written, or whose leads mustn't be learned can't be read.
    """
    limit, marks = config.fusion.leads_limit, Marks(config.database)
    marks.readable(connection)  # before anything is asked
    adopters = [
        _Adopter(
            name,
            client(name),
            Budget(limit.requests, limit.per_s),
            connection,
            marks,
            config.tags,
            shares=shares,
            clock=clock,
            tell=tell,
        )
        for name in campaigns
    ]
    tasks = [asyncio.create_task(adopter.run(campaigns[adopter.account])) for adopter in adopters]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class _Adopter:
    """One account of Fusion: reads its lists one after the other."""

    def __init__(
        self,
        account: str,
        client: FusionClient,
        budget: Budget,
        connection: sqlite3.Connection,
        marks: Marks,
        tags: OwnTags,
        *,
        shares: Callable[[], bool],
        clock: Callable[[], float],
        tell: Tell,
    ) -> None:
        self._marks = marks
        self._tags = tags
        self.account = account
        self._client = client
        self._budget = budget
        self._connection = connection
        self._shares = shares
        self._clock = clock
        self._tell = tell
        self._state = LaneState()
        self._failures = 0
        self._unreached_since: float | None = None
        self._sent: deque[float] = deque()  # our own requests of the window

    async def run(self, campaign_ids: Iterable[str]) -> None:
        try:
            for campaign_id in campaign_ids:
                await self._read(campaign_id)
                if self._state.reason in {"unauthorized", "unreachable"}:  # the others would meet the same
                    return
        finally:
            await self._client.aclose()

    async def _read(self, campaign_id: str) -> None:
        """One campaign, to its end or to what stands in the way."""
        course = known_course(self._connection, self.account, campaign_id)
        known = adopting.progress(self._connection, self.account, campaign_id)
        reading = Reading.from_page(known.next_page, known.total)
        self._failures = 0
        self._tell(course)
        while course.done_at is None and not course.trouble:
            course, reading = await self._turn(course, reading)
            self._tell(course)

    async def _turn(self, course: Course, reading: Reading) -> tuple[Course, Reading]:
        """One request and what came of it."""
        attempt_id = await self._place(course)
        try:
            listing = await self._client.page(course.campaign_id, reading.page)
            with adopting.writing(self._connection):
                return self._settle(course, reading, attempt_id, listing)
        except BaseException:
            with contextlib.suppress(StoreError), adopting.writing(self._connection) as connection:
                adopting.interrupt(connection, attempt_id, self._clock())
            raise

    async def _place(self, course: Course) -> int:
        """Wait until a request may leave, and let it take its place. Returns its attempt."""
        look_s = min(LOOK_S, self._budget.per_s / 20)
        while True:
            now = self._clock()
            why, may_at = WAITS_FOR.get(self._state.reason, ""), self._state.paused_until
            if may_at <= now:
                with adopting.writing(self._connection) as connection:
                    why, may_at = self._may_at(connection, now)
                    if may_at <= now:
                        self._sent.append(now)
                        return spending.begin_attempt(
                            connection, self.account, method="GET", leads=0, now=now
                        )
            self._tell(replace(course, waits_s=max(0.0, may_at - now), waits_for=why))
            await asyncio.sleep(min(may_at - now, look_s))

    def _may_at(self, connection: sqlite3.Connection, now: float) -> tuple[str, float]:
        """When a request may leave, and what it waits for; the moment has come when it is not after now."""
        per_s = self._budget.per_s
        asked_until = recovering.throttled_until(connection, self.account)
        if asked_until > now:
            return WAITS_FOR["throttled"], asked_until
        while self._sent and self._sent[0] <= now - per_s:
            self._sent.popleft()
        spent = spending.spent(connection, self.account, now=now, per_s=per_s)
        allowance = self._budget.allow(spent, now)
        shares, limit = self._shares(), self._budget.limit
        if shares and _has_least(allowance, limit, own=len(self._sent)):
            return "", now
        if not allowance.places:
            return "the limit", allowance.next_at
        if shares and allowance.urgent <= limit // 2:
            return "the service goes first", now + LOOK_S
        return "", now

    def _settle(
        self, course: Course, reading: Reading, attempt_id: int, listing: Listing
    ) -> tuple[Course, Reading]:
        """Within a transaction: the attempt's end, and all that the page told."""
        answer, now = listing.answer, self._clock()
        outcome = answer.outcome
        ended = answered(answer)
        settling.write_attempt(self._connection, attempt_id, ended, now)
        if not isinstance(outcome, Throttled):  # the pause that follows is exact, the header isn't
            spent = spending.spent(self._connection, self.account, now=now, per_s=self._budget.per_s)
            self._budget.believe(answer.quota, spent, now)
        self._note(ended, now)
        course = replace(course, requests=course.requests + 1)
        match outcome:
            case Delivered():
                return self._learn(course, reading, listing, now)
            case Gone() if not course.campaign_id:  # asked again next time: it costs one request
                return replace(course, total=0, absent=True, done_at=now), reading
            case _:
                trouble, fix = self._trouble(outcome, now)
                return replace(course, trouble=trouble, fix=fix, absent=isinstance(outcome, Gone)), reading

    def _note(self, answered: settling.Answered, now: float) -> None:
        """What the outcome says of the account: for how long it is left alone, and since when it is away."""
        outcome, jitter = answered.outcome, random.random()  # noqa: S311 - spreads retries, guards nothing
        self._state = after(self._state, outcome, sent_at=now, now=now, jitter=jitter)
        if isinstance(outcome, Failed):
            self._failures += 1
            pause_s = probe_delay_s(self._failures, jitter)
            self._state = LaneState("failed", answered.error, now + pause_s)
        elif not isinstance(outcome, Unreachable | Throttled):
            self._failures = 0
        if not isinstance(outcome, Unreachable):
            self._unreached_since = None
        elif self._unreached_since is None:
            self._unreached_since = now

    def _learn(
        self, course: Course, reading: Reading, listing: Listing, now: float
    ) -> tuple[Course, Reading]:
        place, tags = (self.account, course.campaign_id), self._tags
        learned = adopting.learn(self._connection, *place, listing.leads, self._marks, tags=tags, now=now)
        onward = reading.after([phone for phone, _ in listing.leads], listing.total)
        total = onward.seen if onward.done and onward.total is None else onward.total
        done_at = now if onward.done else None
        reached = adopting.progress(self._connection, *place).after(
            learned, next_page=onward.page, total=total, asked_at=self._sent[-1], done_at=done_at
        )
        adopting.write_progress(self._connection, *place, reached)
        whole = onward.done and is_whole(listing.total, last_page=len(listing.leads))
        missing = mending.mend(self._connection, *place, reached) if whole else []
        course = replace(
            course,
            total=total,
            seen=onward.seen,
            new=course.new + learned.new,
            opt_outs=course.opt_outs + learned.opt_outs,
            forgotten=tuple(dict.fromkeys((*course.forgotten, *learned.forgotten))),
            pages=course.pages + 1,
            done_at=done_at,
            missing=tuple(missing),
        )
        return course, onward

    def _trouble(self, outcome: NoPage, now: float) -> tuple[str, str]:
        """What a person must know and do; empty while it is worth another try."""
        match outcome:
            case Throttled():
                return "", ""
            case Unreachable(reason=words):
                if self._unreached_since is None or now - self._unreached_since <= GIVE_UP_S:
                    return "", ""
                fix = "check fusion.base_url and Fusion's status, then run `bridge adopt` again"
                return f"Fusion can't be reached: {words}", fix
            case Failed(reason=words):
                if self._failures < MOST_FAILURES:
                    return "", ""
                said = f"Fusion failed {self._failures} times, last: {words}"
                return said, "run `bridge adopt` again later"
            case Unauthorized(reason=words):
                fix = f"put the right key of {self.account} into .env, then run `bridge adopt` again"
                return f"Fusion refused the key: {words}", fix
            case Gone(reason=words):
                fix = "check campaign_id in the routes, and whose account the campaign is in"
                return f"Fusion has no such campaign: {words}", fix
            case Rejected(reason=words) | Exists(reason=words):
                return f"Fusion refused to list it: {words}", "if the campaign is right, try again later"
            case _:
                assert_never(outcome)


def _has_least(allowance: Allowance, limit: int, *, own: int) -> bool:
    """Whether we may take a place although the service needs them all, and spreads its own requests.

    It is slow for want of what we are about to learn: a creation that meets an unknown lead costs twice.
    """
    reserve = min(MOST_RESERVED, limit // RESERVED_OF)
    return own < max(1, limit // LEAST_SHARE) and allowance.urgent > reserve
