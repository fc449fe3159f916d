"""SIGTERM and Ctrl-C are the orderly end of whatever serves: exit status 0, nothing on the screen.

Knows signals, not servers: uvicorn takes them while it runs and raises them again when it has shut down;
then these handlers see them. Rule for editors: they only ever exit; what must be closed is closed by `with`.
"""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def until_stopped() -> Iterator[None]:
    """Run a server inside; a signal to stop it ends the program with 0."""
    before = {number: signal.signal(number, _exit) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _exit(_number: int, _frame: Any) -> None:
    sys.exit(0)
