"""What one request came to, as values: whose fault it is and what happens next are in the type.

`fusion` makes them from answers (the only place that branches on HTTP status), `worker` acts on them
with a `match` that has no default branch, so that the type checker finds a forgotten one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Delivered:
    """2xx. Ids by the phone that Fusion answered with (E.164); a PATCH answers with one.

    To a look-up: the lead is there, and was created after the batch in doubt had left.
    """

    lead_ids: Mapping[str, str] = field(default_factory=dict)  # an id may be empty: the phone alone was told
    inserted: int | None = None  # as Fusion says it; None when the answer doesn't


@dataclass(frozen=True, slots=True)
class Exists:
    """409 to a POST: the phone is in the campaign already. The map was wrong; the correction is a PATCH.

    To a look-up: the lead was there before the batch in doubt had left.
    """

    reason: str
    indexes: tuple[int, ...] = ()  # which leads of a batch, when the answer names them


@dataclass(frozen=True, slots=True)
class Gone:
    """404 to a PATCH: the lead isn't there. The map was wrong; the correction is a POST."""

    reason: str


@dataclass(frozen=True, slots=True)
class Rejected:
    """400, 404 to a POST, 413, 422 and unknown 4xx: it will never be taken as it is.

    Dead at once, unless the lead can do without all that is refused of it.
    """

    reason: str  # Fusion's own words
    fix: str
    reasons: Mapping[int, str] = field(default_factory=dict)  # of each lead of a batch that the answer names
    whole: bool = False  # the request itself is refused (no such campaign): no other company helps a lead
    # By lead of the request: the fields that are refused, where a lead can do without all of them.
    dispensable: Mapping[int, frozenset[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Failed:
    """500, 408, an unreadable answer, anything unforeseen: counted, tried again, dead after max_attempts."""

    reason: str
    uncertain: bool = False  # the request may have been carried out all the same


@dataclass(frozen=True, slots=True)
class Unreachable:
    """Connect error, time-out, 502, 503, 504, HTML for JSON: Fusion's absence costs the lead nothing."""

    reason: str
    uncertain: bool = False  # the request may have been carried out all the same


@dataclass(frozen=True, slots=True)
class Throttled:
    """429: the account pauses for this long."""

    retry_after_s: float


@dataclass(frozen=True, slots=True)
class Unauthorized:
    """401, 403: the key is wrong for all, so the account pauses."""

    reason: str


Outcome = Delivered | Exists | Gone | Rejected | Failed | Unreachable | Throttled | Unauthorized


@dataclass(frozen=True, slots=True)
class Quota:
    """X-RateLimit-* of an answer; None where absent or unreadable."""

    limit: int | None = None
    remaining: int | None = None
    reset_at: float | None = None  # Unix seconds
