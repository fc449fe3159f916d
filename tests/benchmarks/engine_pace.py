"""How the budget is spent over time: evenly while leads trickle in, at once when idle, wholly when many wait.

The steady cases have Fusion's real limit and take five of its windows, side by side; the sandbox takes 200 ms
to answer. A lead's wait is from the moment its webhook leaves the sender to the moment Fusion has created it
(cut to whole milliseconds by the sandbox, so one is added).
"""

import asyncio
import random
import time
from collections import deque
from pathlib import Path

import uvloop

from tests.benchmarks.engine_world import Seen, World, moment, told, world
from tests.benchmarks.load import payload
from tests.benchmarks.table import Figure, at_least, at_most, below, note, percentile
from tests.crash.sender import post

STEADY = (5, 50)  # new leads a second
LIMIT = (100, 60)
WINDOWS = 5
FUSION_TAKES_S = 0.2

IDLE_LIMIT = (100, 1)
SAMPLES = 50
_IDLE_S = (1.1, 1.4)  # longer than a window of that limit
_LOG_CUTS_S = 0.001

BACKLOG = 5_000
BACKLOG_LIMIT = (100, 20)
BACKLOG_WINDOWS = 3  # after the first
BACKLOG_FUSION_TAKES_S = 0.05
KILLS = 10


def run(folder: Path) -> list[Figure]:
    """The two steady rates side by side, then single leads, then the backlogs side by side."""
    return uvloop.run(_steady(folder)) + uvloop.run(_idle(folder)) + uvloop.run(_backlogs(folder))


async def _steady(folder: Path) -> list[Figure]:
    figures = await asyncio.gather(*(_one_rate(folder, per_s) for per_s in STEADY))
    return [figure for each in figures for figure in each]


async def _one_rate(folder: Path, per_s: int) -> list[Figure]:
    with world(folder, f"steady {per_s}", limit=LIMIT) as it:
        it.faults({"kind": "delay", "delay_s": FUSION_TAKES_S})
        sent = await _trickle(it, per_s, count=per_s * WINDOWS * LIMIT[1])
        drained = await it.drained(LIMIT[1] + 10.0)
        await asyncio.sleep(0.5)
        seen, created = it.seen(), {phone: lead["created_at"] for phone, lead in it.leads().items()}
        over_limit = it.stats()["over_limit"]
    waits = [moment(at) + _LOG_CUTS_S - sent[phone] for phone, at in created.items()]
    name = f"{per_s} new leads a second for {WINDOWS} windows of {LIMIT[1]} s: requests in the fullest window"
    return [
        at_most(name, _fullest(seen, LIMIT[1]), LIMIT[0], "{:d}"),
        at_most("  requests over the limit", over_limit, 0, "{:d}"),
        at_most("  a lead's wait, s: p99", percentile(waits, 0.99), 2.5, "{:.2f}"),
        at_most("  longest", max(waits), 5.0, "{:.2f}"),
        note("  p50", f"{percentile(waits, 0.5):.2f}"),
        note("  requests", f"{len(seen)}: {told(seen)}; {len(created) / len(seen):.1f} leads a request"),
        at_least("  leads at Fusion", len(created), len(sent), "{:,}"),
        Figure("  events with an end", f"{it.states()['delivered'] if drained else 'not all'}", "", None),
    ]


async def _trickle(it: World, per_s: int, *, count: int) -> dict[str, float]:
    """New leads at a steady rate; returns when each webhook left, by phone."""
    sent: dict[str, float] = {}
    began = time.monotonic()

    async def one(number: int) -> None:
        body = payload(number, "workflow")
        request = it.setting.with_token(body)
        sent[body["phone"]] = time.time()
        status, answer = await post(it.setting.port, *request)
        if status != 200:
            raise RuntimeError(f"refused: {answer}")

    async with asyncio.TaskGroup() as group:
        for number in range(count):
            await asyncio.sleep(max(0.0, began + number / per_s - time.monotonic()))
            group.create_task(one(number))
    return sent


def _fullest(seen: list[Seen], per_s: float) -> int:
    """The most requests in any window of that length."""
    window: deque[float] = deque()
    most = 0
    for at in sorted(each.at for each in seen):
        window.append(at)
        while window[0] <= at - per_s:
            window.popleft()
        most = max(most, len(window))
    return most


async def _idle(folder: Path) -> list[Figure]:
    with world(folder, "idle", limit=IDLE_LIMIT) as it:
        for number in range(20):  # warms up
            await post(it.setting.port, *it.setting.with_token(payload(number, "workflow")))
        await it.drained(10)
        sent: dict[str, float] = {}
        for number in range(100, 100 + SAMPLES):
            await asyncio.sleep(random.uniform(*_IDLE_S))
            body = payload(number, "workflow")
            request = it.setting.with_token(body)
            sent[body["phone"]] = time.time()
            await post(it.setting.port, *request)
        await it.drained(10)
        created = {phone: moment(lead["created_at"]) for phone, lead in it.leads().items()}
    waits = [(created[phone] + _LOG_CUTS_S - at) * 1000 for phone, at in sent.items()]
    return [
        below(
            f"an idle account, one new lead, {SAMPLES} samples: at Fusion, ms: p50",
            percentile(waits, 0.5),
            25,
        ),
        note("  p99; slowest", f"{percentile(waits, 0.99):.0f}; {max(waits):.0f}"),
    ]


async def _backlogs(folder: Path) -> list[Figure]:
    plain, killed = await asyncio.gather(_backlog(folder, kills=0), _backlog(folder, kills=KILLS))
    return plain + killed


async def _backlog(folder: Path, *, kills: int) -> list[Figure]:
    requests, per_s = BACKLOG_LIMIT
    with world(folder, f"backlog {kills}", limit=BACKLOG_LIMIT) as it:
        it.faults({"kind": "delay", "delay_s": BACKLOG_FUSION_TAKES_S})
        await it.send(payload(number, "workflow") for number in range(BACKLOG))
        if not await it.drained(BACKLOG / 100 * per_s / requests * 4 + 60):
            raise RuntimeError("the leads to be updated weren't created in time")
        it.faults({"kind": "down"})
        changed = {"company_name": "Another Company"}
        await it.send(payload(number, "workflow") | changed for number in range(BACKLOG))
        await it.resolved(60)
        await asyncio.sleep(per_s)
        it.well_again()
        it.faults({"kind": "delay", "delay_s": BACKLOG_FUSION_TAKES_S})
        since = time.time()
        await asyncio.gather(
            asyncio.sleep((1 + BACKLOG_WINDOWS) * per_s + 2),
            _kill(it, kills, within_s=BACKLOG_WINDOWS * per_s),
        )
        seen, over_limit, left = (
            it.seen(since),
            it.stats()["over_limit"],
            it.sql("SELECT COUNT(*) FROM outbox"),
        )
    began = seen[0].at + per_s
    spent = sum(began < each.at <= began + BACKLOG_WINDOWS * per_s for each in seen)
    used = 100 * spent / (BACKLOG_WINDOWS * requests)
    name = f"backlog of updates, {requests} requests in {per_s} s"
    windows = f"{BACKLOG_WINDOWS} windows after the first"
    if kills:
        return [
            at_most(f"{name}, {kills} kills: requests over the limit", over_limit, 0, "{:d}"),
            note(f"  budget used, {windows}, %; rows left", f"{used:.1f}; {left[0][0]:,}"),
        ]
    return [
        at_least(f"{name}: budget used, {windows}, %", used, 95, "{:.1f}"),
        at_most("  requests over the limit", over_limit, 0, "{:d}"),
        note("  which; rows left", f"{told(seen)}; {left[0][0]:,}"),
    ]


async def _kill(it: World, kills: int, *, within_s: float) -> None:
    """kill -9 and start again, at random moments; the first ones while the first window is spent."""
    began = time.monotonic()
    for moment_s in sorted(random.uniform(0, within_s) for _ in range(kills)):
        await asyncio.sleep(max(0.0, began + moment_s - time.monotonic()))
        it.service.kill()
        it.service.launch()
