"""Fusion is away for 45 seconds while 200 events come in: how often the bridge knocks, how soon it is done.

Four absences side by side, each with a bridge of its own: connections dropped, refused (the process is gone),
never answered (it stands still), and dropped with everybody a person of their own. The limit is shrunk to 100
requests in 5 seconds, so that "one budget window" is 5 seconds: 200 people are two windows of single
requests, and the second must begin as soon as the first has passed. Attempts are those in the attempts table,
which is never less than Fusion sees.
"""

import asyncio
import contextlib
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.load import payload
from tests.benchmarks.table import Figure, at_least, at_most, note
from tests.crash.processes import Process, bridge, call, sandbox
from tests.crash.sender import post
from tests.crash.setting import Setting, prepare

AWAY_S = 45.0
EVENTS = 200
LIMIT = (100, 5)
_GIVE_UP_S = 60.0
_LAST_EVENT_S = AWAY_S - 1


@dataclass(frozen=True, slots=True)
class Variant:
    """A way to be away; `people` is how many persons the events are about."""

    name: str
    way: str
    people: int
    within_s: float


VARIANTS = (
    Variant("dropped", "down", 90, 5.0),
    Variant("refused", "gone", 90, 5.0),
    Variant("silent", "frozen", 90, 5.0),
    Variant("dropped, 200 people", "down", 200, 5.0 + LIMIT[1]),
)


@dataclass(slots=True)
class Outcome:
    """What one absence came to."""

    attempts: int
    requests: int
    after_s: float
    delivered: int


def run(folder: Path) -> list[Figure]:
    """All absences at the same time."""
    folders = [folder / str(number) for number in range(len(VARIANTS))]
    for each in folders:
        each.mkdir()
    outcomes = asyncio.run(_all(folders))
    figures = [note("limit", f"{LIMIT[0]} requests in {LIMIT[1]} s, away for {AWAY_S:g} s, {EVENTS} events")]
    for variant, outcome in zip(VARIANTS, outcomes, strict=True):
        figures += [
            at_most(f"{variant.name}: attempts while away", outcome.attempts, 25, "{:d}"),
            at_most("  last event settled after the return, s", outcome.after_s, variant.within_s),
            note("  requests to deliver them", f"{outcome.requests} about {variant.people} people"),
            at_least("  events delivered or superseded", outcome.delivered, EVENTS, "{:d}"),
        ]
    return figures


async def _all(folders: list[Path]) -> list[Outcome]:
    absences = zip(folders, VARIANTS, strict=True)
    return list(await asyncio.gather(*(_one(folder, variant) for folder, variant in absences)))


async def _one(folder: Path, variant: Variant) -> Outcome:
    requests, per_s = LIMIT
    with sandbox(folder, requests=requests, per_s=per_s) as fusion:
        fusion.start()
        setting = prepare(folder, fusion_port=fusion.port, requests=requests, per_s=per_s)
        with bridge(setting.config, setting.port) as service:
            service.start()
            began = time.time()
            with _away(fusion, variant.way):
                await _send(setting, variant.people)
                await asyncio.sleep(max(0.0, began + AWAY_S - time.time()))
                returned = time.time()
            # A process that was gone has to come back first; that is not the bridge's time.
            returned = time.time() if variant.way == "gone" else returned
            return await _settled(setting, began, returned)


@contextlib.contextmanager
def _away(fusion: Process, way: str) -> Iterator[None]:
    match way:
        case "down":
            call(fusion.port, "POST", "/sandbox/faults", {"kind": "down"})
            yield
            call(fusion.port, "DELETE", "/sandbox/faults")
        case "gone":
            fusion.kill()
            yield
            fusion.start()
        case _:
            with fusion.frozen():
                yield


async def _send(setting: Setting, people: int) -> None:
    began = time.monotonic()
    for number in range(EVENTS):
        await asyncio.sleep(max(0.0, began + number * _LAST_EVENT_S / EVENTS - time.monotonic()))
        body = payload(number % people, "workflow") | {"customData": {"number": str(number)}}
        body["company_name"] = f"Company {number}"
        status, answer = await post(setting.port, *setting.with_token(body))
        if status != 200:
            raise RuntimeError(f"refused: {answer}")


async def _settled(setting: Setting, began: float, returned: float) -> Outcome:
    ends = "state IN ('delivered', 'superseded')"
    with contextlib.closing(sqlite3.connect(setting.database, timeout=10)) as reader:
        done = 0
        while done < EVENTS and time.time() < returned + _GIVE_UP_S:
            await asyncio.sleep(0.05)
            done = reader.execute(f"SELECT COUNT(*) FROM events WHERE {ends}").fetchone()[0]
        (last,) = reader.execute("SELECT MAX(settled_at) FROM events").fetchone()
        counted = "SELECT COUNT(*) FROM attempts WHERE started_at >= ? AND started_at < ?"
        (attempts,) = reader.execute(counted, (began, returned)).fetchone()
        (requests,) = reader.execute(counted, (returned, time.time())).fetchone()
    return Outcome(attempts, requests, last - returned if done == EVENTS else float("inf"), done)
