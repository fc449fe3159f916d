"""The state of one account in one lane: does it send, or wait, and why. Pure transitions.

Rule for editors: an account pauses for reasons that hold for all its leads (Fusion absent, key refused,
asked to wait); what is wrong with one lead never pauses the others.
"""

from dataclasses import dataclass
from typing import assert_never

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
from bridge.outbox.retry import key_probe_delay_s, probe_delay_s


@dataclass(frozen=True, slots=True)
class LaneState:
    """`reason` is empty while the account sends; times are Unix seconds."""

    reason: str = ""  # "unreachable", "throttled", "unauthorized"
    detail: str = ""  # the answer's or the error's words
    paused_until: float = 0.0
    unreachable: int = 0  # unanswered requests in a row
    since: float = 0.0  # when the last request ended that made it so
    refused: int = 0  # refusals of the key in a row

    def ready(self, now: float) -> bool:
        return now >= self.paused_until


def throttled(until: float) -> LaneState:
    """The state at start of an account that Fusion asked to wait until then (Unix seconds; 0: it didn't)."""
    return LaneState("throttled", "Fusion asked for it", until) if until else LaneState()


def after(state: LaneState, outcome: Outcome, *, sent_at: float, now: float, jitter: float) -> LaneState:
    """The account's state after one more outcome.

    Of several requests under way together the first one that fails pauses the account; what the others, sent
    before that, come to is no news: they neither lengthen the pause nor end it.
    """
    if state.reason and sent_at < state.since and not isinstance(outcome, Throttled):
        return state
    match outcome:
        case Unreachable(reason=words):
            count = state.unreachable + 1
            return LaneState("unreachable", words, now + probe_delay_s(count, jitter), count, now)
        case Throttled(retry_after_s=seconds):
            until = max(now + seconds, state.paused_until if state.reason == "throttled" else 0.0)
            return LaneState("throttled", f"Fusion asked for {seconds:.0f} s", until, since=now)
        case Unauthorized(reason=words):
            count = state.refused + 1
            until = now + key_probe_delay_s(count)
            return LaneState("unauthorized", words, until, since=now, refused=count)
        case Delivered() | Exists() | Gone() | Rejected() | Failed():
            return LaneState()
        case _:
            assert_never(outcome)
