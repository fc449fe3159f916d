"""Half an hour of a bulk import as fast as the bridge takes it: does anything grow, slow down or starve?

GHL fires as fast as contacts reach a step; at a hundred a second half an hour is 180,000 webhooks. They come
through 32 connections, each with its next one as soon as the last is answered, so that whatever receiving may
take from resolving and delivering, it takes. Everything is told by tenths of the flood, and what must not
grow is compared with the third of them: by then every cache is full. First against a Fusion without a limit,
then with the real one in a smaller window, where the budget is what everybody waits for. Then the bridge is
left alone for a while: what it resolves and delivers now is what the shares are of.
"""

import asyncio
import contextlib
import json
import sqlite3
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from tests.benchmarks.load import Load, begin, order, payload, result
from tests.benchmarks.table import Figure, at_least, at_most, note, percentile
from tests.benchmarks.watch import DELIVERED, RESOLVED, rate, tenths_of, watching
from tests.crash.processes import bridge, call, sandbox
from tests.crash.sender import post
from tests.crash.setting import Setting, prepare

EVENTS = 180_000
EVENTS_LIMITED = 90_000
CONNECTIONS = 32
_ALONE_S = 20.0

_OPEN = (100_000, 1.0)
_LIMIT = (20, 12.0)  # as many a minute as Fusion's 100
_WINDOWS_ALONE = 2
_OPT_OUT_EVERY_S = 3.0

# At 128 MB a commit brings the log into the file; what is written until that is done comes on top.
_LOG_MIB = 160
_SAFE_WITHIN_S = 2.0
# Of what an idle bridge delivers, in the worst tenth.
_SHARE = 0.1
_BUDGET_SHARE = 0.9


def run(folder: Path) -> list[Figure]:
    """Without Fusion's limit, then with it."""
    return _unlimited(folder / "unlimited") + _limited(folder / "limited")


def _unlimited(folder: Path) -> list[Figure]:
    folder.mkdir()
    requests, per_s = _OPEN
    with sandbox(folder, requests=requests, per_s=per_s) as fusion:
        fusion.start()
        setting = prepare(folder / "bridge", fusion_port=fusion.port, requests=requests, per_s=per_s)
        with bridge(setting.config, setting.port) as service:
            service.start()
            with watching(service, setting.database) as samples:
                what = order(setting, "bulk", connections=CONNECTIONS, count=EVENTS, first=0)
                load = _taken(result(begin(what)))
                time.sleep(_ALONE_S)
        tenths = tenths_of(load, samples)
        alone = [sample for sample in samples if sample.at > load.answered_at[-1] + 1]
        waits = _waits_of_opt_outs(setting.database)
        called = _may_be_called(fusion.port, setting.database)
    idle = rate(alone, DELIVERED)
    return [
        note(f"{EVENTS:,} events, {CONNECTIONS} connections: accepts a second", f"{load.per_s:,.0f}"),
        _line("  by tenths of the flood", [tenth.accepts_per_s for tenth in tenths]),
        _line("an accept, p50 of each, ms", [tenth.p50_ms for tenth in tenths]),
        _line("  p99, ms", [tenth.p99_ms for tenth in tenths]),
        at_most(
            "  p99 of the last to that of the third", tenths[-1].p99_ms / tenths[2].p99_ms, 1.5, "{:.2f}"
        ),
        _line("memory (RSS), MiB", [tenth.rss_mib for tenth in tenths]),
        at_most("  of the last to that of the third", tenths[-1].rss_mib / tenths[2].rss_mib, 1.1, "{:.2f}"),
        _line("  the bridge's alone (USS), MiB", [tenth.uss_mib for tenth in tenths]),
        at_most("SQLite's log, largest, MiB", max(sample.log_mib for sample in samples), _LOG_MIB),
        _line("resolved a second", [tenth.resolved_per_s for tenth in tenths]),
        _line("delivered a second", [tenth.delivered_per_s for tenth in tenths]),
        note("  with no flood: resolved, delivered", f"{rate(alone, RESOLVED):,.0f}, {idle:,.0f}"),
        at_least(
            "  share that the flood leaves, lowest tenth",
            min(tenth.delivered_per_s for tenth in tenths) / idle,
            _SHARE,
        ),
        _line("oldest event that isn't resolved, s", [tenth.oldest_s for tenth in tenths]),
        note(f"{len(waits):,} opt-outs in it: withdrawn or tagged after, p50, p99, s", _both(waits)),
        at_most("  slowest", max(waits), _SAFE_WITHIN_S, "{:.2f}"),
        at_most("  leads of people who opted out, without the tag", called, 0, "{:d}"),
    ]


def _limited(folder: Path) -> list[Figure]:
    """Opt-outs are sent beside, one by one: each costs a request."""
    folder.mkdir()
    requests, per_s = _LIMIT
    with sandbox(folder, requests=requests, per_s=per_s) as fusion:
        fusion.start()
        setting = prepare(folder / "bridge", fusion_port=fusion.port, requests=requests, per_s=per_s)
        with bridge(setting.config, setting.port) as service:
            service.start()
            with watching(service, setting.database) as samples:
                what = order(setting, "import", connections=CONNECTIONS, count=EVENTS_LIMITED, first=0)
                flood = begin(what)
                began = time.time()
                while flood.process.poll() is None:
                    time.sleep(_OPT_OUT_EVERY_S)
                    _opt_out(setting)
                ended = time.time()
                load = _taken(result(flood))
            time.sleep(_WINDOWS_ALONE * per_s)
        seen = call(fusion.port, "GET", "/sandbox/requests")["requests"]
        waits = _waits_of_opt_outs(setting.database)
    sent = [datetime.fromisoformat(request["at"]).timestamp() for request in seen]
    windows = (ended - began) / per_s
    meanwhile = sum(began < at <= ended for at in sent) / windows
    after = sum(ended < at <= ended + _WINDOWS_ALONE * per_s for at in sent) / _WINDOWS_ALONE
    tenths = tenths_of(load, samples)
    over = sum(request["status"] == 429 for request in seen)
    return [
        note(
            f"{requests} requests in {per_s:g} s, {EVENTS_LIMITED:,} events: accepts/s", f"{load.per_s:,.0f}"
        ),
        at_least("  requests in it to those with no flood", meanwhile / after, _BUDGET_SHARE),
        note("    a window, in it and with none", f"{meanwhile:.1f}, {after:.1f}"),
        at_most("  requests over the limit", over, 0, "{:d}"),
        at_most(
            "  memory of the last tenth to the third", tenths[-1].rss_mib / tenths[2].rss_mib, 1.1, "{:.2f}"
        ),
        note("  waiting for Fusion at its end", f"{samples[-1].queued:,}"),
        note(f"  {len(waits)} leads opted out: tagged after, p50, s", f"{percentile(waits, 0.5):.2f}"),
        at_most("    slowest", max(waits), _SAFE_WITHIN_S, "{:.2f}"),
    ]


def _taken(load: Load) -> Load:
    if set(load.statuses) != {"200"}:
        raise RuntimeError(f"not every webhook was accepted: {load.statuses}")
    return load


def _line(name: str, values: Sequence[float]) -> Figure:
    return note(name, " ".join(f"{value:,.0f}" for value in values))


def _both(waits: Sequence[float]) -> str:
    return f"{percentile(waits, 0.5):.2f}, {percentile(waits, 0.99):.2f}"


def _waits_of_opt_outs(database: Path) -> list[float]:
    """Seconds from the 200 to when nobody is called any more; one that isn't settled has waited until now."""
    with contextlib.closing(sqlite3.connect(database)) as connection:
        rows = connection.execute("SELECT received_at, settled_at FROM events WHERE urgent")
        return [(settled or time.time()) - received for received, settled in rows]


def _may_be_called(fusion: int, database: Path) -> int:
    """Leads at Fusion of people who said no, that don't say so."""
    with contextlib.closing(sqlite3.connect(database)) as connection:
        phones = {row[0] for row in connection.execute("SELECT phone FROM contact_map WHERE blocked")}
    leads = call(fusion, "GET", "/sandbox/leads")["leads"]
    return sum(lead["phone"] in phones and "do-not-call" not in lead["tags"] for lead in leads)


def _opt_out(setting: Setting) -> None:
    """Somebody who is a lead already says no."""
    with contextlib.closing(sqlite3.connect(setting.database)) as connection:
        row = connection.execute(
            """
            SELECT contact_id FROM events AS e
            WHERE state = 'delivered' AND NOT urgent AND NOT EXISTS (
                SELECT 1 FROM contact_map AS c WHERE c.contact_id = e.contact_id AND c.blocked
            )
            ORDER BY id DESC
            LIMIT 1
            """
        ).fetchone()
    if row:
        number = int(row[0].removeprefix("contact-"))
        body = json.dumps(payload(number, "workflow") | {"dnd": True}).encode()
        path, _, headers = setting.with_token({})
        status, answer = asyncio.run(post(setting.port, path, body, headers))
        if status != 200:
            raise RuntimeError(f"an opt-out was refused: {answer}")
