"""How many requests an account may send now, and when the next one may leave: never over Fusion's limit.

Fusion counts the requests of a sliding window. It counts one when it arrives; we can't see that moment, only
that it lies between sending and the answer. So a request occupies its place from the moment it is sent until
one window after it was *answered*: our count is never below Fusion's. Times are Unix seconds. Rule for
editors: no clock here, and nothing is remembered but what only an answer can tell (other tools' requests);
our own are in the attempts table, where they outlive the process.

Source: Fusion's API reference, "Rate Limits".
"""

from collections.abc import Sequence
from dataclasses import dataclass

from bridge.outbox.outcome import Quota

# Clocks of two machines run at slightly different speeds, and Fusion may round to milliseconds.
MARGIN_S = 0.05

# Places that only do-not-call may take, of every 20, but never more than MOST_RESERVED: Fusion's 100 keep 2.
RESERVED_OF = 20
MOST_RESERVED = 2

# Below this share of the window every request leaves at once; above it they are spread, so that new leads
# gather into batches instead of running into a wall: 100 singles in 20 s, and nobody for the other 40.
AT_ONCE_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class Spent:
    """The requests of one account that may still count, as the attempts table has them."""

    answered_at: Sequence[float] = ()  # those that may have reached Fusion, oldest first
    under_way: int = 0
    last_sent_at: float = 0.0
    sent_at: Sequence[float] = ()  # in any order, without those that may never have arrived

    def and_one_more(self, now: float) -> "Spent":
        """With a request that leaves now."""
        return Spent(self.answered_at, self.under_way + 1, now, (*self.sent_at, now))


@dataclass(frozen=True, slots=True)
class Allowance:
    """What may leave now; `next_at` and `next_urgent_at` say when, where that is nothing (0: now)."""

    places: int
    urgent: int  # places for do-not-call: never fewer
    next_at: float = 0.0
    next_urgent_at: float = 0.0


@dataclass(frozen=True, slots=True)
class Told:
    """What Fusion's headers said last that we can't count ourselves."""

    limit: int | None = None  # where it is lower than the configured one
    others: int = 0  # places that others with the same key took …
    until: float = 0.0  # … and when the last of them is free again


class Budget:
    """The places of one account in one lane."""

    def __init__(self, requests: int, per_s: float) -> None:
        self.requests = requests
        self.per_s = per_s
        self._told: int | None = None  # the limit that Fusion names, where it is lower
        self._others: list[float] = []  # when places taken by other tools with our key are free again

    @property
    def limit(self) -> int:
        """The configured limit, or Fusion's own where that is lower."""
        return self.requests if self._told is None else min(self.requests, self._told)

    @property
    def reserve(self) -> int:
        """The last places of a window: only do-not-call may take them."""
        return min(MOST_RESERVED, self.limit // RESERVED_OF)

    @property
    def told(self) -> Told:
        """What is known from Fusion's headers alone, to be kept elsewhere."""
        limit = self._told if self._told is not None and self._told < self.requests else None
        return Told(limit, len(self._others), max(self._others, default=0.0))

    def remember(self, told: Told) -> None:
        """Take over what an earlier answer said."""
        self._told, self._others = told.limit, [told.until] * told.others

    def others(self, now: float) -> int:
        """Places that others with the same key have taken."""
        return sum(at > now for at in self._others)

    def left(self, spent: Spent, now: float) -> int:
        """Places of the window that are free."""
        return max(0, self.limit - spent.under_way - len(self._frees(spent, now)) - self.others(now))

    def allow(self, spent: Spent, now: float) -> Allowance:
        """What may leave now: all of it in an idle account, one by one in a busy one."""
        frees = sorted([*self._frees(spent, now), *(at for at in self._others if at > now)])
        free = self.limit - spent.under_way - len(frees)
        reserve = self.reserve
        urgent = max(0, free)
        next_urgent_at = now if urgent else _free_at(frees, 1 - free)
        places = max(0, free - reserve)
        if not places:
            return Allowance(0, urgent, _free_at(frees, reserve + 1 - free), next_urgent_at)
        used = spent.under_way + len(frees)
        at_once = int(self.limit * AT_ONCE_SHARE) - used
        if at_once > 0:
            return Allowance(min(places, at_once), urgent, now, next_urgent_at)
        next_at = spent.last_sent_at + _gap_s(frees, places, spent.last_sent_at)
        if next_at > now:
            return Allowance(0, urgent, next_at, next_urgent_at)
        return Allowance(1, urgent, now, next_urgent_at)

    def believe(self, quota: Quota, spent: Spent, now: float) -> None:
        """The headers of an answer: fewer remaining than we count means that others use the key, too.

        Of our own only those are taken off that Fusion must be counting still. Nobody tells when the others
        sent, so their places are taken to be free a window from now; but one of them when X-RateLimit-Reset
        says, unless that may be a place of ours: true whether it means the next place or the whole window.
        """
        if quota.limit:
            self._told = quota.limit
        if quota.remaining is None:
            return
        used = self.limit - max(0, quota.remaining)
        ours = [sent_at for sent_at in spent.sent_at if sent_at > now - self.per_s]
        others = max(0, used - len(ours))
        self._others = [now + self.per_s + MARGIN_S] * others
        reset_at = quota.reset_at
        if others and reset_at is not None and not self._may_be_ours(reset_at, spent):
            self._others[0] = min(max(now, reset_at) + MARGIN_S, self._others[0])

    def _may_be_ours(self, reset_at: float, spent: Spent) -> bool:
        """Whether the place that is free then may be one that we took."""
        unsure = len(spent.sent_at) < len(spent.answered_at) + spent.under_way
        return unsure or any(at + self.per_s <= reset_at for at in spent.sent_at)

    def resize(self, requests: int, per_s: float) -> None:
        """After a reload."""
        self.requests = requests
        self.per_s = per_s

    def _frees(self, spent: Spent, now: float) -> list[float]:
        """When each place that we took ourselves is free again; those that are already left out."""
        frees = (at + self.per_s + MARGIN_S for at in spent.answered_at)
        return [at for at in frees if at > now]


def _free_at(frees: Sequence[float], places: int) -> float:
    """When so many more places are free; infinity while they are under way."""
    return frees[places - 1] if places <= len(frees) else float("inf")


def _gap_s(frees: Sequence[float], places: int, last_sent_at: float) -> float:
    """The shortest even pause between requests that never runs out of places.

    When the i-th place becomes free, `places` and i others can have been used: the request after those must
    not be sent before.
    """
    return max(((at - last_sent_at) / (places + i + 1) for i, at in enumerate(frees)), default=0.0)
