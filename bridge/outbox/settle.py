"""What an outcome means for one row of the outbox: delivered, again, dead or withdrawn.

Pure. Rule for editors: "again" is always the same row through the same turn; there is no second path for
corrections or retries, so a crash between any two requests needs no care of its own.
"""

from dataclasses import dataclass, replace
from typing import Literal, assert_never

from bridge.outbox.batch import STANDS_ALONE, WHOLE_TRIES, Apart, Share
from bridge.outbox.lane import LaneState
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
from bridge.outbox.request import Plan
from bridge.outbox.retry import STEP_ASIDE_S, Retry, backoff_s

# A gateway may give up on a creation that Fusion carries out all the same, moments later. For this long a
# lead that must not be called is looked for before we believe that it isn't there.
LATE_S = 60.0
LOOK_AGAIN_S = 15.0


# As in `Apart`; as before: this outcome says nothing about it.
Company = Literal["as before", "free", "suspects", "doubt"]


@dataclass(frozen=True, slots=True)
class Tries:
    """What a row has been through; all but the two that say it may exist is reset by a newer version."""

    failures: int = 0  # counted ones
    unanswered: int = 0  # while the account was otherwise fine
    corrections: int = 0  # 409 → PATCH or 404 → POST, in a row
    unreached_since: float | None = None  # since when every request of it went unanswered
    uncertain_at: float | None = None  # when a creation left of which nobody knows whether it was carried out
    only_existing: str = ""
    refusals: int = 0  # batches with it that were refused
    spare: frozenset[str] = frozenset()  # fields of its request that it can do without


@dataclass(frozen=True, slots=True)
class Verdict:
    """`exists` is what the lead map learns: there, not there, or nothing new (None)."""

    fate: Literal["delivered", "again", "dead", "withdrawn"]
    due_at: float = 0.0
    tries: Tries = Tries()
    exists: bool | None = None
    reason: str = ""
    fix: str = ""
    company: Company = "as before"  # in which company it waits again
    leave_out: frozenset[str] = frozenset()  # what is sent no more, because Fusion refuses it


@dataclass(frozen=True, slots=True)
class Moment:
    """Everything about now that a verdict needs."""

    now: float
    jitter: float
    before: LaneState  # the account before this outcome …
    after: LaneState  # … and after it


def verdict(outcome: Outcome, plan: Plan, tries: Tries, moment: Moment, retry: Retry) -> Verdict:
    """The fate of one row after one request that carried it."""
    now = moment.now
    if not isinstance(outcome, Unreachable):
        tries = replace(tries, unreached_since=None)
    if plan == "create" and getattr(outcome, "uncertain", False):
        # Its 409 would spoil a batch.
        tries = replace(tries, uncertain_at=now, refusals=STANDS_ALONE)
    match outcome:
        case Delivered(inserted=0) if plan == "create":
            doubtful = replace(tries, uncertain_at=now)
            return _count(doubtful, moment, retry, "Fusion said yes, but that it inserted nothing")
        case Delivered():
            return Verdict("delivered", exists=True)
        case Exists(reason=words):
            return _correct(tries, moment, retry, exists=True, words=words)
        case Gone(reason=words):
            return _gone(tries, moment, retry, words)
        case Rejected():
            return _refused(outcome, tries, now)
        case Failed(reason=words):
            return _count(tries, moment, retry, words)
        case Unreachable(reason=words):
            return _wait(tries, moment, retry, words)
        case Throttled():
            return Verdict("again", now, tries, reason="throttled by Fusion")
        case Unauthorized(reason=words):
            return Verdict("again", now, tries, reason=words)
        case _:
            assert_never(outcome)


def in_company(
    share: Share, outcome: Outcome, plan: Plan, tries: Tries, moment: Moment, retry: Retry
) -> Verdict:
    """The fate of one row after a request that carried several; `share` is its part of the outcome.

    Nobody dies of a failure that may be another's.
    """
    refused = replace(tries, refusals=min(STANDS_ALONE, tries.refusals + 1), unreached_since=None)
    if isinstance(share, Failed):
        return _halved(_count(refused, moment, retry, share.reason, alone=False))
    if not isinstance(share, Apart):
        found = verdict(share, plan, tries, moment, retry)
        if isinstance(share, Unreachable) and plan == "create" and found.tries.unanswered >= WHOLE_TRIES:
            return replace(found, company="suspects")  # Fusion is there for others
        return found
    match share.company:
        case "alone" if _spares(share.leave_out, tries):
            kept = replace(tries, unreached_since=None)
            return Verdict(
                "again", moment.now, kept, reason=share.reason, company="free", leave_out=share.leave_out
            )
        case "alone":
            doubtful = moment.now if isinstance(outcome, Delivered) else tries.uncertain_at
            alone = replace(refused, refusals=STANDS_ALONE, uncertain_at=doubtful)
            return Verdict("again", moment.now, alone, reason=share.reason, company="free")
        case "free":
            if plan == "look" and isinstance(outcome, Gone):  # the batch wasn't carried out
                return _halved(Verdict("again", moment.now, refused, reason=share.reason, company="free"))
            cleared = replace(tries, unreached_since=None)
            return Verdict("again", moment.now, cleared, reason=share.reason, company="free")
        case "suspects":
            return Verdict("again", moment.now, refused, reason=share.reason, company="suspects")
        case "doubt":
            return _doubted(outcome, tries, moment, retry, share.reason)
        case _:
            assert_never(share.company)


def _refused(outcome: Rejected, tries: Tries, now: float) -> Verdict:
    fields = outcome.dispensable.get(0, frozenset())
    if _spares(fields, tries):
        return Verdict("again", now, tries, reason=outcome.reason, leave_out=fields)
    return _dead(tries, f"Fusion refused it: {outcome.reason}", outcome.fix)


def _spares(fields: frozenset[str], tries: Tries) -> bool:
    """Whether the lead can be sent without all that Fusion refuses of it; each field is left out once."""
    return bool(fields) and fields <= tries.spare


def _halved(found: Verdict) -> Verdict:
    """A batch that doesn't get through as a whole is sent in halves, though nobody said whose fault it is."""
    refusals = found.tries.refusals
    return replace(found, company="suspects") if refusals >= WHOLE_TRIES else found


def _doubted(outcome: Outcome, tries: Tries, moment: Moment, retry: Retry, words: str) -> Verdict:
    """The batch is looked up when an absent Fusion may be back; at once, where Fusion answered."""
    doubted = replace(tries, uncertain_at=moment.now)
    if isinstance(outcome, Failed):
        again = _count(replace(doubted, unreached_since=None), moment, retry, words, alone=False)
    elif isinstance(outcome, Unreachable):
        again = _wait(doubted, moment, retry, words)
    else:
        again = Verdict("again", moment.now, doubted, reason=words)
    return replace(again, company="doubt") if again.fate == "again" else again


def _dead(tries: Tries, reason: str, fix: str) -> Verdict:
    """A lead that may exist stays in the map: a later do-not-call must find it."""
    return Verdict("dead", exists=True if tries.uncertain_at is not None else None, reason=reason, fix=fix)


def _gone(tries: Tries, moment: Moment, retry: Retry, words: str) -> Verdict:
    if not tries.only_existing:
        return _correct(tries, moment, retry, exists=False, words=words)
    if tries.uncertain_at is not None and moment.now - tries.uncertain_at < LATE_S:
        return Verdict("again", moment.now + LOOK_AGAIN_S, tries, exists=False, reason=words)
    return Verdict("withdrawn", exists=False, reason=tries.only_existing)


def _correct(tries: Tries, moment: Moment, retry: Retry, *, exists: bool, words: str) -> Verdict:
    """The map was wrong: put it right and send the other request at once; but only once."""
    if tries.corrections >= 1:
        again = replace(tries, corrections=0)
        counted = _count(again, moment, retry, f"Fusion contradicts itself: {words}")
        return replace(counted, exists=exists, company="free")
    corrected = replace(tries, corrections=1, uncertain_at=None)
    return Verdict("again", moment.now, corrected, exists, words, company="free")


def _count(tries: Tries, moment: Moment, retry: Retry, words: str, *, alone: bool = True) -> Verdict:
    """In company it waits as long, but keeps its last tries for when it stands alone."""
    failures = tries.failures + 1
    if not alone:
        failures = min(failures, max(1, retry.max_attempts - 2))
    elif failures >= retry.max_attempts:
        fix = "see the attempts with `bridge show`; `bridge replay` tries again"
        return _dead(tries, f"failed {failures} times, last: {words}", fix)
    due_at = moment.now + backoff_s(retry, failures, moment.jitter)
    return Verdict("again", due_at, replace(tries, failures=failures), reason=words)


def _wait(tries: Tries, moment: Moment, retry: Retry, words: str) -> Verdict:
    """Fusion's absence is not counted; a lead that brings it about steps aside for the others."""
    since = moment.now if tries.unreached_since is None else tries.unreached_since
    if moment.now - since > retry.give_up_after_s:
        hours = retry.give_up_after_s / 3600
        fix = "check base_url and Fusion's status, then `bridge replay --state dead`"
        return _dead(tries, f"Fusion not reached for {hours:g} hours, last: {words}", fix)
    tries = replace(tries, unreached_since=since)
    if moment.before.unreachable:
        due_at = moment.after.paused_until + STEP_ASIDE_S
        return Verdict("again", due_at, tries, reason=words)
    unanswered = tries.unanswered + 1
    due_at = moment.now + backoff_s(retry, unanswered, moment.jitter)
    return Verdict("again", due_at, replace(tries, unanswered=unanswered), reason=words)
