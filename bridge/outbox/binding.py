"""What keeps an account from sending, of all the limits at once. Pure, for people.

Asks the budget that the lane asks. Rule for editors: one answer, so that no two screens differ.
"""

from dataclasses import dataclass
from typing import Literal

from bridge.outbox.budget import Budget, Spent

Binds = Literal["", "window", "reserve", "pace"]


@dataclass(frozen=True, slots=True)
class Binding:
    """Which limit binds now: none, the window, its last places (kept for do-not-call), or the even pace."""

    binds: Binds
    left: int  # places of the window that are free
    limit: int  # the configured one, or Fusion's own where that is lower
    others: int  # places that others with the same key have taken, by Fusion's headers
    next_at: float  # when the next request may leave (Unix seconds)


def binding(budget: Budget, spent: Spent, now: float) -> Binding:
    """Which limit binds an account now."""
    allowance, left = budget.allow(spent, now), budget.left(spent, now)
    binds: Binds = ""
    if not allowance.places:
        paced = left > budget.reserve and allowance.next_at > now
        binds = "pace" if paced else "reserve" if left else "window"
    return Binding(binds, left, budget.limit, budget.others(now), max(now, allowance.next_at))
