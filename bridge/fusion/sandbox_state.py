"""What the sandbox remembers: accounts with their leads and windows, the log of requests, the counters.

Knows that a phone is unique in its campaign and that a new lead is called. Doesn't know HTTP.
Rule for editors: everything but the leads themselves is bounded; the sandbox serves benchmarks, too.
"""

import asyncio
import math
import uuid
from collections import Counter, deque
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import formatdate
from typing import Any, Literal

from bridge.fusion.sandbox_faults import Faults
from bridge.fusion.sandbox_rules import Rules

ResetMeans = Literal["next", "window"]  # the reference doesn't say which X-RateLimit-Reset is

LOG_LENGTH = 100_000
_HISTORY_LENGTH = 20  # writes remembered of one lead


@dataclass(slots=True)
class SandboxLead:
    """A lead as the sandbox keeps it."""

    id: str
    name: str
    phone: str
    campaign_id: str  # empty: the Default Feed
    created_at: float
    updated_at: float
    email: str | None = None
    company: str | None = None
    tags: list[str] = field(default_factory=list)
    custom_fields: dict[str, Any] = field(default_factory=dict)
    status: str = "pending"
    calls: int = 0  # times it was created, each a phone call to a person: must never exceed 1
    history: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=_HISTORY_LENGTH))

    @property
    def campaign_name(self) -> str:
        """The name that Fusion's answers show."""
        return f"Campaign {self.campaign_id[:8]}" if self.campaign_id else "Default Feed"

    def write(self, fields: dict[str, Any], *, at: float) -> None:
        """Take over every field given, custom fields merged, and remember the write."""
        for name in ("name", "email", "company", "tags"):
            if name in fields:
                setattr(self, name, fields[name])
        self.custom_fields.update(fields.get("custom_fields", {}))
        self.updated_at = at
        self.history.append({"at": iso(at), **fields})


@dataclass(frozen=True, slots=True)
class LoggedRequest:
    """One request to the leads API."""

    at: float
    method: str
    path: str
    status: int | None  # None: dropped without an answer
    leads: int  # how many it carried
    key: str  # masked


class Window:
    """The sliding window of one key: `requests` in any `per_s` seconds. Refused ones take no place."""

    def __init__(self, *, requests: int, per_s: float) -> None:
        self.limit = requests
        self._per_s = per_s
        self._taken: deque[float] = deque()

    def take(self, now: float) -> bool:
        """Take a place if one is free."""
        self._evict(now)
        if len(self._taken) >= self.limit:
            return False
        self._taken.append(now)
        return True

    def headers(self, now: float, *, ahead_s: float = 0.0, means: ResetMeans = "next") -> dict[str, str]:
        """The three headers of every answer; Reset by a clock that is so far ahead of `now`."""
        self._evict(now)
        free_in_s = self.free_in_s(now) if means == "next" else self.all_free_in_s(now)
        return {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.limit - len(self._taken)),
            "X-RateLimit-Reset": str(math.ceil(now + ahead_s + free_in_s)),
        }

    def free_in_s(self, now: float) -> float:
        """Seconds until the oldest request leaves the window."""
        return max(self._taken[0] + self._per_s - now, 0.0) if self._taken else 0.0

    def all_free_in_s(self, now: float) -> float:
        """Seconds until the youngest request leaves the window, and with it the last."""
        return max(self._taken[-1] + self._per_s - now, 0.0) if self._taken else 0.0

    def _evict(self, now: float) -> None:
        while self._taken and self._taken[0] <= now - self._per_s:
            self._taken.popleft()


class Account:
    """Everything behind one API key."""

    def __init__(self, key: str, window: Window) -> None:
        self.key = masked_key(key)
        self.window = window
        self.campaigns: dict[str, dict[str, SandboxLead]] = {}  # campaign id → phone → lead
        self.by_id: dict[str, SandboxLead] = {}
        self.kinds: dict[str, str] = {}  # campaign id → the kind it was first used with
        self.called: Counter[str] = Counter()  # phone → leads ever created for it, in any campaign

    def find(self, phone: str, campaign_id: str | None = None) -> SandboxLead | None:
        """By phone, in one campaign ("" is the Default Feed) or, with None, in any."""
        if campaign_id is not None:
            return self.campaigns.get(campaign_id, {}).get(phone)
        found = (leads[phone] for leads in self.campaigns.values() if phone in leads)
        return next(found, None)

    def create(self, fields: dict[str, Any], *, at: float) -> SandboxLead:
        """A new lead, and with it a call to a person. The caller has looked for conflicts."""
        campaign_id = fields.get("campaign_id", "")
        lead = SandboxLead(str(uuid.uuid4()), "", fields["phone"], campaign_id, at, at)
        lead.write(fields, at=at)
        lead.calls += 1
        self.called[lead.phone] += 1
        self.campaigns.setdefault(campaign_id, {})[lead.phone] = lead
        self.by_id[lead.id] = lead
        return lead


class Sandbox:
    """The state of one sandbox; tests find it at `app.state.sandbox`."""

    def __init__(
        self,
        rules: Rules,
        *,
        requests: int,
        per_s: float,
        clock: Callable[[], float],
        seed: int,
        keys: Collection[str] | None = None,
        date_skew_s: float = 0.0,
        reset_means: ResetMeans = "next",
    ) -> None:
        self.rules = rules
        self.clock = clock  # ours: windows and the log go by it
        self.date_skew_s = date_skew_s
        self.reset_means: ResetMeans = reset_means
        self._seed = seed
        self._limit = (requests, per_s)
        self._keys = None if keys is None else frozenset(keys)
        self._late: set[asyncio.Task[None]] = set()
        self.reset()

    def reset(self) -> None:
        """Forget everything, faults as well."""
        self.accounts: dict[str, Account] = {}
        self.requests: deque[LoggedRequest] = deque(maxlen=LOG_LENGTH)
        self.counts: Counter[str] = Counter()
        self.faults = Faults(seed=self._seed)

    def now(self) -> float:
        """Fusion's clock: what it writes into leads and headers."""
        return self.clock() + self.date_skew_s

    def headers(self, window: Window) -> dict[str, str]:
        """What every answer of the API says about its time and its limit."""
        limits = window.headers(self.clock(), ahead_s=self.date_skew_s, means=self.reset_means)
        return {"Date": formatdate(self.now(), usegmt=True), **limits}

    def knows(self, key: str) -> bool:
        """Whether this key opens anything."""
        return bool(key) and (self._keys is None or key in self._keys)

    def spend(self, key: str | None, requests: int) -> int:
        """Take places of a key's window (None: of each) as another tool would; how many were free."""
        keys = self.accounts.keys() | (self._keys or ()) if key is None else {key}
        windows = [self.account(each).window for each in sorted(keys)]
        return sum(
            window.take(self.clock()) for window in windows for _ in range(min(requests, window.limit))
        )

    def later(self, delay_s: float, act: Callable[[], None]) -> None:
        """Do something in a while, whoever has hung up; forgotten when everything else is."""
        accounts = self.accounts

        async def wait() -> None:
            await asyncio.sleep(delay_s)
            if self.accounts is accounts:
                act()

        task = asyncio.create_task(wait())
        self._late.add(task)  # the loop itself holds tasks only weakly
        task.add_done_callback(self._late.discard)

    def account(self, key: str) -> Account:
        """The account of this key; there is one as soon as somebody asks."""
        if key not in self.accounts:
            self.accounts[key] = Account(key, self.fresh_window())
        return self.accounts[key]

    def fresh_window(self) -> Window:
        """A window in which nothing is taken."""
        requests, per_s = self._limit
        return Window(requests=requests, per_s=per_s)

    @property
    def leads(self) -> list[SandboxLead]:
        """Every lead of every account, oldest first within each."""
        return [lead for account in self.accounts.values() for lead in account.by_id.values()]

    def stats(self) -> dict[str, int]:
        """The figures that a test or benchmark asks for; `doubles` are calls to somebody called before."""
        names = ("requests", "created", "updated", "over_limit")
        people = (account.called for account in self.accounts.values())
        doubles = sum(called.total() - len(called) for called in people)
        return {**{name: self.counts[name] for name in names}, "doubles": doubles}


def masked_key(key: str) -> str:
    """Enough of a key to tell two apart."""
    return f"{key[:4]}•••" if len(key) >= 8 else "•••"


def iso(at: float) -> str:
    """2026-06-17T12:00:00.000Z"""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
