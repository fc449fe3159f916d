"""The service's clock: budgets, delays and the order of events don't jump when the time is corrected."""

import time
from collections.abc import Callable


def steady_clock() -> Callable[[], float]:
    """Unix seconds by the wall clock of now, counted on by a clock that is never set back or forth."""
    counter = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
    offset = time.time() - time.clock_gettime(counter)
    return lambda: offset + time.clock_gettime(counter)
