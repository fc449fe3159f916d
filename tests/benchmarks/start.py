"""How long a person waits for `bridge --help`, a service manager for `bridge serve`: medians of five.

`serve` is ready when /readyz says so, which proves a write to the database. The first start makes the
database and is not counted.
"""

import subprocess
import sys
import time
from pathlib import Path
from statistics import median

from tests.benchmarks.table import Figure, below
from tests.crash.processes import bridge, free_port
from tests.crash.setting import prepare

TIMES = 5


def run(folder: Path) -> list[Figure]:
    """Both, five times."""
    setting = prepare(folder, fusion_port=free_port())
    ready = []
    with bridge(setting.config, setting.port) as service:
        service.start()
        service.terminate()
        for _ in range(TIMES):
            ready.append(service.start())
            service.terminate()
    figures = [below(f"bridge serve: ready after, s (median of {TIMES})", median(ready), 1.0, "{:.2f}")]
    helped = []
    script = Path(sys.executable).parent / "bridge"
    for _ in range(TIMES + 1):
        began = time.perf_counter()
        subprocess.run([script, "--help"], check=True, capture_output=True)
        helped.append(time.perf_counter() - began)
    return [below(f"bridge --help, s (median of {TIMES})", median(helped[1:]), 0.5, "{:.2f}"), *figures]
