"""The crash test: webhooks from senders that don't give up, kill -9 at random moments, a Fusion that fails.

One `Plan` in, one `Report` out; the test and the benchmarks differ by the plan alone. `faults` of the report
is what went wrong, each with its kind; empty means that every accepted event has an end, nobody was called
twice, no stale value is left, nobody who opted out is called, and no request was over the limit.
"""

import asyncio
import contextlib
import random
import sqlite3
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.crash.nursery import Nursery
from tests.crash.people import tell
from tests.crash.processes import Process, bridge, call, hold, sandbox
from tests.crash.sender import Sender
from tests.crash.setting import prepare
from tests.crash.verdicts import Fault, check_events, check_leads, check_stats, open_reader

_KINDS: tuple[dict[str, Any], ...] = (
    *({"kind": "status", "status": status} for status in (500, 502, 503, 429)),
    {"kind": "delay", "delay_s": 0.3},
    *({"kind": kind} for kind in ("reset_before", "reset_after", "html", "garbage", "empty")),
)
# Every request takes so long besides, so that a kill meets requests under way.
_SLOW = {"kind": "delay", "delay_s": 0.02}
# Long enough that the bridge pauses its account, short enough that a run has several.
_OUTAGE_S = (0.5, 1.5)


@dataclass(frozen=True, slots=True)
class Plan:
    """How much of it, and by which seed."""

    seed: int
    webhooks: int
    kills: int
    rate: float  # webhooks a second
    limit: tuple[int, int]  # requests, seconds: Fusion's and the configuration's
    rules: str = "june"
    fault_rate: float = 0.10
    outage: bool = False  # Fusion is away for half of the time, a second or so at once
    drained_within_s: float = 120.0


@dataclass(slots=True)
class Report:
    """What came of it."""

    plan: Plan
    faults: list[Fault] = field(default_factory=list)
    answers: Counter[str] = field(default_factory=Counter)
    states: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    stats: dict[str, int] = field(default_factory=dict)
    kills: int = 0
    seconds: float = 0.0
    down: list[tuple[float, float]] = field(default_factory=list)  # Unix seconds: not there from, until


def crash(plan: Plan, folder: Path, nursery: Nursery | None = None) -> Report:
    """Carry out the plan in an empty folder; with a nursery, starts cost a tenth."""
    requests, per_s = plan.limit
    report = Report(plan)
    make_sandbox, make_bridge = (nursery.sandbox, nursery.bridge) if nursery else (sandbox, bridge)
    fusion = make_sandbox(folder, rules=plan.rules, requests=requests, per_s=per_s, seed=plan.seed)
    with fusion:
        fusion.start()
        _there(fusion.port, plan)
        setting = prepare(folder, fusion_port=fusion.port, requests=requests, per_s=per_s)
        story = tell(plan.seed, plan.webhooks, began=time.time() - 86_400)
        sender = Sender(setting, story, rate=plan.rate)
        with contextlib.closing(hold(setting.port)), make_bridge(setting.config, setting.port) as service:
            service.start()
            began = time.monotonic()
            drained = asyncio.run(_run(plan, sender, service, fusion, setting.database, report))
            report.seconds = time.monotonic() - began
            if not drained:
                words = f"events or leads still wait after {plan.drained_within_s:g} s"
                report.faults.append(Fault("no end", words))
            service.terminate()
        report.answers = sender.answers
        report.stats = call(fusion.port, "GET", "/sandbox/stats")
        leads = call(fusion.port, "GET", "/sandbox/leads")["leads"]
    with contextlib.closing(open_reader(setting.database)) as reader:
        outcomes = reader.execute("SELECT outcome, COUNT(*) FROM attempts GROUP BY outcome")
        report.outcomes.update(dict(outcomes.fetchall()))
    found, report.states = check_events(sender, story, setting.database)
    report.faults += [*found, *check_stats(report.stats)]
    report.faults += check_leads(sender, story, leads, rules=plan.rules, down=report.down)
    return report


def _there(port: int, plan: Plan) -> None:
    """Fusion is there, and as unreliable as the plan says."""
    rate = plan.fault_rate / len(_KINDS)
    faults = [_SLOW, *({**kind, "rate": rate} for kind in _KINDS)]
    call(port, "DELETE", "/sandbox/faults")
    call(port, "POST", "/sandbox/faults", faults)


async def _come_and_go(port: int, plan: Plan) -> None:
    """An outage as long as the time until the next, again and again."""
    chance = random.Random(plan.seed + 2)
    while True:
        seconds = chance.uniform(*_OUTAGE_S)
        await asyncio.to_thread(call, port, "POST", "/sandbox/faults", {"kind": "down"})
        await asyncio.sleep(seconds)
        await asyncio.to_thread(_there, port, plan)
        await asyncio.sleep(seconds)


async def _run(
    plan: Plan, sender: Sender, service: Process, fusion: Process, database: Path, report: Report
) -> bool:
    """The webhooks, the kills, and the outages; then until nothing waits. False: it still does."""
    absent = asyncio.create_task(_come_and_go(fusion.port, plan)) if plan.outage else None
    try:
        await _sent_amid_kills(plan, sender, service, report)
        return await _drained(plan, database)
    finally:
        if absent is not None:
            absent.cancel()
            await asyncio.gather(absent, return_exceptions=True)


async def _sent_amid_kills(plan: Plan, sender: Sender, service: Process, report: Report) -> None:
    chance = random.Random(plan.seed + 1)
    late = plan.kills // 4  # while nothing comes in any more, and the outbox empties
    moments = sorted(chance.sample(range(1, plan.webhooks), plan.kills - late))
    sending = asyncio.create_task(sender.run())
    for moment in moments:
        await sender.reached(moment)
        await asyncio.sleep(chance.random() * 0.05)
        await _restart(service, report)
    await sending
    for _ in range(late):
        await asyncio.sleep(chance.random())
        await _restart(service, report)


async def _drained(plan: Plan, database: Path) -> bool:
    deadline = time.monotonic() + plan.drained_within_s
    with contextlib.closing(open_reader(database)) as reader:
        while _waiting(reader):
            if time.monotonic() > deadline:
                return False
            await asyncio.sleep(0.1)
    return True


async def _restart(service: Process, report: Report) -> None:
    began = time.time()
    service.kill()
    service.launch()
    while True:
        if not service.running:
            raise RuntimeError(f"the bridge didn't start again:\n{service.tail()}")
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection("127.0.0.1", service.port)
            writer.close()
            break
        await asyncio.sleep(0.02)
    report.kills += 1
    report.down.append((began, time.time()))


def _waiting(reader: sqlite3.Connection) -> int:
    query = """
        SELECT (SELECT COUNT(*) FROM events WHERE state IN ('received', 'queued'))
            + (SELECT COUNT(*) FROM outbox)
    """
    return int(reader.execute(query).fetchone()[0])
