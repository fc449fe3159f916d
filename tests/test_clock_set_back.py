"""The machine's clock was ahead and was corrected: nothing of that time outlives it."""

import json
import time
from contextlib import closing

import pytest
from typer.testing import CliRunner

from bridge.cli import app
from bridge.fusion.sandbox import Fault
from bridge.model import ContactKey, Incoming
from bridge.store import events
from bridge.store.database import open_writer
from tests.harness import running

pytestmark = pytest.mark.anyio

ANN = "+12025550101"
HOUR = 3600.0


async def opts_out(bridge):
    """The opt-out counts, although the contact's last event seems to come from later."""
    await bridge.accept(phone=ANN, dnd="true")
    await bridge.settled()
    assert "do-not-call" in bridge.lead(ANN).tags


async def test_an_opt_out_after_the_replay_of_an_event_from_then(tmp_path):
    mistaken = {"name": "{{ contact.name }}", "phone": "{{ contact.custom['x'] }}"}
    async with running(tmp_path, clock=lambda: time.time() + HOUR, lead=mistaken) as bridge:
        event_id = await bridge.accept(phone=ANN, dnd="false", x="12")
        await bridge.settled()
        assert bridge.event(event_id)["state"] == "dead"
    async with running(tmp_path, sandbox=bridge.app) as bridge:
        replayed = CliRunner().invoke(app, ["replay", str(event_id), "-c", str(tmp_path / "config.yaml")])
        assert replayed.exit_code == 0, replayed.output
        await bridge.settled()
        assert bridge.fate(event_id) == "delivered"
        await opts_out(bridge)


async def test_an_opt_out_after_an_event_that_was_received_then_and_resolved_now(tmp_path):
    async with running(tmp_path):
        pass
    body = {"contact_id": "ann", "first_name": "Ann", "last_name": "Lee", "phone": ANN, "dnd": "false"}
    incoming = Incoming("contact.updated", external_id=None, contact=ContactKey("ghl", "", "ann"))
    with closing(open_writer(tmp_path / "data" / "bridge.db")) as writer:
        events.accept(
            writer,
            "workflow",
            incoming,
            body=json.dumps(body).encode(),
            body_hash="x",
            now=time.time() + HOUR,
        )
    async with running(tmp_path) as bridge:
        await bridge.settled()
        await opts_out(bridge)


async def test_a_pause_of_then_ends_after_as_long_as_it_was(tmp_path):
    async with running(tmp_path, clock=lambda: time.time() + 24 * HOUR) as bridge:
        bridge.fusion.faults.add(Fault("status", status=429, delay_s=1.0, times=1))
        event_id = await bridge.accept(phone=ANN)
        await bridge.until(lambda: bridge.rows("SELECT 1 FROM lanes WHERE reason = 'throttled'"))
    async with running(tmp_path, sandbox=bridge.app) as bridge:
        await bridge.until(lambda: bridge.fate(event_id) == "delivered")
