"""While nobody can tell whom the marks are of, events wait, and requests too: one may be an opt-out."""

import asyncio

import pytest
from typer.testing import CliRunner

from bridge.cli import app
from bridge.fusion.sandbox import Fault
from tests.harness import running

pytestmark = pytest.mark.anyio

ANN, ZED = "+12025550101", "+12025550177"
RETRY = {"max_attempts": 50, "first_delay": "1s", "max_delay": "1s", "give_up_after": "1h"}


async def test_a_creation_does_not_overtake_an_opt_out_that_waits_for_the_key(tmp_path):
    key = tmp_path / "data" / "bridge.key"
    async with running(tmp_path, retry=RETRY) as bridge:
        bridge.fusion.faults.add(Fault("status", status=500, method="POST"))
        new = await bridge.accept(phone=ANN)
        await bridge.until(lambda: bridge.rows("SELECT 1 FROM outbox WHERE last_error <> ''"))
        erased = CliRunner().invoke(
            app, ["forget", ZED, "-c", str(tmp_path / "config.yaml"), "--json", "--yes"]
        )
        assert erased.exit_code == 0, erased.output
        key.rename(tmp_path / "key")
        opt_out = await bridge.accept(phone=ANN, dnd="true")
        bridge.fusion.faults.clear()
        await asyncio.sleep(2.5)  # the creation was due after a second
        assert (bridge.lead(ANN), bridge.event(opt_out)["state"]) == (None, "received")
        (tmp_path / "key").rename(key)
        await bridge.until(lambda: bridge.event(opt_out)["state"] != "received")
        # In case the creation had an effect: Fusion's 500 doesn't say.
        await bridge.until(lambda: bridge.rows("SELECT 1 FROM attempts WHERE status = 404"))
        assert (bridge.lead(ANN), bridge.event(new)["state"]) == (None, "superseded")
