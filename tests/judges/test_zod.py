"""Zod 3 and Zod 4, the validators behind Fusion's words, refuse nothing of what the bridge sends.

BRIDGE_ZOD names a folder with node_modules/zod3 and zod4: `.ci/run` installs them, pinned (see ZOD there).
"""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import pytest

from bridge.fusion.leads import encode
from bridge.outbox.body import body_of
from bridge.outbox.request import Plan, Request
from bridge.rules.mapping import apply, compile_rules
from tests.judges.contacts import readings

JUDGE = Path(__file__).with_name("zod.mjs")
INSTALLED = Path(os.environ.get("BRIDGE_ZOD", "/nowhere"), "node_modules")
CAMPAIGN = "6f1c2a90-3f0e-4b7e-9c1d-2a6c1b0e7d55"
CONTACTS = 4_000
NAMES = ["{{ contact.name }}", "{{ contact.first_name }} {{ contact.last_name }}", "{{ payload.name }}"]
JUNE = {
    "name": [*NAMES, "{{ contact.company }}", "{{ contact.email }}", "New caller"],
    "phone": "{{ contact.phone }}",
    "email": "{{ contact.email }}",
    "company": "{{ contact.company }}",
    "tags": ["{{ contact.tags }}", "{{ payload.tags }}", "gohighlevel"],
}
JULY = JUNE | {
    "custom_fields": {
        "bill": "{{ contact.custom['Monthly bill'] }}",
        "note": "{{ contact.custom['Note'] }}",
        "any": "{{ payload.any }}",
    }
}


@cache
def bodies(revision: str) -> tuple[dict, ...]:
    """The leads that the rules make of the generated contacts."""
    rules, problems = compile_rules(
        JULY if revision == "july" else JUNE, [], "contact.do_not_call", default_account="main"
    )
    assert problems == ()
    found = [apply(rules, reading, regions=("US",)) for reading in readings(CONTACTS)]
    assert [mapped.error for mapped in found if mapped.lead is None] == []
    return tuple(body_of(mapped.lead) for mapped in found if mapped.lead)


def requests(revision: str) -> Iterator[tuple[str, bytes]]:
    """Every lead alone, as a change, and in batches of a hundred."""
    plans: tuple[tuple[Plan, str], ...] = (("create", "create"), ("update", "update"))
    for body in bodies(revision):
        for plan, name in plans:
            kind = "call" if plan == "create" else None
            yield name, encode(Request(plan, CAMPAIGN, kind, (body,))).body
    for start in range(0, CONTACTS, 100):
        hundred = bodies(revision)[start : start + 100]
        yield "batch", encode(Request("create", CAMPAIGN, "call", hundred)).body


def judged(version: str, lines: Sequence[str]) -> list[tuple[int, str]]:
    node = shutil.which("node")
    if node is None or not (INSTALLED / version).is_dir():
        pytest.skip(f"node or {version} is missing: `.ci/run` installs them")
    found = subprocess.run(
        [node, str(JUDGE), str(INSTALLED / version)],
        input="\n".join(lines),
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(found.stdout)


def line(revision: str, plan: str, body: str) -> str:
    return json.dumps({"revision": revision, "plan": plan, "body": body})


@pytest.mark.parametrize("version", ["zod3", "zod4"])
def test_nothing_is_refused(version: str) -> None:
    sent = [(revision, plan, body) for revision in ("june", "july") for plan, body in requests(revision)]
    lines = [
        json.dumps({"revision": revision, "plan": plan, "body": body.decode()})
        for revision, plan, body in sent
    ]
    refused = judged(version, lines)
    assert [(sent[index], why) for index, why in refused[:5]] == []


@pytest.mark.parametrize("version", ["zod3", "zod4"])
def test_the_judge_does_refuse(version: str) -> None:
    good = {"phone": "+12025550142", "name": "Ann Lee"}
    bad = [
        {"name": "A"},
        {"name": "\U0001f600" * 51},
        {"phone": "12"},
        {"email": "a&b@example.com"},
        {"company": "x" * 101},
        {"tags": ["New Lead!"]},
        {"tags": ["a"] * 21},
        {"custom_fields": {"a b": 1}},
        {"email": None},
        {"more": 1},
    ]
    lines = [
        json.dumps({"revision": "july", "plan": "create", "body": json.dumps(good | each)})
        for each in [{}, *bad]
    ]
    assert [index for index, _ in judged(version, lines)] == list(range(1, len(bad) + 1))


def test_the_generated_contacts_are_worth_judging() -> None:
    made = bodies("july")
    assert len(made) == CONTACTS
    assert {"email", "company", "tags", "custom_fields"} <= {name for body in made for name in body}
    assert sum("email" in body for body in made) > CONTACTS // 10
    assert len({body["name"] for body in made}) > CONTACTS // 4
