"""What the store knows when an event is resolved, and what identity decides: values only.

Bodies are leads as Fusion takes them (`{"phone": "+1…", "name": …, "tags": […]}`). A key that is absent
is left as it is in Fusion; None and [] clear it. Rule for editors: nothing here is derived from HTTP.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from bridge.model import ContactKey, Kind

Body = Mapping[str, Any]

# Whom the account serves first: somebody who must not be called, somebody who waits to be called, a change of
# somebody who is there, and what an operator replays: fresh events don't stand behind 50,000 old ones.
DO_NOT_CALL, NEW, UPDATE, BACKFILL = range(4)

MOVED = "moved"  # the reason of a row that only tags a lead which was created anew elsewhere

# `system` of the contacts that stand for an e-mail address: no source can have that name.
ADDRESS = "@"


@dataclass(frozen=True, slots=True)
class KnownContact:
    """A row of contact_map: what the newest events said of a contact."""

    key: ContactKey
    phone: str = ""
    occurred_at: float = 0.0  # of the newest event applied …
    event_id: int = 0  # … and its id: equal times go by arrival
    stated_at: float = 0.0  # of the newest event with a time of its own; the others count by their arrival
    dnd_all: bool = False
    dnd_all_at: float = 0.0  # of the newest event that spoke of it; most don't
    dnd_call: bool = False
    dnd_call_at: float = 0.0
    blocked: bool = False  # do-not-call, by the configuration's own rule
    deleted: bool = False
    account: str = ""  # where its lead was put last


@dataclass(frozen=True, slots=True)
class KnownLead:
    """A row of lead_map: this phone is that lead."""

    account: str
    campaign_id: str
    phone: str
    body: Body | None = None  # as last delivered; None when found or adopted
    doubtful: frozenset[str] = frozenset()  # fields that a lost request may have changed since


@dataclass(frozen=True, slots=True)
class Waiting:
    """A row of the outbox: what a lead should look like."""

    account: str
    campaign_id: str
    phone: str
    kind: Kind | None
    body: Body
    in_flight: bool = False
    uncertain: bool = False  # a creation left and nobody knows whether it was carried out
    only_existing: str = ""  # never create it; the reason for skipping the event if it isn't there

    @property
    def may_exist(self) -> bool:
        return self.in_flight or self.uncertain


@dataclass(frozen=True, slots=True)
class Marked:
    """Which of them belongs to somebody who demanded erasure."""

    phone: bool = False
    contact: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything the store knows about one contact, its phones, and whom else the event may mean."""

    contact: KnownContact | None = None
    people: tuple[KnownContact, ...] = ()  # all contacts with either phone, this one included
    leads: tuple[KnownLead, ...] = ()
    waiting: tuple[Waiting, ...] = ()
    marked: Marked = Marked()
    addresses: tuple[KnownContact, ...] = ()  # what was said of the event's e-mail addresses alone
    kin: tuple[KnownContact, ...] = ()  # who ever had one of them; read where the event speaks of calls
    crowded: bool = False  # an address has more contacts than one person can be: they are left out

    def of(self, accounts: Collection[str]) -> "Facts":
        """Without the leads and rows of other accounts: those left the configuration."""
        return replace(
            self,
            leads=tuple(lead for lead in self.leads if lead.account in accounts),
            waiting=tuple(row for row in self.waiting if row.account in accounts),
        )


@dataclass(frozen=True, slots=True)
class Put:
    """The outbox row to write: merged already with what waited there."""

    account: str
    campaign_id: str
    phone: str
    kind: Kind | None
    body: Body
    priority: int
    only_existing: str = ""


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """The outbox row to take back before it was ever sent."""

    account: str
    campaign_id: str
    phone: str


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of an event. `queued` has puts; `skipped` and `dead` have a reason."""

    state: Literal["queued", "skipped", "dead"]
    reason: str = ""
    fix: str = ""
    contact: KnownContact | None = None  # the contact_map row to write …
    others: tuple[KnownContact, ...] = ()  # … and those of whom the event means beside it
    addresses: tuple[str, ...] = ()  # the contact's e-mail addresses
    puts: tuple[Put, ...] = ()
    withdrawals: tuple[Withdrawal, ...] = ()
    warnings: tuple[str, ...] = ()  # beside those of the rules
    # What of the event isn't kept: what it said, or also whom it was about.
    erase: Literal["", "payload", "event"] = ""
    in_effect: tuple[int, ...] = ()  # events that had reached nobody: their opt-out holds for this contact

    @property
    def settles_earlier(self) -> bool:
        """Whether the lead is as the contact says: what was dead of the contact before is settled by it."""
        return self.reason == "unchanged" or any(not put.only_existing for put in self.puts)


@dataclass(frozen=True, slots=True)
class OwnTags:
    """The tags that the bridge itself gives to leads."""

    do_not_call: str = "do-not-call"
    deleted: str = "deleted-in-crm"
    phone_changed: str = "phone-changed"
    moved: str = "moved"

    def all(self) -> frozenset[str]:
        return frozenset((self.do_not_call, self.deleted, self.phone_changed, self.moved))
