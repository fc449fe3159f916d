"""A burst of new leads, and amid it somebody who must not be called: how soon is that person safe?

Safe is who was withdrawn before any request carried them (the opt-out's event has its end then), or whose
lead has the do-not-call tag. Counted are the requests that reached the sandbox after the opt-out's 200 and
before that, the tagging PATCH included. Several rounds, each with a burst of its own. In most the victim is
one of those accepted last, who still waits; in the others it is anybody of the burst, who may be under way or
delivered already.
"""

import asyncio
import random
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import uvloop

from tests.benchmarks.engine_world import World, flood, world
from tests.benchmarks.load import payload
from tests.benchmarks.table import Figure, at_least, at_most, note
from tests.crash.sender import post

BURST = 3_000
LATEST_ROUNDS = 10
ANY_ROUNDS = 5
LIMIT = (100, 5)
FUSION_TAKES_S = 0.05
_LATEST = 400  # the victim is one of that many accepted last
_TAG = "do-not-call"


@dataclass(frozen=True, slots=True)
class Round:
    """How it ended for one person."""

    end: str  # "withdrawn", "tagged", or what is wrong
    requests: int
    seconds: float


def run(folder: Path) -> list[Figure]:
    """All rounds on one bridge, each after a window of silence."""
    return uvloop.run(_rounds(folder))


async def _rounds(folder: Path) -> list[Figure]:
    chance = random.Random(5)
    with world(folder, "optout", limit=LIMIT) as it:
        it.faults({"kind": "delay", "delay_s": FUSION_TAKES_S})
        rounds = []
        for number in range(LATEST_ROUNDS + ANY_ROUNDS):
            latest = _LATEST if number < LATEST_ROUNDS else BURST
            rounds.append(await _one(it, number * BURST, latest, chance))
            await asyncio.sleep(LIMIT[1] + 0.5)
        doubles, over_limit = it.stats()["doubles"], it.stats()["over_limit"]
    name = f"a burst of {BURST:,} new leads, one do-not-call in the middle: requests until safe, most"
    return [
        *_figures(f"{name}; {LATEST_ROUNDS} who still wait", rounds[:LATEST_ROUNDS]),
        *_figures(f"  {ANY_ROUNDS} of whom some are delivered", rounds[LATEST_ROUNDS:]),
        at_most("  called twice", doubles, 0, "{:d}"),
        at_most("  requests over the limit", over_limit, 0, "{:d}"),
    ]


def _figures(name: str, rounds: list[Round]) -> list[Figure]:
    ends = Counter(f"{each.requests} requests, {each.end}" for each in rounds)
    safe = sum(each.end in ("withdrawn", "tagged") for each in rounds)
    return [
        at_most(name, max(each.requests for each in rounds), 2, "{:d}"),
        note("    rounds", "; ".join(f"{count} × {end}" for end, count in sorted(ends.items()))),
        note("    slowest, s after the 200", f"{max(each.seconds for each in rounds):.2f}"),
        at_least("    safe in the end", safe, len(rounds), "{:d}"),
    ]


async def _one(it: World, first: int, latest: int, chance: random.Random) -> Round:
    place = chance.randrange(_LATEST, BURST)
    victim = payload(first + chance.randrange(max(0, place - latest), place), "workflow")
    bodies = [it.setting.with_token(payload(first + number, "workflow")) for number in range(BURST)]
    opt_out = it.setting.with_token(victim | {"dnd": True})
    await flood(it.setting.port, bodies[:place])
    rest = asyncio.create_task(flood(it.setting.port, bodies[place:]))
    status, answer = await post(it.setting.port, *opt_out)
    accepted = time.time()
    await rest
    if status != 200 or not await it.drained(60):
        raise RuntimeError(f"the burst wasn't delivered in time; the opt-out's answer: {answer}")
    return _judged(it, victim["phone"], answer["event_id"], accepted)


def _judged(it: World, phone: str, event_id: int, accepted: float) -> Round:
    # The log's time is that of the answer.
    arrived = [(each.at - FUSION_TAKES_S, each.method) for each in it.seen(accepted + FUSION_TAKES_S)]
    ((settled_at,),) = it.sql("SELECT settled_at FROM events WHERE id = ?", event_id)
    lead = it.leads().get(phone)
    if lead is None:
        requests = sum(at < settled_at for at, _ in arrived)
        return Round("withdrawn", requests, settled_at - accepted)
    tagged_at = next((at for at, method in arrived if method == "PATCH"), None)
    if _TAG not in lead["tags"] or tagged_at is None:
        return Round(f"{phone} has the tags {lead['tags']}", len(arrived), float("inf"))
    return Round("tagged", sum(at <= tagged_at for at, _ in arrived), tagged_at - accepted)
