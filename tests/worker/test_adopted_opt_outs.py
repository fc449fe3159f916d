"""Fusion turns out to have a lead of somebody who opted out: it is tagged, whatever became of the opt-out."""

import time

import pytest
from typer.testing import CliRunner

from bridge.cli import app
from bridge.fusion.sandbox import Fault
from bridge.store import adopting
from tests.harness import BASE, running

pytestmark = pytest.mark.anyio

MAIN, EAST = "key-of-the-main-account", "key-of-the-east-account"
TWO = BASE["fusion"] | {"accounts": {"main": {"api_key": MAIN}, "east": {"api_key": EAST}}}
FORMS = {
    "forms": {
        "type": "json",
        "token": "forms-token-for-the-tests-only",
        "occurred_at": "{{ payload.at }}",
        "contact": {
            "id": "{{ payload.id }}",
            "name": "{{ payload.name }}",
            "phone": "{{ payload.phone }}",
            "do_not_call": "{{ payload.stop }}",
        },
    }
}
ANN, BOB = "+12025550101", "+12025550102"


def has(bridge, phone, key=MAIN):
    bridge.fusion.account(key).create({"phone": phone, "name": "Ann Lee"}, at=time.time())


async def adopt(bridge, phone, account="main"):
    """What `bridge adopt` writes for a page. Returns how many opt-outs it counts."""
    tags, now = bridge.service.config.tags, time.time()
    learned = await bridge.service.writer.run(
        lambda c: adopting.learn(c, account, "", [(phone, "lead-1")], tags=tags, now=now)
    )
    return learned.opt_outs


async def test_the_opt_out_still_waits_for_another_account(tmp_path):
    async with running(tmp_path, fusion=TWO) as bridge:
        has(bridge, ANN, EAST)
        await bridge.accept(phone=ANN)
        await bridge.settled()
        bridge.fusion.faults.add(Fault("status", status=429, delay_s=1, method="PATCH", times=1))
        opt_out = await bridge.accept(phone=ANN, dnd="true")
        await bridge.until(lambda: bridge.rows("SELECT 1 FROM lanes WHERE reason = 'throttled'"))
        assert bridge.fate(opt_out) == "queued"

        assert await adopt(bridge, ANN, "east") == 1
        await bridge.settled()
        assert bridge.fate(opt_out) == "delivered"
        assert [lead.tags for lead in bridge.fusion.leads] == [["do-not-call"], ["do-not-call"]]


async def test_the_opt_out_came_with_the_phone_of_somebody_who_was_erased(tmp_path):
    async with running(tmp_path, routes=[{"when": "contact.id == 'bob'", "skip": "customer"}, {}]) as bridge:
        await bridge.accept(phone=ANN)
        await bridge.accept(contact_id="bob", phone=BOB)
        await bridge.settled()
        forgotten = CliRunner().invoke(app, ["forget", ANN, "-c", str(tmp_path / "config.yaml"), "--yes"])
        assert forgotten.exit_code == 0, forgotten.output
        opt_out = await bridge.accept(contact_id="bob", phone=ANN, dnd=True)
        await bridge.settled()
        assert bridge.event(opt_out)["payload"] == b""
        has(bridge, BOB)

        assert await adopt(bridge, BOB) == 1
        await bridge.settled()
        assert bridge.fate(opt_out) == "delivered"
        assert bridge.lead(BOB).tags == ["do-not-call"]


async def test_the_opt_out_was_late_for_an_event_that_is_empty_by_now(tmp_path):
    async with running(tmp_path, sources=FORMS, routes=[{"skip": "customer"}]) as bridge:

        async def post(ago, **said):
            payload = {"id": "ann", "name": "Ann Lee", "phone": ANN, "at": time.time() - ago, **said}
            answer = await bridge.post(payload, source="forms", token=FORMS["forms"]["token"])
            await bridge.settled()
            return answer.json()["event_id"]

        first = await post(60)
        await bridge.service.writer.run(lambda c: c.execute("UPDATE events SET payload = x''"))
        late = await post(3600, stop="true")
        has(bridge, ANN)

        assert await adopt(bridge, ANN) == 1
        await bridge.settled()
        assert (bridge.fate(first), bridge.fate(late)) == ("delivered", "skipped: do not call")
        assert bridge.lead(ANN).tags == ["do-not-call"]
