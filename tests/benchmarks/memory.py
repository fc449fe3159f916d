"""Memory as the system counts it: PSS of the service and its children, idle, full, and under a flood.

PSS shares what processes share, so the figure is what a small server must have left. The full database is
filled through the store's own functions before the start (90,000 events settled, 10,000 waiting with their
rows in the outbox), and Fusion refuses connections. The flood then sends 10,000 more over HTTP; its highest
figure counts.
"""

import time
from pathlib import Path

from bridge.model import ContactKey, Incoming, Mapped
from bridge.outbox.facts import NEW, Decision, KnownContact, Put
from bridge.store import events, resolving
from bridge.store.database import open_writer
from tests.benchmarks.load import begin, order, payload, requests, result
from tests.benchmarks.table import Figure, at_most, note
from tests.crash.processes import Process, bridge, free_port
from tests.crash.setting import Setting, prepare

STORED = 100_000
WAITING = 10_000
_IDLE_S = 3.0
_WATCH_S = 10.0
_FLOOD = 10_000


def run(folder: Path) -> list[Figure]:
    """An empty one, then a full one."""
    nobody = free_port()
    idle = prepare(folder / "idle", fusion_port=nobody)
    with bridge(idle.config, idle.port) as service:
        service.start()
        time.sleep(_IDLE_S)
        empty = service.pss_mib()
    full = prepare(folder / "full", fusion_port=nobody)
    _fill(full)
    with bridge(full.config, full.port) as service:
        started_s = service.start()
        filled = _highest(service, _WATCH_S)
        flood = begin(order(full, "workflow", connections=16, count=_FLOOD, first=STORED))
        flooded = _highest(service, _WATCH_S)
        result(flood)
    size = full.database.stat().st_size / 2**20
    return [
        at_most("idle, empty database: PSS, MiB", empty, 75),
        at_most(f"{STORED:,} events stored, {WAITING:,} waiting: PSS, MiB", filled, 120),
        at_most(f"  highest while {_FLOOD:,} more arrive, MiB", flooded, 120),
        note("  size of that database, MiB; start with it, s", f"{size:.0f}; {started_s:.2f}"),
    ]


def _highest(service: Process, seconds: float) -> float:
    until = time.monotonic() + seconds
    highest = 0.0
    while time.monotonic() < until:
        highest = max(highest, service.pss_mib())
        time.sleep(0.1)
    return highest


def _fill(setting: Setting) -> None:
    connection = open_writer(setting.database)
    connection.execute("BEGIN IMMEDIATE")
    now = time.time() - 86_400
    what = order(setting, "workflow", connections=1, count=STORED, first=0)
    for number, request in enumerate(requests(what)):
        phone = f"+1{2_000_000_000 + number}"
        key = ContactKey("ghl", "aZ3kQ9vXw2LmT7bYc1Rf", f"contact-{number:012d}")
        event_id, _ = events.accept(
            connection,
            "workflow",
            Incoming("contact.updated", contact=key),
            body=request.partition(b"\r\n\r\n")[2],
            body_hash=f"{number:064x}",
            now=now + number / 10,
        )
        contact = KnownContact(key, phone, occurred_at=now + number / 10, event_id=event_id)
        person = payload(number, "workflow")
        body = {"phone": phone, "name": person["full_name"], "email": person["email"], "tags": ["web-form"]}
        waits = number >= STORED - WAITING
        decision = (
            Decision("queued", contact=contact, puts=(Put("main", "", phone, None, body, NEW),))
            if waits
            else Decision("skipped", "unchanged", contact=contact)
        )
        resolving.write_decision(connection, event_id, decision, Mapped(phone=phone, route="all"), now)
    connection.execute("COMMIT")
    connection.close()
