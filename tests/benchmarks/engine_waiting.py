"""10,000 new leads wait for Fusion: how many requests they cost, also when some of them are refused.

The limit is shrunk to 100 requests in 5 seconds. "Away" is a port where nobody listens: nothing is left
uncertain. "Cut off" drops every connection after the request was read, so that some batches have to be looked
for before they are sent again. Requests are those that Fusion answered.
"""

import asyncio
import random
import time
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvloop

from tests.benchmarks.engine_world import World, told, world
from tests.benchmarks.load import payload
from tests.benchmarks.table import Figure, at_least, at_most, below, note

PEOPLE = 10_000
LIMIT = (100, 5)
KNOWN = 20
INVALID = 20
FAILING = 5_000
_AWAY_S = 6.0  # after the last event was resolved: longer than the pause between two probes
_DRAINED_WITHIN_S = 120.0
_SEED = 3


def run(folder: Path) -> list[Figure]:
    """One after the other: they measure processor time, too."""
    figures = [note("limit of the cases below", f"{LIMIT[0]} requests in {LIMIT[1]} s")]
    figures += uvloop.run(_plain(folder, "away"))
    figures += uvloop.run(_plain(folder, "cut off"))
    for rules in ("june", "july"):
        figures += uvloop.run(_with_culprits(folder, rules))
    for rules in ("june", "july"):
        figures += uvloop.run(_failing(folder, rules))
    return figures


@dataclass(frozen=True, slots=True)
class _Return:
    """Fusion's return: when, and what the bridge's processor time was then."""

    at: float
    cpu_s: float

    def cost_ms(self, it: World, leads: int) -> float:
        return (it.service.cpu_s() - self.cpu_s) / leads * 1000


async def _plain(folder: Path, way: str) -> list[Figure]:
    there = way != "away"
    with world(folder, way, limit=LIMIT, there=there) as it:
        if there:
            it.faults({"kind": "down"})
        await _wait(it, PEOPLE)
        if there:
            it.well_again()
        else:
            it.fusion.start()
        back = _Return(time.time(), it.service.cpu_s())
        drained = await it.drained(_DRAINED_WITHIN_S)
        cost_ms, seconds = back.cost_ms(it, PEOPLE), time.time() - back.at
        seen = it.seen()
        return [
            at_most(f"{PEOPLE:,} new leads waiting, Fusion {way}: requests", len(seen), 105, "{:d}"),
            note("  which", told(seen)),
            *_all_there(it, PEOPLE, drained=drained),
            note("  delivered after the return, s", f"{seconds:.1f}"),
            below("  the bridge's processor time a lead, ms", cost_ms, 1.0, "{:.2f}"),
        ]


async def _with_culprits(folder: Path, rules: str) -> list[Figure]:
    chance = random.Random(_SEED)
    culprits = chance.sample(range(PEOPLE), KNOWN + INVALID)
    known, invalid = culprits[:KNOWN], culprits[KNOWN:]
    with world(folder, f"culprits {rules}", limit=LIMIT, rules=rules, there=False) as it:
        await _wait(it, PEOPLE)
        with it.service.frozen():
            it.fusion.start()
            it.create([{"name": "Somebody Else", "phone": _phone(number)} for number in known])
            it.faults(*({"kind": "status", "status": 400, "phone": _phone(number)} for number in invalid))
            await asyncio.sleep(LIMIT[1] + 0.5)  # that request isn't the bridge's: it leaves the window
            since = time.time()
        drained = await it.drained(_DRAINED_WITHIN_S)
        seen, leads = it.seen(since), it.leads()
        updated = sum(leads[_phone(number)]["name"] == _name(number) for number in known)
        dead = dict(it.sql("SELECT phone, reason FROM events WHERE state = 'dead'"))
        name = f"{PEOPLE:,}, {KNOWN} known to Fusion, {INVALID} invalid, {rules} rules: requests"
        return [
            at_most(name, len(seen), 100 + 8 * (KNOWN + INVALID), "{:d}"),
            note("  which", told(seen)),
            *_all_there(it, PEOPLE - INVALID, drained=drained),
            at_least("  known ones updated", updated, KNOWN, "{:d}"),
            at_least("  invalid ones dead, with a reason", _right(dead, invalid), INVALID, "{:d}"),
            at_most("  others dead", len(dead) - _right(dead, invalid), 0, "{:d}"),
        ]


async def _failing(folder: Path, rules: str) -> list[Figure]:
    """A tenth of the POSTs is carried out and the answer lost, a tenth is lost before."""
    kinds = ("reset_after", "reset_before")
    with world(folder, f"failing {rules}", limit=LIMIT, rules=rules) as it:
        it.faults(*({"kind": kind, "method": "POST", "rate": 0.1} for kind in kinds))
        await it.send(payload(number, "workflow") for number in range(FAILING))
        drained = await it.drained(_DRAINED_WITHIN_S)
        requests, answered = it.stats()["requests"], it.seen()
        name = f"{FAILING:,} new leads, a fifth of the POSTs cut off, {rules} rules: requests"
        return [
            note(name, f"{requests}, {requests - len(answered)} of them cut off"),
            note("  answered", told(answered)),
            *_all_there(it, FAILING, drained=drained),
        ]


async def _wait(it: World, people: int) -> None:
    """Let them all wait for a Fusion that doesn't answer."""
    await it.send(payload(number, "workflow") for number in range(people))
    await it.resolved(60)
    await asyncio.sleep(_AWAY_S)


def _all_there(it: World, leads: int, *, drained: bool) -> list[Figure]:
    stats = it.stats()
    ends = ", ".join(f"{count:,} {state}" for state, count in it.states().items())
    return [
        at_least("  leads at Fusion", len(it.leads()), leads, "{:,}"),
        at_most("  called twice", stats["doubles"], 0, "{:d}"),
        at_most("  requests over the limit", stats["over_limit"], 0, "{:d}"),
        Figure("  events", ends, "an end each", drained),
    ]


def _right(dead: dict[str, str], invalid: Collection[int]) -> int:
    return sum(bool(dead.get(_phone(number))) for number in invalid)


def _phone(number: int) -> str:
    phone: str = payload(number, "workflow")["phone"]
    return phone


def _name(number: int) -> str:
    name: Any = payload(number, "workflow")["full_name"]
    return str(name)
