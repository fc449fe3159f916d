"""How long an account takes to send what waits: the requests it needs, and the time the limit makes of them.

Pure, and an estimate: what comes meanwhile, what Fusion refuses and how requests are spread over the window
isn't foreseen. Rule for editors: counts as `compose` composes, new leads of one campaign and kind together.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil

from bridge.outbox.compose import MAX_BATCH
from bridge.outbox.facts import BACKFILL, NEW


@dataclass(frozen=True, slots=True)
class Waiting:
    """So many rows of one campaign, kind and priority."""

    campaign_id: str
    kind: str | None
    priority: int
    rows: int


def requests_needed(waiting: Iterable[Waiting], known_share: float = 0.0) -> int:
    """The requests that these rows cost.

    What an operator replays (BACKFILL) may be new or known: `known_share` of it is taken to be in Fusion.
    """
    updates, new = 0, Counter[tuple[str, str | None]]()
    for each in waiting:
        known = {NEW: 0, BACKFILL: round(each.rows * known_share)}.get(each.priority, each.rows)
        updates += known
        new[each.campaign_id, each.kind] += each.rows - known
    return updates + sum(ceil(rows / MAX_BATCH) for rows in new.values())


def drain_s(requests: int, *, left: int, limit: int, per_s: float) -> float:
    """Seconds until the last of these requests may leave; 0 when what is left of the window carries them."""
    return max(0, requests - left) * per_s / limit
