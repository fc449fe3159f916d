"""How many requests an account may send now: Fusion's sliding window, counted so that we are never over.

Fusion counts a request when it arrives; we can't see that moment, only that it lies between sending and
the answer. So a request occupies its place from the moment it is sent until one window after it was
*answered*: our count is never below Fusion's. Times are Unix seconds. Rule for editors: no clock here.
"""

from collections import deque
from collections.abc import Iterable

# Clocks of two machines run at slightly different speeds, and Fusion may round to milliseconds.
MARGIN_S = 0.05


class Budget:
    """The places of one account in one lane; rebuilt from `attempts` at start-up."""

    def __init__(self, requests: int, per_s: float, answered_at: Iterable[float] = ()) -> None:
        self.requests = requests
        self.per_s = per_s
        self._answered: deque[float] = deque(sorted(answered_at))
        self._under_way = 0

    def left(self, now: float) -> int:
        """How many requests may be sent now."""
        self._expire(now)
        return max(0, self.requests - len(self._answered) - self._under_way)

    def free_at(self, now: float) -> float:
        """When the next place is free; `now` if one is. Infinity while all places are under way."""
        if self.left(now) > 0:
            return now
        if not self._answered:
            return float("inf")
        over = len(self._answered) + self._under_way - self.requests
        return self._answered[min(over, len(self._answered) - 1)] + self.per_s + MARGIN_S

    def send(self) -> None:
        """A request leaves: it occupies a place."""
        self._under_way += 1

    def answered(self, now: float, *, reached: bool = True) -> None:
        """An answer came, or will not come. A request that never reached Fusion gives its place back."""
        self._under_way -= 1
        if reached:
            self._answered.append(now)

    def believe(self, remaining: int | None, now: float) -> None:
        """X-RateLimit-Remaining is lower than our count when another tool uses the same key: believe it."""
        if remaining is None:
            return
        taken_by_others = self.left(now) - max(0, remaining)
        self._answered.extend([now] * max(0, taken_by_others))

    def resize(self, requests: int, per_s: float, answered_at: Iterable[float]) -> None:
        """After a reload. A longer window counts requests again that the old one had let go."""
        if per_s > self.per_s:
            self._answered = deque(sorted(answered_at))
        self.requests = requests
        self.per_s = per_s

    def _expire(self, now: float) -> None:
        while self._answered and self._answered[0] + self.per_s + MARGIN_S <= now:
            self._answered.popleft()
