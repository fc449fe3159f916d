"""What people really send, through the running bridge, with the outcome that is right for a dialer.

A case is an entry of a JSON file in `cases/`: its steps are sent one after the other to a bridge on a fresh
database; `judge` holds the end against `expect`. The cases in ../shared/cases/door run the same way, where
they are there. The vocabulary: ../shared/cases/door/expected.json, `about`.
"""

import asyncio
import base64
import gzip
import json
import zlib
from dataclasses import asdict
from pathlib import Path

import pytest
import yaml
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bridge.cli.sandbox import _fault
from bridge.fusion.sandbox import create_sandbox
from tests.door.judge import Ending, faults
from tests.harness import running

HERE = Path(__file__).parent
SHARED = HERE.parents[2] / "shared" / "cases" / "door"
SETTINGS = yaml.safe_load((HERE / "settings.yaml").read_text())
KEY = Ed25519PrivateKey.generate()
PEM = KEY.public_key().public_bytes(
    serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
)


def own_cases():
    for path in sorted((HERE / "cases").glob("*.json")):
        for case in json.loads(path.read_text())["cases"]:
            yield pytest.param(case, id=f"{path.stem}: {case['case']}")


def shared_cases():
    listed = json.loads((SHARED / "expected.json").read_text())["cases"] if SHARED.is_dir() else []
    for case in listed:
        yield pytest.param(case, id=case["case"])


@pytest.mark.parametrize("case", list(own_cases()))
async def test_case(case, tmp_path):
    steps = [step if isinstance(step, str) else json.dumps(step) for step in case["steps"]]
    await judged(case, [step.encode() for step in steps], SETTINGS, tmp_path)


@pytest.mark.parametrize("case", list(shared_cases()))
async def test_shared_case(case, tmp_path):
    settings = yaml.safe_load((SHARED / "config.yaml").read_text())
    await judged(case, [(SHARED / step).read_bytes() for step in case["steps"]], settings, tmp_path)


def test_names_of_cases_are_unique():
    names = [param.id for param in own_cases()]
    assert len(set(names)) == len(names) > 0


async def judged(case, bodies, settings, folder):
    rules = "july" if "custom_fields" in json.dumps(case["expect"]) else "june"  # June drops them
    sandbox = create_sandbox(rules=rules, requests=10_000, per_s=1.0)
    for option in case.get("sandbox", ()):
        sandbox.state.sandbox.faults.add(_fault(option.removeprefix("--fault ")))
    async with running(folder / "bridge", sandbox=sandbox, **configuration(settings)) as bridge:
        before = await counts(bridge)
        answers = await sent(bridge, case, bodies)
        if "hold_s" in case:
            await asyncio.sleep(case["hold_s"])
        ending = Ending(
            answers=answers,
            events=bridge.rows("SELECT * FROM events ORDER BY id"),
            leads=[asdict(lead) for lead in bridge.fusion.leads],
            requests=len(bridge.requests()),
            counted=await counts(bridge) != before,
        )
    assert not faults(case["expect"], ending)


async def sent(bridge, case, bodies):
    """Send the steps; each when the one before has its fate, or all at the same time."""
    sources = case["source"] if isinstance(case["source"], list) else [case["source"]] * len(bodies)
    methods = case.get("method", "POST")
    methods = methods if isinstance(methods, list) else [methods] * len(bodies)
    requests = [
        post(bridge, source, method, case, body)
        for source, method, body in zip(sources, methods, bodies, strict=True)
    ]
    if case.get("together"):
        answers = await asyncio.gather(*requests)
        await bridge.settled()
        return answers
    answers = []
    for request in requests:
        answers.append(await request)
        if "hold_s" not in case:
            await bridge.settled()
    return answers


async def post(bridge, source, method, case, body):
    headers = {"Content-Type": "application/json"} | case.get("headers", {})
    packed = {"gzip": gzip.compress, "deflate": zlib.compress}.get(headers.get("Content-Encoding", ""))
    body = packed(body) if packed else body
    path = f"/webhooks/{source}" + ("" if source == "app" else f"/{token(source)}") + case.get("path_end", "")
    if source == "app":
        headers["X-GHL-Signature"] = base64.b64encode(KEY.sign(body)).decode()
    return await bridge.http.request(method, path, content=body, headers=headers)


async def counts(bridge):
    """What an operator sees of refused requests."""
    text = (await bridge.http.get("/metrics")).text
    return [line for line in text.splitlines() if line.startswith("bridge_refused_total")]


def token(source):
    return f"token-of-the-source-{source}"


def configuration(settings):
    """The settings with what only a run knows: the sandbox's address is the harness's."""
    sources = {
        name: {**source, "public_keys": [PEM.decode()]}
        if source["type"] == "ghl_app"
        else {**source, "token": token(name)}
        for name, source in settings["sources"].items()
    }
    kept = {key: settings[key] for key in ("default_region", "lead", "routes") if key in settings}
    return {**kept, "sources": sources}
