"""The state of one account in one lane: does it send, or wait, and why. Pure transitions.

Rule for editors: an account pauses for reasons that hold for all its leads (Fusion absent, key refused,
limit reached); what is wrong with one lead never pauses the others.
"""

from dataclasses import dataclass
from typing import assert_never

from bridge.outbox.budget import Budget
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
from bridge.outbox.retry import UNAUTHORIZED_PAUSE_S, probe_delay_s


@dataclass(frozen=True, slots=True)
class LaneState:
    """`reason` is empty while the account sends; times are Unix seconds."""

    reason: str = ""  # "unreachable", "throttled", "unauthorized", "limit"
    detail: str = ""  # the answer's or the error's words
    paused_until: float = 0.0
    unreachable: int = 0  # unanswered requests in a row

    def ready(self, now: float) -> bool:
        return now >= self.paused_until


def throttled(until: float) -> LaneState:
    """The state at start of an account that Fusion asked to wait until then (Unix seconds; 0: it didn't)."""
    return LaneState("throttled", "Fusion asked for it", until) if until else LaneState()


def full(budget: Budget, now: float) -> LaneState:
    """The state of an account whose window is full; nobody's fault, and shown so that nobody wonders."""
    words = f"{budget.requests} requests in {budget.per_s:g} s are spent"
    return LaneState("limit", words, budget.free_at(now))


def after(state: LaneState, outcome: Outcome, *, now: float, jitter: float) -> LaneState:
    """The account's state after one more outcome."""
    match outcome:
        case Unreachable(reason=words):
            count = state.unreachable + 1
            return LaneState("unreachable", words, now + probe_delay_s(count, jitter), count)
        case Throttled(retry_after_s=seconds):
            return LaneState("throttled", f"Fusion asked for {seconds:.0f} s", now + seconds)
        case Unauthorized(reason=words):
            return LaneState("unauthorized", words, now + UNAUTHORIZED_PAUSE_S)
        case Delivered() | Exists() | Gone() | Rejected() | Failed():
            return LaneState()
        case _:
            assert_never(outcome)
