"""How many of 7,500 spellings are read as meant by ours, phonenumbers and libphonenumber-js; and how fast.

The libraries get what a program would give them: the text and the two letters of the contact's country, else
of the source's region. What they parse counts if they call it possible. libphonenumber-js is installed into
the folder; without npm its line says so. The usual spellings are also read by the module as it was before the
long way came, from git, in turns with ours.
"""

import json
import shutil
import statistics
import subprocess
import time
import types
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import phonenumbers

from bridge.errors import InvalidPhone
from bridge.rules.phone import normalize
from tests.benchmarks.phone_spellings import Spelling, spellings
from tests.benchmarks.table import Figure, at_least, at_most, note, percentile

JS = "libphonenumber-js@1.13.16"
USUAL = ("+12025550142", "(202) 555-0142", "2025550142", "202-555-0142", "+14155550101", "1 415 555 0101")
REGIONS = ("US", "", "US")
ROUNDS = 2_000
BEFORE = "6085d07:bridge/rules/phone.py"
READ_IN_NODE = """
const { parsePhoneNumberFromString } = require('libphonenumber-js');
const spellings = JSON.parse(require('fs').readFileSync(0));
console.log(JSON.stringify(spellings.map(([text, region]) => {
  const read = parsePhoneNumberFromString(text, region);
  return read && read.isPossible() ? read.number : '';
})));
"""
Normalize = Callable[[str, Sequence[str]], str]


def run(folder: Path) -> list[Figure]:
    """All three on all spellings, then the times of ours."""
    every = spellings()
    ours = Counter(_judged(each, _ours(each)) for each in every)
    figures = [
        at_least(f"right of {len(every):,}", ours["right"], 7_000, "{:,.0f}"),
        at_most("another number", ours["another"], 15, "{:,.0f}"),
        note("refused", f"{ours['refused']:,}"),
        _line("phonenumbers", Counter(_judged(each, _plain(each)) for each in every)),
        _in_node(folder, every),
    ]
    return figures + _times(every)


def _line(name: str, counts: Counter[str]) -> Figure:
    told = f"{counts['right']:,} right, {counts['another']:,} another number, {counts['refused']:,} refused"
    return note(name, told)


def _judged(spelling: Spelling, number: str) -> str:
    return "right" if number == spelling.meant else "another" if number else "refused"


def _ours(spelling: Spelling) -> str:
    try:
        return normalize(spelling.text, (spelling.country, spelling.region))
    except InvalidPhone:
        return ""


def _plain(spelling: Spelling) -> str:
    try:
        number = phonenumbers.parse(spelling.text, spelling.code)
    except phonenumbers.NumberParseException:
        return ""
    if not phonenumbers.is_possible_number(number):
        return ""
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def _in_node(folder: Path, every: Sequence[Spelling]) -> Figure:
    if not shutil.which("npm"):
        return note("libphonenumber-js", "not run: npm is missing")
    install = [
        "npm",
        "install",
        "--silent",
        "--no-audit",
        "--no-fund",
        "--ignore-scripts",
        "--prefix",
        folder,
        JS,
    ]
    if subprocess.run(install, check=False, cwd=folder, capture_output=True).returncode:
        return note("libphonenumber-js", "not run: npm could not install it")
    given = json.dumps([[each.text, each.code] for each in every])
    done = subprocess.run(
        ["node", "-e", READ_IN_NODE], cwd=folder, input=given, capture_output=True, text=True, check=True
    )
    read = json.loads(done.stdout)
    return _line(JS, Counter(_judged(each, number) for each, number in zip(every, read, strict=True)))


def _times(every: Sequence[Spelling]) -> list[Figure]:
    long_way = [min(_microseconds(lambda each=each: _ours(each)) for _ in range(3)) for each in every]
    figures = [
        at_most("long way, µs (median)", statistics.median(long_way), 150),
        note("long way, µs (p99)", f"{percentile(long_way, 0.99):.0f}"),
    ]
    before = _before()
    for text in USUAL:
        now, then = [], []
        for _ in range(ROUNDS):
            now.append(_microseconds(lambda text=text: normalize(text, REGIONS)))
            if before:
                then.append(_microseconds(lambda text=text: before(text, REGIONS)))
        told = f"{statistics.median(now):.2f}, {percentile(now, 0.99):.2f}"
        ratio = f"; {statistics.median(now) / statistics.median(then):.2f} of before" if then else ""
        figures.append(note(f"{text!r}, µs (median, p99)", told + ratio))
    return figures


def _before() -> Normalize | None:
    """`normalize` of the commit before; None where git or the commit is missing."""
    shown = subprocess.run(["git", "show", BEFORE], check=False, capture_output=True, text=True)
    if shown.returncode:
        return None
    module = types.ModuleType("phone_before")
    exec(shown.stdout, module.__dict__)
    return module.normalize


def _microseconds(do: Callable[[], object]) -> float:
    began = time.perf_counter()
    do()
    return (time.perf_counter() - began) * 1e6
