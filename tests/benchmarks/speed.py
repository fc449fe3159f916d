"""Speed to lead on an idle service: from the moment a webhook leaves its sender to its request at Fusion.

The sandbox notes when a request had arrived and was answered, cut to whole milliseconds: one is added to
every sample, so that the figures are never better than the truth. A sample after some idle seconds finds the
connection to Fusion closed, and pays for a new one.
"""

import asyncio
import random
import time
from datetime import datetime
from pathlib import Path

from tests.benchmarks.load import payload
from tests.benchmarks.table import Figure, below, percentile
from tests.crash.processes import bridge, call, sandbox
from tests.crash.sender import post
from tests.crash.setting import Setting, prepare

SAMPLES = 200
LONELY_SAMPLES = 8
_LONELY_S = 4.5  # longer than a connection to Fusion is kept
_LOG_CUTS_MS = 1.0


def run(folder: Path) -> list[Figure]:
    """200 webhooks one by one, then a few with long silence before each."""
    with sandbox(folder, requests=1000, per_s=1) as fusion:
        fusion.start()
        setting = prepare(folder, fusion_port=fusion.port, requests=1000, per_s=1)
        with bridge(setting.config, setting.port) as service:
            service.start()
            asyncio.run(_send(setting, range(20), pauses=(0.05, 0.1)))  # warms up
            sent = asyncio.run(_send(setting, range(20, 20 + SAMPLES), pauses=(0.05, 0.15)))
            last = 20 + SAMPLES + LONELY_SAMPLES
            sent += asyncio.run(
                _send(setting, range(20 + SAMPLES, last), pauses=(_LONELY_S, _LONELY_S + 0.3))
            )
            time.sleep(0.5)
            requests = call(fusion.port, "GET", "/sandbox/requests")["requests"][20:]
    if [request["status"] for request in requests] != [201] * len(sent):
        raise RuntimeError(f"{len(requests)} requests for {len(sent)} webhooks")
    arrived = [datetime.fromisoformat(request["at"]).timestamp() for request in requests]
    delays = [(at - began) * 1000 + _LOG_CUTS_MS for at, began in zip(arrived, sent, strict=True)]
    busy, lonely = delays[:SAMPLES], delays[SAMPLES:]
    return [
        below(f"webhook → request at Fusion, {SAMPLES} samples: p50, ms", percentile(busy, 0.5), 25),
        below("  p99, ms", percentile(busy, 0.99), 100),
        below(
            f"after {_LONELY_S:g} s of silence, {LONELY_SAMPLES} samples: p50, ms",
            percentile(lonely, 0.5),
            25,
        ),
        below("  slowest, ms", max(lonely), 100),
    ]


async def _send(setting: Setting, numbers: range, *, pauses: tuple[float, float]) -> list[float]:
    sent = []
    for number in numbers:
        await asyncio.sleep(random.uniform(*pauses))
        request = setting.with_token(payload(number, "workflow"))
        sent.append(time.time())
        await post(setting.port, *request)
    await asyncio.sleep(0.5)
    return sent
