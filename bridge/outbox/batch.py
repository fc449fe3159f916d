"""What a batch's outcome means for each of its leads: the good ones arrive, the culprit goes its own way.

Fusion takes a batch whole or not at all, so one refused lead stops 99 others. Where the answer names the
culprit, it is taken out; where it doesn't, the batch is *suspected*: half of it is sent, which clears that
half or, when it is refused, the other one. Of a batch without an answer one lead is looked up for all.
Rule for editors: only an answer to a lead that stood alone may end it, or one about the whole request.

Source: Fusion's API reference, "Create leads": atomic, 1 to 100 leads.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, assert_never

from bridge.outbox.outcome import (
    Delivered,
    Exists,
    Failed,
    Gone,
    Outcome,
    Rejected,
    Throttled,
    Unauthorized,
    Unreachable,
)

# A single culprit among 100 is found within 8 refusals (100, 50, 25, 13, 7, 4, 2, 1). A lead that was refused
# that often in company has company that is no better than itself: it is sent alone from now on.
STANDS_ALONE = 8

# A batch that Fusion couldn't carry out, without a word whose fault it is, is tried again whole once; then in
# halves.
WHOLE_TRIES = 2


class Member(Protocol):
    """What must be known of a row that was in a batch."""

    @property
    def phone(self) -> str: ...
    @property
    def doubt(self) -> int | None: ...
    @property
    def suspects(self) -> int | None: ...
    @property
    def refusals(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Apart:
    """A lead that waits again, and in which company.

    free: any; alone: none; suspects: this batch, of which one must be the culprit; doubt: this batch, which
    may have been carried out.
    """

    company: Literal["free", "alone", "suspects", "doubt"]
    reason: str
    leave_out: frozenset[str] = frozenset()  # what it is refused for, and can do without


Share = Outcome | Apart


def shares(outcome: Outcome, batch: Sequence[Member]) -> list[Share]:
    """For each lead of a batch of creations (2 or more) what the outcome is to it alone."""
    match outcome:
        case Delivered():
            return [_inserted(outcome, member, len(batch)) for member in batch]
        case Exists():
            return _exists(outcome, batch)
        case Rejected():
            return _rejected(outcome, batch)
        case Failed(uncertain=True, reason=words) | Unreachable(uncertain=True, reason=words):
            return [Apart("doubt", words)] * len(batch)
        case Failed() | Unreachable() | Throttled() | Unauthorized() | Gone():
            return [outcome] * len(batch)
        case _:
            assert_never(outcome)


def looked_up(outcome: Outcome, batch: Sequence[Member]) -> list[Share]:
    """For each lead of a batch in doubt what the look-up of its first one tells."""
    match outcome:
        case Delivered():
            ids = outcome.lead_ids
            return [Delivered({member.phone: ids.get(member.phone, "")}) for member in batch]
        case Exists(reason=words):  # it stood in the way before: the batch can't have been carried out
            return [outcome, *[Apart("free", words)] * (len(batch) - 1)]
        case Gone(reason=words):
            return [Apart("free", words)] * len(batch)
        case Rejected(reason=words) | Failed(reason=words):  # then a refusal of the batch must tell
            return [Apart("suspects", words)] * len(batch)
        case Unreachable() | Throttled() | Unauthorized():
            return [outcome] * len(batch)
        case _:
            assert_never(outcome)


def _inserted(outcome: Delivered, member: Member, size: int) -> Share:
    """Delivered, if the answer leaves no doubt of it: a revision may skip what it can't take."""
    told, inserted = outcome.lead_ids, outcome.inserted
    if member.phone in told:
        return Delivered({member.phone: told[member.phone]})
    if inserted is not None and inserted < size:
        return Apart("alone", f"Fusion inserted {inserted} of {size}")
    if not told:  # it said yes, and no more
        return Delivered()
    return Apart("doubt", "Fusion said yes, but told of other leads")


def _exists(outcome: Exists, batch: Sequence[Member]) -> list[Share]:
    words = outcome.reason
    late = [_may_be_late(member) for member in batch]
    if any(late):
        return [Apart("doubt" if each else "free", words) for each in late]
    if not outcome.indexes:
        return [Apart("suspects", words)] * len(batch)
    named = set(outcome.indexes)
    return [outcome if at in named else Apart("free", words) for at in range(len(batch))]


def _may_be_late(member: Member) -> bool:
    """Sent again after a look-up hadn't found it: the first request may have been carried out since."""
    return member.doubt is not None and member.suspects is None and member.refusals <= WHOLE_TRIES


def _rejected(outcome: Rejected, batch: Sequence[Member]) -> list[Share]:
    named, spare = outcome.reasons, outcome.dispensable
    if outcome.whole:
        return [outcome] * len(batch)
    if len(named) == len(batch):
        return [
            Rejected(named[at], outcome.fix, dispensable={0: fields} if (fields := spare.get(at)) else {})
            for at in range(len(batch))
        ]
    if not named:
        return [Apart("suspects", outcome.reason)] * len(batch)
    return [
        Apart("alone", named[at], spare.get(at, frozenset()))
        if at in named
        else Apart("free", outcome.reason)
        for at in range(len(batch))
    ]
