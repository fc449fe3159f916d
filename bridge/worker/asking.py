"""What only the world knows of a configuration: do the keys work, do the campaigns exist in Fusion?

One request for each account and one for each campaign, within the budget that a running service shares. Rule
for editors: a request takes its place in the attempts table before it leaves, like every other.
"""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass
from typing import assert_never

from bridge.config import Config
from bridge.fusion.client import Answer, FusionClient, Listing
from bridge.outbox.budget import Budget
from bridge.outbox.outcome import (
    Delivered,
    Exists,
    Failed,
    Gone,
    Quota,
    Rejected,
    Throttled,
    Unauthorized,
    Unreachable,
)
from bridge.rules.destination import Place, places
from bridge.store import adopting, recovering, settling, spending
from bridge.worker.answering import answered

LOOK_S = 0.5  # how often a full budget is looked at again
KEPT = 2  # requests of the window that are left to opt-outs

Refusal = Exists | Failed | Rejected | Throttled | Unauthorized | Unreachable


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    what: str  # "account main"
    ok: bool
    said: str
    fix: str = ""
    path: str = ""  # the key that is to blame


class Asker:
    """Asks the Fusion accounts of a configuration, one request at a time."""

    def __init__(
        self,
        config: Config,
        connection: sqlite3.Connection | None,
        *,
        client: Callable[[str], FusionClient],
        clock: Callable[[], float],
    ) -> None:
        """Without a connection nobody else spends of the budget: there is no database yet."""
        self._config = config
        self._connection = connection
        self._client = client
        self._clock = clock

    async def findings(self) -> AsyncIterator[Finding]:
        """Each account, then each of its campaigns as far as it answers. Raises StoreError."""
        everywhere = tuple(self._everywhere())
        found: dict[str, bool] = {}  # campaigns, by whether some account has them
        absent: list[tuple[Place, Finding]] = []
        for account in self._config.fusion.accounts:
            client = self._client(account)
            try:
                known = [place for place in everywhere if place.account == account]
                async for place, finding in self._account(client, account, known):
                    if place is None or finding.ok or place.certain:
                        yield finding
                    else:
                        absent.append((place, finding))
                    if place is not None:
                        found[place.campaign_id] = found.get(place.campaign_id, False) or finding.ok
            finally:
                await client.aclose()
        told: set[str] = set()
        for place, finding in absent:
            if not found[place.campaign_id] and place.campaign_id not in told:
                told.add(place.campaign_id)
                yield finding

    def _everywhere(self) -> Iterable[Place]:
        """Where rules may send to, and the campaigns of the table that no rule names, in whatever account."""
        known = tuple(places(self._config.rules))
        yield from known
        named = {place.campaign_id for place in known}
        for name, uuid in self._config.rules.campaigns.items():
            if uuid not in named:
                alone = len(self._config.fusion.accounts) == 1
                for account in self._config.fusion.accounts:
                    yield Place(account, uuid, f"campaigns.{name}", alone)

    async def _account(
        self, client: FusionClient, account: str, known: list[Place]
    ) -> AsyncIterator[tuple[Place | None, Finding]]:
        """The account itself, by its Default Feed; then its campaigns."""
        listing = await self._ask(client, account, "")
        feed = next((place for place in known if not place.campaign_id and place.certain), None)
        what = f"account {account}"
        match listing.answer.outcome:
            case Delivered():
                yield None, Finding(what, ok=True, said=f"the key works; {self._left(listing.answer.quota)}")
            case Gone(reason=words):
                yield None, Finding(what, ok=True, said=f"the key works; {self._left(listing.answer.quota)}")
                if feed:
                    fix = "choose a Default Feed in Fusion, or give the route a campaign"
                    said = f"Fusion has no Default Feed for {account}: {words}"
                    yield (
                        None,
                        Finding(f"Default Feed of {account}", ok=False, said=said, fix=fix, path=_path(feed)),
                    )
            case outcome:
                yield None, self._refused(what, account, outcome)
                return
        for uuid in dict.fromkeys(place.campaign_id for place in known if place.campaign_id):
            of_it = [place for place in known if place.campaign_id == uuid]
            place = next((each for each in of_it if each.certain), of_it[0])
            yield place, self._campaign(place, await self._ask(client, account, uuid))

    def _campaign(self, place: Place, listing: Listing) -> Finding:
        match listing.answer.outcome:
            case Delivered():
                leads = (
                    "" if listing.total is None else f" ({listing.total:,} lead{'s' * (listing.total != 1)})"
                )
                return Finding(self._name(place), ok=True, said=f"is in account {place.account}{leads}")
            case Gone(reason=words):
                fix = "copy the UUID from the campaign's address in Fusion, in the account whose key this is"
                said = f"Fusion has no such campaign in account {place.account}: {words}"
                return Finding(self._name(place), ok=False, said=said, fix=fix, path=_path(place))
            case outcome:
                return self._refused(self._name(place), place.account, outcome, path=_path(place))

    def _name(self, place: Place) -> str:
        names = (name for name, uuid in self._config.rules.campaigns.items() if uuid == place.campaign_id)
        return f"campaign {next(names, place.campaign_id)}"

    def _refused(self, what: str, account: str, outcome: Refusal, *, path: str = "") -> Finding:
        """No answer to what was asked, and what to do."""
        key = path or f"fusion.accounts.{account}.api_key"
        match outcome:
            case Unauthorized(reason=words):
                fix = (
                    f"make one in Fusion (Settings, API Keys), put it where {account}'s api_key is read from"
                )
                return Finding(what, ok=False, said=f"Fusion refused the key: {words}", fix=fix, path=key)
            case Throttled(retry_after_s=wait_s):
                said = f"Fusion's limit is reached; it asks to wait {wait_s:.0f} s"
                return Finding(what, ok=False, said=said, fix="check again after that time", path=key)
            case Unreachable(reason=words):
                fix = (
                    "check fusion.base_url and this machine's network (DNS, a firewall), and Fusion's status"
                )
                return Finding(what, ok=False, said=words, fix=fix, path=path or "fusion.base_url")
            case Failed(reason=words) | Rejected(reason=words) | Exists(reason=words):
                fix = "check fusion.base_url; if it is right, check again later"
                return Finding(what, ok=False, said=words, fix=fix, path=path or "fusion.base_url")
            case _:
                assert_never(outcome)

    def _left(self, quota: Quota) -> str:
        limit = self._config.fusion.leads_limit
        if quota.remaining is None:
            return "Fusion doesn't say how many requests are left"
        return f"{quota.remaining} of {quota.limit or limit.requests} requests left for {limit.per_s:g} s"

    async def _ask(self, client: FusionClient, account: str, campaign_id: str) -> Listing:
        """One lead of the list, which is enough to know that there is one."""
        if self._connection is None:
            return await client.page(campaign_id, 1, size=1)
        attempt_id, wait_s = await self._place(account)
        if not attempt_id:
            return Listing(Answer(Throttled(wait_s), Quota(), None, 0.0, "GET", "", reached=False))
        try:
            listing = await client.page(campaign_id, 1, size=1)
        except BaseException:
            with adopting.writing(self._connection) as connection:
                adopting.interrupt(connection, attempt_id, self._clock())
            raise
        with adopting.writing(self._connection) as connection:
            settling.write_attempt(connection, attempt_id, answered(listing.answer), self._clock())
        return listing

    async def _place(self, account: str) -> tuple[int, float]:
        """Wait for a place, for two windows at most. Returns the attempt, or how long it would take."""
        limit = self._config.fusion.leads_limit
        until = self._clock() + 2 * limit.per_s
        budget, needed = Budget(limit.requests, limit.per_s), min(limit.requests, KEPT + 1)
        assert self._connection is not None  # noqa: S101 -- without one nothing is counted
        while True:
            now = self._clock()
            with adopting.writing(self._connection) as connection:
                asked_until = recovering.throttled_until(connection, account)
                spent = spending.spent(connection, account, now=now, per_s=limit.per_s)
                if asked_until <= now and budget.allow(spent, now).urgent >= needed:
                    return spending.begin_attempt(connection, account, method="GET", leads=0, now=now), 0.0
            if max(asked_until, now) > until:
                return 0, max(asked_until - now, limit.per_s)
            await asyncio.sleep(min(LOOK_S, limit.per_s / 20))


def _path(place: Place) -> str:
    """The key that names it; without routes the account's own."""
    return f"fusion.accounts.{place.account}" if place.at == "default" else place.at
