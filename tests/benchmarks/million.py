"""A million stored events: does looking take longer, does accepting, and how much room does one need?

A command is measured in this process and in processor time, from its arguments to its last line of JSON: the
interpreter and the imports come before (see `start`), and to draw a table takes as long whatever is stored.
The pages of the running bridge are asked over HTTP. Accepts go, round by round, to a bridge with a thousand
stored events and to one with a million, while the other stands still; the median of the rounds' ratios
counts. Fusion isn't there: nothing is delivered.
"""

import contextlib
import http.client
import json
import shlex
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median

from typer.testing import CliRunner

from bridge.cli import app
from bridge.store.database import open_reader
from bridge.store.queries import STATES
from tests.benchmarks.load import Load, begin, order, payload, result
from tests.benchmarks.stock import BUSY_CONTACT, MUCH_RETRIED, RARE_SOURCE, fill
from tests.benchmarks.table import Figure, at_most, note, percentile
from tests.crash.processes import bridge, free_port
from tests.crash.setting import Setting, prepare

STORED = 1_000_000
FEW = 1_000
ROUNDS = 12
_PER_ROUND = 2500
_CONNECTIONS = 16
_TIMES = 5
_PAGES = 20
_SHOWN = 5
_SETTLES_S = 5.0  # what waited for the rules is through them by then
_BOUND_MS = 100
_RATIO = 1.15
_SIZED = 50_000


def run(folder: Path) -> list[Figure]:
    """Fill, look, accept, weigh."""
    many, few = (prepare(folder / name, fusion_port=free_port()) for name in ("many", "few"))
    began = time.monotonic()
    fill(many.database, STORED)
    fill(few.database, FEW)
    filled = note(
        f"{STORED:,} events: file, GB; filled in, s",
        f"{many.database.stat().st_size / 1e9:.2f}; {_since(began)}",
    )
    return [filled, *_looking(many), *_pages(many), *_accepting(few, many), *_sizes(folder)]


def _looking(setting: Setting) -> list[Figure]:
    asked = _asked(setting.database)
    took = {words: _ms(partial(_command, setting, words), clock=time.process_time) for words in asked}
    slowest = sorted(took, key=lambda words: -took[words])
    shown = [at_most(f"  {words}, ms", took[words], _BOUND_MS, "{:.0f}") for words in slowest[:_SHOWN]]
    return [
        at_most(f"slowest of {len(took)} commands, ms", took[slowest[0]], _BOUND_MS, "{:.0f}"),
        *shown,
        note("  the median of all, ms", f"{median(took.values()):.0f}"),
    ]


def _asked(database: Path) -> list[str]:
    """Commands that somebody may type, with what is found at once, late, or never."""
    with contextlib.closing(open_reader(database)) as connection:
        phone = connection.execute("SELECT phone FROM lead_map LIMIT 1 OFFSET 471").fetchone()[0]
        newest = {
            state: connection.execute("SELECT MAX(id) FROM events WHERE state = ?", (state,)).fetchone()[0]
            for state in STATES
        }
    return [
        "events",
        *(f"events --state {state}" for state in STATES),
        "events --state dead --state skipped",
        "events --source workflow",
        f"events --source {RARE_SOURCE}",
        f"events --source {RARE_SOURCE} --state dead",
        f"events --source {RARE_SOURCE} --state delivered",
        "events --source nowhere",
        "events --source app --state dead",
        f"events --phone {phone}",
        f"events --phone {phone[-7:]}",
        f"events --phone {phone[-3:]}",
        f"events --phone {phone[-7:]} --state dead",
        f"events --contact {BUSY_CONTACT}",
        f"events --contact {BUSY_CONTACT} --state dead",
        "events --contact nobody",
        "events --since 1h",
        "events --since 89d",
        "events --since 89d --state dead",
        f"events --since 60d --source {RARE_SOURCE}",
        "events --name family00012",
        "events --name family001",
        "events --name 'adie family001'",
        "events --email sample.4711@example.com",
        "events --email sample.4711",
        "events --name family001 --state dead",
        "events --reason 'not a number'",
        "events --reason unchanged --source app",
        "events --route all",
        "events --route nowhere",
        "events --warned",
        "events --limit 1000",
        "events --limit 1000 --state dead",
        *(f"show {event_id}" for event_id in newest.values()),
        "show 1000",
        f"show {MUCH_RETRIED}",
        "status",
        "leads",
        f"leads --phone {phone}",
        f"leads --phone {phone[-4:]}",
        "leads --account main",
        "leads --blocked",
        f"replay --dry-run {STORED // 2} 1000",
        "replay --dry-run --state dead --since 2d",
        "replay --dry-run --state dead",
        f"replay --dry-run --source {RARE_SOURCE}",
    ]


def _ms(do: Callable[[], object], *, clock: Callable[[], float], times: int = _TIMES) -> float:
    """The median of a few times, after one that doesn't count."""
    took = []
    for _ in range(times + 1):
        began = clock()
        do()
        took.append((clock() - began) * 1000)
    return median(took[1:])


def _command(setting: Setting, words: str) -> None:
    name, *args = shlex.split(words)
    form = [] if name == "replay" else ["--json"]
    done = CliRunner().invoke(app, [name, "-c", str(setting.config), *args, *form])
    if done.exit_code:
        raise RuntimeError(f"bridge {words}: {done.output}")


def _pages(setting: Setting) -> list[Figure]:
    figures = []
    with bridge(setting.config, setting.port) as service:
        figures.append(note("start with them, s", f"{service.start():.2f}"))
        time.sleep(_SETTLES_S)
        for path in ("/metrics", "/readyz"):
            ms = _ms(partial(_get, setting, path), clock=time.perf_counter, times=_PAGES)
            figures.append(at_most(f"GET {path}, ms", ms, _BOUND_MS))
    return figures


def _get(setting: Setting, path: str) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", setting.port, timeout=10)
    with contextlib.closing(connection):
        connection.request("GET", path)
        answer = connection.getresponse()
        answer.read()
        if answer.status != 200:
            raise RuntimeError(f"GET {path}: {answer.status}")


def _accepting(few: Setting, many: Setting) -> list[Figure]:
    loads: dict[Setting, list[Load]] = {few: [], many: []}
    with bridge(few.config, few.port) as small, bridge(many.config, many.port) as big:
        small.start()
        big.start()
        for number in range(ROUNDS + 1):
            pair = [(few, big), (many, small)]
            for setting, other in pair if number % 2 else pair[::-1]:
                what = order(
                    setting,
                    "workflow",
                    connections=_CONNECTIONS,
                    count=_PER_ROUND,
                    first=STORED + number * _PER_ROUND,
                )
                with other.frozen():
                    load = result(begin(what))
                if load.statuses != {"200": _PER_ROUND}:
                    raise RuntimeError(f"not every webhook was accepted: {load.statuses}")
                if number:  # the first one warms up
                    loads[setting].append(load)
    pairs = list(zip(loads[many], loads[few], strict=True))
    figures = [
        at_most(
            f"accept with {STORED:,} stored, as a share of that with {FEW:,}: time of all",
            median(big.seconds / small.seconds for big, small in pairs),
            _RATIO,
            "{:.2f}",
        ),
        note("  ratios of the rounds", " ".join(f"{b.seconds / s.seconds:.2f}" for b, s in pairs)),
        note(
            "  accepts a second, each",
            " and ".join(f"{median(x.per_s for x in loads[y]):,.0f}" for y in (many, few)),
        ),
    ]
    for share in (0.5, 0.99):
        of_many, of_few = (
            [percentile(load.latencies_ms, share) for load in loads[setting]] for setting in (many, few)
        )
        ratio = median(b / s for b, s in zip(of_many, of_few, strict=True))
        figures += [
            at_most(f"  p{share * 100:.0f}", ratio, _RATIO, "{:.2f}"),
            note("    ms, each", f"{median(of_many):.1f} and {median(of_few):.1f}"),
        ]
    return figures


def _sizes(folder: Path) -> list[Figure]:
    figures = []
    for kind in ("workflow", "app"):
        database = folder / f"{kind}.db"
        fill(database, _SIZED, kinds=(kind,))
        body = len(json.dumps(payload(1, kind)))
        figures.append(
            note(
                f"bytes a stored event, {kind}, with its lead, contact and request; of which body",
                f"{database.stat().st_size / _SIZED:,.0f}; {body:,}",
            )
        )
    return figures


def _since(began: float) -> str:
    return f"{time.monotonic() - began:.0f}"
