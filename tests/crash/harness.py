"""The crash test: webhooks from senders that don't give up, kill -9 at random moments, a Fusion that fails.

One `Plan` in, one `Report` out; the test and the benchmark differ by the plan alone. `faults` of the report
is what went wrong in words; empty means that every accepted event has an end, nobody was called twice, no
stale value is left, nobody who opted out is called, and no request was over the limit.
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

from tests.crash.people import OPT_OUT_TAGS, OWN_TAGS, Expected, Story, tell
from tests.crash.processes import Process, bridge, call, sandbox
from tests.crash.sender import Sender
from tests.crash.setting import prepare

_KINDS: tuple[dict[str, Any], ...] = (
    *({"kind": "status", "status": status} for status in (500, 502, 503, 429)),
    {"kind": "delay", "delay_s": 0.3},
    *({"kind": kind} for kind in ("reset_before", "reset_after", "html", "garbage", "empty")),
)
# Every request takes so long besides, so that a kill meets requests under way.
_SLOW = {"kind": "delay", "delay_s": 0.02}
# Between the 200 of an opt-out and the moment when it is resolved, across a kill and the start after it.
_OPT_OUT_WITHIN_S = 5.0


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
    drained_within_s: float = 120.0


@dataclass(slots=True)
class Report:
    """What came of it."""

    plan: Plan
    faults: list[str] = field(default_factory=list)
    answers: Counter[str] = field(default_factory=Counter)
    states: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    stats: dict[str, int] = field(default_factory=dict)
    kills: int = 0
    seconds: float = 0.0
    ready_s: list[float] = field(default_factory=list)


def crash(plan: Plan, folder: Path) -> Report:
    """Carry out the plan in an empty folder."""
    requests, per_s = plan.limit
    report = Report(plan)
    fusion = sandbox(folder, rules=plan.rules, requests=requests, per_s=per_s, seed=plan.seed)
    with fusion:
        fusion.start()
        rate = plan.fault_rate / len(_KINDS)
        faults = [_SLOW, *({**kind, "rate": rate} for kind in _KINDS)]
        call(fusion.port, "POST", "/sandbox/faults", faults)
        setting = prepare(folder, fusion_port=fusion.port, requests=requests, per_s=per_s)
        story = tell(plan.seed, plan.webhooks, began=time.time() - 86_400)
        sender = Sender(setting, story, rate=plan.rate)
        with bridge(setting.config, setting.port) as service:
            report.ready_s.append(service.start())
            began = time.monotonic()
            drained = asyncio.run(_run(plan, sender, service, setting.database, report))
            report.seconds = time.monotonic() - began
            if not drained:
                report.faults.append(f"events or leads still wait after {plan.drained_within_s:g} s")
            service.terminate()
        report.answers = sender.answers
        report.stats = call(fusion.port, "GET", "/sandbox/stats")
        leads = call(fusion.port, "GET", "/sandbox/leads")["leads"]
    _check_events(report, sender, story, setting.database)
    _check_leads(report, sender, story, {lead["phone"]: lead for lead in leads}, len(leads))
    return report


async def _run(plan: Plan, sender: Sender, service: Process, database: Path, report: Report) -> bool:
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
    deadline = time.monotonic() + plan.drained_within_s
    with contextlib.closing(_reader(database)) as reader:
        while _waiting(reader):
            if time.monotonic() > deadline:
                return False
            await asyncio.sleep(0.1)
    return True


async def _restart(service: Process, report: Report) -> None:
    began = time.monotonic()
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
    report.ready_s.append(time.monotonic() - began)


def _reader(database: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True, timeout=10)


def _waiting(reader: sqlite3.Connection) -> int:
    query = """
        SELECT (SELECT COUNT(*) FROM events WHERE state IN ('received', 'queued'))
            + (SELECT COUNT(*) FROM outbox)
    """
    return int(reader.execute(query).fetchone()[0])


def _check_events(report: Report, sender: Sender, story: Story, database: Path) -> None:
    with contextlib.closing(_reader(database)) as reader:
        events = dict(reader.execute("SELECT id, state FROM events"))
        dead = reader.execute("SELECT id, reason FROM events WHERE state = 'dead'").fetchall()
        report.outcomes.update(
            dict(reader.execute("SELECT outcome, COUNT(*) FROM attempts GROUP BY outcome"))
        )
        sound = reader.execute("PRAGMA integrity_check").fetchone()[0]
    report.states.update(events.values())
    complain = report.faults.append
    if sound != "ok":
        complain(f"the database is damaged: {sound}")
    for number, ids in sender.event_ids.items():
        if len(ids) != 1:
            complain(f"webhook {number} was stored {len(ids)} times: {sorted(ids)}")
        elif not ids <= events.keys():
            complain(f"webhook {number} was accepted as event {ids}, which isn't there")
    if len(events) != story.unique():
        complain(f"{len(events)} events are stored of {story.unique()} different ones")
    for event_id, reason in dead:
        complain(f"event {event_id} is dead: {reason}")


def _check_leads(
    report: Report, sender: Sender, story: Story, leads: dict[str, dict[str, Any]], total: int
) -> None:
    complain = report.faults.append
    if total != len(leads):
        complain(f"{total - len(leads)} phones have more than one lead")
    for name in ("doubles", "over_limit"):
        if report.stats[name]:
            complain(f"{name}: {report.stats[name]}")
    expected = dict(story.expected())
    for phone in leads.keys() - expected.keys():
        complain(f"{phone} is a lead of nobody")
    for phone, wanted in expected.items():
        for fault in _lead_faults(wanted, leads.get(phone), sender, july=report.plan.rules == "july"):
            complain(f"{phone} ({wanted.state}): {fault}")


def _lead_faults(wanted: Expected, lead: dict[str, Any] | None, sender: Sender, *, july: bool) -> list[str]:
    if lead is None:
        return ["was never created"] if wanted.state == "live" else []
    faults = []
    if lead["calls"] != 1:
        faults.append(f"{lead['calls']} calls")
    names = [int(write["name"].split()[1]) for write in lead["history"] if "name" in write]
    if names != sorted(names):
        faults.append(f"an older value came after a newer one: {names}")
    if any(write.get("name", "").startswith("Stale") for write in lead["history"]):
        faults.append("a stale event was delivered")
    match wanted.state:
        case "live":
            fields = wanted.fields if july else {**wanted.fields, "custom_fields": {}}
            wrong = {name: lead[name] for name, value in fields.items() if lead[name] != value}
            if wrong:
                faults.append(f"holds {wrong}, wanted {fields}")
        case "blocked":
            if not OPT_OUT_TAGS & set(lead["tags"]):
                faults.append(f"opted out, and its tags are {lead['tags']}")
            if wanted.opted_out and _created_after(lead, sender.accepted_at.get(wanted.opted_out.number)):
                faults.append("was created after the opt-out")
        case "left":
            if not OWN_TAGS & set(lead["tags"]):
                faults.append(f"its contact has another phone, and its tags are {lead['tags']}")
    return faults


def _created_after(lead: dict[str, Any], accepted_at: float | None) -> bool:
    created = time.mktime(time.strptime(lead["created_at"][:19], "%Y-%m-%dT%H:%M:%S")) - time.timezone
    return accepted_at is not None and created > accepted_at + _OPT_OUT_WITHIN_S
