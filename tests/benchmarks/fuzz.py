"""Strangers' bytes for the webhook route and the rule engine, by a fuzzer that learns what leads further.

Each runs in a process of its own, because libFuzzer ends the process when it is done: 60 seconds, or
BENCH_SECONDS. What it finds is printed with the input that did it. Needs atheris, which nothing else does.
"""

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

from tests.benchmarks import fuzz_seeds
from tests.benchmarks.table import Figure, at_most, note

PARTS = {"webhook": fuzz_seeds.webhooks, "rules": fuzz_seeds.rules}
SECONDS = 60
# Of one input, as the clock on the wall has it: a machine that is busy is no finding.
HANGS_AFTER_S = 30
MEMORY_MB = 1024
LONGEST = 16_384  # bytes of an input
INSTALL = "atheris isn't installed: pip install -e '.[fuzz]'"

_PROGRESS = re.compile(r"cov: (\d+) ft: (\d+) corp: (\d+)/")
_STAT = re.compile(r"^stat::(\w+): +(\d+)", re.MULTILINE)


def run(folder: Path) -> list[Figure]:
    """Both, one after the other."""
    if importlib.util.find_spec("atheris") is None:
        print(INSTALL, file=sys.stderr)
        raise SystemExit(2)
    return [figure for part in PARTS for figure in _figures(part, folder / part)]


def _figures(part: str, folder: Path) -> list[Figure]:
    corpus = folder / "corpus"
    corpus.mkdir(parents=True)
    seeds = PARTS[part]()
    for number, seed in enumerate(seeds):
        (corpus / f"seed-{number:03d}").write_bytes(seed)
    done = subprocess.run(
        _command(part, corpus), capture_output=True, text=True, errors="replace", check=False
    )
    stats = {name: int(value) for name, value in _STAT.findall(done.stderr)}
    coverage, features, kept = (_PROGRESS.findall(done.stderr) or [("0", "0", "0")])[-1]
    executions, rate = stats.get("number_of_executed_units", 0), stats.get("average_exec_per_sec", 0)
    found = sorted(each for each in folder.iterdir() if _is_finding(each.name))
    broke = done.returncode != 0 and not found
    for text in [*map(_told, found), *([done.stderr[-4000:]] if broke else [])]:
        print(text, file=sys.stderr)
    return [
        note(f"{part}: executions, a second", f"{executions:,}, {rate:,}"),
        note("  places reached, ways to them", f"{int(coverage):,}, {int(features):,}"),
        note("  inputs kept, of seeds", f"{int(kept):,}, {len(seeds)}"),
        note("  memory at most, MB", f"{stats.get('peak_rss_mb', 0)}"),
        at_most(f"  {part}: found", len(found) + broke, 0, "{:d}"),
    ]


def _command(part: str, corpus: Path) -> list[str]:
    seconds = int(os.environ.get("BENCH_SECONDS", SECONDS))
    options = {
        "max_total_time": seconds,
        "timeout": HANGS_AFTER_S,
        "rss_limit_mb": MEMORY_MB,
        "max_len": LONGEST,
        "print_final_stats": 1,
        "artifact_prefix": f"{corpus.parent}/",
    }
    given = [f"-{name}={value}" for name, value in options.items()]
    return [sys.executable, "-m", f"tests.benchmarks.fuzz_{part}", str(corpus), *given]


def _is_finding(name: str) -> bool:
    """Ours, or one of libFuzzer's own: it ended with that one."""
    return name.startswith(("finding-", "crash-", "timeout-", "oom-", "leak-")) and not name.endswith(".txt")


def _told(finding: Path) -> str:
    told = finding.with_name(f"{finding.name}.txt")
    words = told.read_text(encoding="utf-8") if told.exists() else finding.name
    return f"\n{words}\nof the input {finding.read_bytes()[:LONGEST]!r}"
