"""An event loop whose time jumps: whoever sleeps for an hour is woken at once when nothing else is to do.

Nothing here waits for the world outside, so that a run is as fast as its work and can be repeated exactly.
"""

import asyncio
import selectors


class _Jumping(selectors.DefaultSelector):
    """Never waits: where nothing is ready, it is later instead."""

    now = 0.0

    def select(self, timeout=None):
        ready = super().select(0)
        if not ready and timeout is None:
            raise RuntimeError("everything waits for something that will never come")
        if not ready and timeout > 0:
            self.now += timeout
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """Its clock starts at 0 and stands still while anything has something to do."""

    def __init__(self):
        super().__init__(_Jumping())

    def time(self):
        return self._selector.now

    def run_in_executor(self, _executor, work, *args):
        """What belongs into a thread is done at once: a thread's time isn't ours."""
        done = self.create_future()
        try:
            done.set_result(work(*args))
        except Exception as error:  # noqa: BLE001 - whoever waits for it is told
            done.set_exception(error)
        return done


async def steps(count):
    """Let everything else go on for so many rounds of the loop, in no time."""
    for _ in range(count):
        await asyncio.sleep(0)
