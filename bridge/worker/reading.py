"""Which page of a list comes next, and when the list is at its end, though it changes while it is read.

Pure. Rule for editors: it must end with any Fusion: one that never tells how many leads there are, tells
another number each time, or shows the same page for ever.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Self

from bridge.fusion.listing import PAGE_SIZE

# A list that got shorter has moved leads to pages that were read already, so one goes back; but not for ever,
# where the number can't be believed. What is missed then costs one request when it is met.
MOST_RETURNS = 10


@dataclass(frozen=True, slots=True)
class Reading:
    """Where one stands in a list."""

    page: int = 1  # the next one
    total: int | None = None  # leads on all pages, as told last
    seen: int = 0  # leads on the pages before
    done: bool = False
    last: frozenset[str] = frozenset()  # who was on the page before
    returns: int = 0

    @classmethod
    def from_page(cls, page: int, total: int | None) -> Self:
        """To go on with a page, after a break."""
        return cls(page, total, (page - 1) * PAGE_SIZE)

    def after(self, phones: Collection[str], total: int | None) -> "Reading":
        """One page further, with the leads on it and how many there are on all."""
        gone = self.total - total if self.total is not None and total is not None else 0
        if gone > 0 and self.page > 1 and self.returns < MOST_RETURNS:
            back = max(1, self.page - -(-gone // PAGE_SIZE))
            return Reading(back, total, (back - 1) * PAGE_SIZE, returns=self.returns + 1)
        here = frozenset(phones)
        if not here or here == self.last:
            return Reading(self.page, total, self.seen, done=True)
        seen = self.seen + len(phones)
        # Whatever a page holds, there is more while fewer were shown than there are.
        more = len(phones) >= PAGE_SIZE if total is None else seen < total
        return Reading(self.page + 1, total, seen, not more, here, self.returns)


def is_whole(total: int | None, *, last_page: int) -> bool:
    """Whether a list that came to its end can be believed to be all there is.

    A total that is no more than one full page may be of that page alone.
    """
    return total is not None and (total > PAGE_SIZE or last_page < PAGE_SIZE)
