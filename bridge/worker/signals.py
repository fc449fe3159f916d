"""Who wakes whom, and how long one waits otherwise. Knows no events and no leads."""

import asyncio

# The command line writes to the database beside us (replay); we look this often.
POLL_S = 1.0

# After the database refused: long enough not to spin, short enough to be there when it is back.
STORE_PAUSE_S = 1.0


class Signals:
    """Who wakes whom: the web tells that an event was accepted, the resolver that rows were queued."""

    def __init__(self) -> None:
        self.stopping = False
        self.accepted = 0
        self.opt_outs = 0  # do-not-call rows put so far: a request that hasn't left may have to be changed
        self.received = asyncio.Event()
        self.calm = asyncio.Event()  # no opt-outs wait behind those being resolved; at start nobody knows
        self.lanes: set[asyncio.Event] = set()

    def event_accepted(self) -> None:
        self.accepted += 1
        self.received.set()

    def rows_queued(self) -> None:
        for lane in self.lanes:
            lane.set()

    def stop(self) -> None:
        self.stopping = True
        self.received.set()
        self.calm.set()
        self.rows_queued()


async def wait(event: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return
