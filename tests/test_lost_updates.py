"""An update that Fusion carried out and nobody knows of: what comes after it must not look like no change."""

import pytest
from typer.testing import CliRunner

from bridge.cli import app
from bridge.fusion.sandbox import Fault
from tests.harness import BASE, running, write_config

P1 = "+12025550101"
# Carried out, but nobody can read the answer: three times, and the update is dead.
LOST = Fault("garbage", status=200, method="PATCH")


async def opted_out(bridge):
    await bridge.accept(phone=P1, tags="solar")
    await bridge.settled()
    await bridge.accept(phone=P1, tags="solar", dnd="true")
    await bridge.settled()
    assert bridge.lead(P1).tags == ["do-not-call", "solar"]


async def test_an_opt_out_after_a_lost_lift_is_delivered(tmp_path):
    async with running(tmp_path) as bridge:
        await opted_out(bridge)
        bridge.fusion.faults.add(LOST)
        lifted = await bridge.accept(phone=P1, tags="solar", dnd="false")
        await bridge.settled()
        bridge.fusion.faults.clear()
        assert bridge.event(lifted)["state"] == "dead"
        assert bridge.lead(P1).tags == ["solar"]
        out = await bridge.accept(phone=P1, tags="solar", dnd="true", again="1")
        await bridge.settled()
        assert bridge.fate(out) == "delivered"
        assert bridge.lead(P1).tags == ["do-not-call", "solar"]
        # It is known again, and needs no further request.
        once_more = await bridge.accept(phone=P1, tags="solar", dnd="true", again="2")
        await bridge.settled()
        assert bridge.fate(once_more) == "skipped: do not call"


async def test_an_opt_out_after_a_lift_that_a_reload_gave_up_is_delivered(tmp_path):
    patient = {"max_attempts": 9, "first_delay": "1m", "max_delay": "1m", "give_up_after": "1h"}
    async with running(tmp_path, retry=patient) as bridge:
        await opted_out(bridge)
        bridge.fusion.faults.add(Fault("reset_after", method="PATCH", times=1))
        lifted = await bridge.accept(phone=P1, tags="solar", dnd="false")
        await bridge.until(lambda: bridge.rows("SELECT 1 FROM outbox WHERE last_error <> ''"))
        elsewhere = {"other": {"api_key": "key-of-the-other-account"}}
        write_config(tmp_path, fusion={**BASE["fusion"], "accounts": elsewhere})
        bridge.service.reload()
        await bridge.settled()
        assert bridge.event(lifted)["state"] == "dead"
        assert bridge.lead(P1).tags == ["solar"]
        write_config(tmp_path)
        bridge.service.reload()
        out = await bridge.accept(phone=P1, tags="solar", dnd="true", again="1")
        await bridge.settled()
        assert bridge.fate(out) == "delivered"
        assert bridge.lead(P1).tags == ["do-not-call", "solar"]


async def test_a_lift_after_a_lost_opt_out_takes_the_tag_off(tmp_path):
    async with running(tmp_path) as bridge:
        await bridge.accept(phone=P1)
        await bridge.settled()
        bridge.fusion.faults.add(LOST)
        await bridge.accept(phone=P1, dnd="true")
        await bridge.settled()
        bridge.fusion.faults.clear()
        assert bridge.lead(P1).tags == ["do-not-call"]
        lifted = await bridge.accept(phone=P1, dnd="false")
        await bridge.settled()
        assert bridge.fate(lifted) == "delivered"
        assert not bridge.lead(P1).tags


async def test_a_change_back_after_a_lost_change_is_delivered(tmp_path):
    async with running(tmp_path) as bridge:
        await bridge.accept(phone=P1, last_name="Lee")
        await bridge.settled()
        bridge.fusion.faults.add(LOST)
        await bridge.accept(phone=P1, last_name="Leigh")
        await bridge.settled()
        bridge.fusion.faults.clear()
        assert bridge.lead(P1).name == "Ann Leigh"
        back = await bridge.accept(phone=P1, last_name="Lee", again="1")
        await bridge.settled()
        assert bridge.fate(back) == "delivered"
        assert bridge.lead(P1).name == "Ann Lee"
        same = await bridge.accept(phone=P1, last_name="Lee", again="2")
        await bridge.settled()
        assert bridge.fate(same) == "skipped: unchanged"


@pytest.mark.parametrize("forced", [False, True])
async def test_an_opt_out_is_sent_once_more_by_force_only(tmp_path, forced):
    async with running(tmp_path) as bridge:
        await opted_out(bridge)
        out = bridge.rows("SELECT MAX(id) AS id FROM events")[0]["id"]
        bridge.lead(P1).tags[:] = ["solar"]  # somebody took it off in Fusion
        force = ["--force"] if forced else []
        result = CliRunner().invoke(app, ["replay", str(out), *force, "-c", str(tmp_path / "config.yaml")])
        assert result.exit_code == 0, result.output
        await bridge.settled()
        assert ("do-not-call" in bridge.lead(P1).tags) is forced
        assert bridge.fate(out) == ("delivered" if forced else "skipped: do not call")
