"""Updates cost a request a lead and no more: what an outage gathers, and what says nothing new.

The first limit is 1,000 requests a second, so that 5,000 PATCHes take seconds: they are counted here, not
timed.
"""

import asyncio
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import uvloop

from bridge.fusion.client import FusionClient
from bridge.outbox.request import Request
from tests.benchmarks.engine_world import World, told, world
from tests.benchmarks.load import payload
from tests.benchmarks.table import Figure, at_least, at_most, below, note
from tests.crash.setting import API_KEY

PEOPLE = 5_000
ROUNDS = 10
LIMIT = (1000, 1)
TIMES = 1_000
_BARE = 2_000
_PAUSE_S = 6.0  # longer than the pause between two probes of an absent Fusion
_DRAINED_WITHIN_S = 240.0


def run(folder: Path) -> list[Figure]:
    """An outage, then the same event again and again."""
    return uvloop.run(_outage(folder)) + uvloop.run(_again_and_again(folder))


async def _outage(folder: Path) -> list[Figure]:
    chance = random.Random(1)
    with world(folder, "updates", limit=LIMIT) as it:
        await it.send(payload(number, "workflow") for number in range(PEOPLE))
        if not await it.drained(_DRAINED_WITHIN_S):
            raise RuntimeError("the leads to be updated weren't created in time")
        it.faults({"kind": "down"})
        for number in range(ROUNDS):
            await it.send(_changed(person, number) for person in chance.sample(range(PEOPLE), PEOPLE))
        await it.resolved(300)
        await asyncio.sleep(_PAUSE_S)
        since, cpu_s = time.time(), it.service.cpu_s()
        it.well_again()
        drained = await it.drained(_DRAINED_WITHIN_S)
        seconds, cost_ms = time.time() - since, (it.service.cpu_s() - cpu_s) / PEOPLE * 1000
        seen = it.seen(since)
        latest = sum(lead["company"] == _company(ROUNDS - 1) for lead in it.leads().values())
        bare_ms = await _bare_ms(it.fusion.port)
        name = f"{ROUNDS * PEOPLE:,} updates of {PEOPLE:,} known leads in an outage: requests"
        return [
            at_most(name, len(seen), PEOPLE, "{:,}"),
            note("  which", told(seen)),
            at_least("  leads with the last value", latest, PEOPLE, "{:,}"),
            _ended(it, drained=drained),
            note(f"  delivered after the return, s ({LIMIT[0]} requests a second)", f"{seconds:.1f}"),
            note("  the bridge's processor time an update, ms", f"{cost_ms:.2f}"),
            note("  the HTTP client's alone for such a request, ms", f"{bare_ms:.2f}"),
            below("  the engine's own, ms", cost_ms - bare_ms, 1.0, "{:.2f}"),
        ]


async def _bare_ms(port: int) -> float:
    """Processor time of the bridge's client for one PATCH, with nothing around it."""
    client = FusionClient(f"http://127.0.0.1:{port}", API_KEY)
    lead = {"phone": payload(0, "workflow")["phone"], "company": _company(0)}

    async def several() -> None:
        for _ in range(_BARE // 4):
            await client.send(Request("update", "", None, (lead,)))

    began = time.process_time()
    await asyncio.gather(*(several() for _ in range(4)))
    cost_s = time.process_time() - began
    await client.aclose()
    return cost_s / _BARE * 1000


async def _again_and_again(folder: Path) -> list[Figure]:
    figures = []
    with world(folder, "again", limit=LIMIT) as it:
        for kind, bodies in (("app", _app_events()), ("workflow", _workflow_bodies())):
            since = time.time()
            await it.send(bodies, kind=kind)
            drained = await it.drained(30)
            await asyncio.sleep(0.5)
            name = f"the same {kind} event {TIMES:,} times: requests"
            figures += [at_most(name, len(it.seen(since)), 1, "{:d}"), _ended(it, drained=drained)]
    return figures


def _app_events() -> Iterator[dict[str, Any]]:
    for number in range(TIMES):
        yield payload(1, "app") | {"webhookId": f"again-{number}"}


def _workflow_bodies() -> Iterator[dict[str, Any]]:
    """Only what no rule uses differs: the same body would be a repeated one, and not stored."""
    for number in range(TIMES):
        yield payload(2, "workflow") | {"customData": {"origin": f"again-{number}"}}


def _changed(person: int, number: int) -> dict[str, Any]:
    return payload(person, "workflow") | {"company_name": _company(number)}


def _company(number: int) -> str:
    return f"Company of round {number}"


def _ended(it: World, *, drained: bool) -> Figure:
    ends = ", ".join(f"{count:,} {state}" for state, count in it.states().items())
    return Figure("  events", ends, "an end each", drained)
