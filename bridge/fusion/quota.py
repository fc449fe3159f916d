"""How much of the request limit is left, and how long to wait, as the headers of an answer tell.

Knows X-RateLimit-*, Retry-After and the body's retryAfter, in every form seen or allowed. Doesn't know who
spends the budget. Rule for editors: a header is a stranger's text, so whatever can't be believed counts as
absent, and nothing here may raise.

Source: Fusion's API reference, "Rate Limit Headers"; RFC 9110 §10.2.3 for Retry-After.
"""

import math
from collections.abc import Mapping
from typing import Any

from bridge.fusion.times import MILLISECONDS_FROM, http_date
from bridge.outbox.outcome import Quota

DEFAULT_WAIT_S = 60.0  # Fusion's window is the last 60 seconds: by then every place in it is free again
SHORTEST_WAIT_S = 1.0
LONGEST_WAIT_S = (
    3600.0  # a pause longer than that is a mistake or an outage; asking once an hour is no burden
)

_DELTA_BELOW = 1e8  # seconds: three years as a delta, 1973 as a date
_RESET_WITHIN_S = (
    86_400.0  # the window is a minute: a reset more than a day away is garbage or a broken clock
)
_COUNT_BELOW = 1e9
# `Date` has whole seconds and is written before the answer travels: a smaller difference is no other clock.
_SAME_CLOCK_S = 2.0


def read_quota(headers: Mapping[str, str], *, now: float) -> Quota:
    """The quota that an answer's headers (names in lower case) tell of."""
    return Quota(
        limit=_count(headers.get("x-ratelimit-limit")),
        remaining=_count(headers.get("x-ratelimit-remaining")),
        reset_at=_reset_at(headers, now=now),
    )


def retry_after_s(headers: Mapping[str, str], answer: Any, *, now: float) -> float:
    """How long a 429 asks to wait: the first source that can be believed, within 1 s and an hour."""
    wait = _retry_after(headers, now=now)
    if wait is None and isinstance(answer, dict):
        wait = _number(answer.get("retryAfter"))
    if wait is None:
        reset_at = _reset_at(headers, now=now)
        wait = DEFAULT_WAIT_S if reset_at is None else reset_at - now
    return min(max(wait, SHORTEST_WAIT_S), LONGEST_WAIT_S)


def _number(value: Any) -> float | None:
    """A finite number of at least 0, or None. Of a header that came twice ("1, 2") the first counts."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        number = float(value.replace(";", ",").split(",")[0] if isinstance(value, str) else value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) and number >= 0 else None


def _count(value: str | None) -> int | None:
    number = _number(value)
    return int(number) if number is not None and number < _COUNT_BELOW else None


def _ahead_s(headers: Mapping[str, str], *, now: float) -> float:
    """How far Fusion's clock is ahead of ours, as the answer's own Date tells; 0 when they agree."""
    date = http_date(headers.get("date"))
    ahead_s = 0.0 if date is None else date - now
    return ahead_s if _SAME_CLOCK_S < abs(ahead_s) <= _RESET_WITHIN_S else 0.0


def _reset_at(headers: Mapping[str, str], *, now: float) -> float | None:
    """By our clock. Unix seconds as the reference says, Unix milliseconds or a delta as other servers do."""
    number = _number(headers.get("x-ratelimit-reset"))
    if number is None:
        return None
    if number >= MILLISECONDS_FROM:
        number /= 1000
    reset_at = now + number if number < _DELTA_BELOW else number - _ahead_s(headers, now=now)
    return reset_at if abs(reset_at - now) <= _RESET_WITHIN_S else None


def _retry_after(headers: Mapping[str, str], *, now: float) -> float | None:
    """Seconds, or the seconds until an HTTP date by the clock that wrote it; a date that has passed is 0."""
    number = _number(headers.get("retry-after"))
    if number is not None:
        return number
    date = http_date(headers.get("retry-after"))
    return None if date is None else max(date - _ahead_s(headers, now=now) - now, 0.0)
