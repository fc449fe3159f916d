"""When to try again, and when to stop: the backoff, as small pure functions with reasons.

Times are Unix seconds, `jitter` is a number from 0 to 1. Rule for editors: first try, retry and replay are
the same code path; nothing here knows how often an operator replayed an event.
"""

from dataclasses import dataclass

# How long an absent Fusion is left alone at most between two probes. Short, because nothing is lost by a
# probe (it costs one connection attempt), and every second of it keeps leads waiting after Fusion's return.
MAX_PROBE_DELAY_S = 4.0
FIRST_PROBE_DELAY_S = 0.5

# A lead that made Fusion fail steps aside this much longer than the account waits, so that the next probe
# is somebody else: one poisonous lead can't keep the whole account down.
STEP_ASIDE_S = 0.25

# A gateway may answer a single 401 or 403 by mistake, and every second of the pause keeps leads waiting. A
# key that is really refused costs a request every five minutes, until a reload brings another one.
FIRST_KEY_PROBE_S = 5.0
LONGEST_KEY_PROBE_S = 300.0


@dataclass(frozen=True, slots=True)
class Retry:
    """The `retry:` section; durations in seconds."""

    max_attempts: int = 8
    first_delay_s: float = 5.0
    max_delay_s: float = 900.0
    give_up_after_s: float = 72 * 3600.0


def backoff_s(retry: Retry, failures: int, jitter: float) -> float:
    """Delay after the n-th failure in a row (n ≥ 1): exponential, with full jitter.

    Full jitter spreads a crowd of failures best (AWS Architecture Blog, "Exponential Backoff And Jitter");
    the floor of a tenth keeps a lucky draw from hammering.
    """
    ceiling = min(retry.max_delay_s, retry.first_delay_s * 2.0 ** min(failures - 1, 60))
    return ceiling * max(0.1, jitter)


def key_probe_delay_s(refused: int) -> float:
    """Delay before the key is tried again, after n refusals of it in a row (n ≥ 1): 5 s, 10 s … 5 minutes."""
    return min(LONGEST_KEY_PROBE_S, FIRST_KEY_PROBE_S * 2.0 ** min(refused - 1, 60))


def probe_delay_s(unreachable: int, jitter: float) -> float:
    """Delay before the next probe after n unanswered requests in a row (n ≥ 1)."""
    ceiling = min(MAX_PROBE_DELAY_S, FIRST_PROBE_DELAY_S * 2.0 ** min(unreachable - 1, 60))
    return ceiling * (0.75 + 0.25 * jitter)
