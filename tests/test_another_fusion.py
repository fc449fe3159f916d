"""From the sandbox to the real Fusion, by a restart or a reload: nothing of the old one is believed."""

import asyncio
import contextlib
import re
import sqlite3

import httpx2
import pytest
from typer.testing import CliRunner

from bridge.app import create_app
from bridge.cli import app as commands
from bridge.config import load
from bridge.fusion.sandbox import Fault, create_sandbox, sandbox_transport
from bridge.store import events
from tests.harness import BASE, Running, write_config

ANN, BOB = "+12025550101", "+12025550102"
REPLAY = ["replay", "--state", "delivered", "--since", "30d"]
TRIAL, REAL = "http://127.0.0.1:8081", "http://127.0.0.1:8082"


class Fusions(httpx2.AsyncBaseTransport):
    """Two of them, each behind its own port."""

    def __init__(self):
        sandboxes = {port: create_sandbox(rules="july", requests=10_000, per_s=1.0) for port in (8081, 8082)}
        self.trial, self.real = (each.state.sandbox for each in sandboxes.values())
        self._there = {port: sandbox_transport(each) for port, each in sandboxes.items()}

    async def handle_async_request(self, request):
        return await self._there[request.url.port].handle_async_request(request)


@pytest.fixture
def fusions():
    return Fusions()


def configured(folder, base_url, **changes):
    fusion = {**BASE["fusion"], "base_url": base_url}
    return write_config(folder, fusion=fusion, **changes)


@contextlib.asynccontextmanager
async def running(folder, fusions, base_url, **changes):
    config = load(configured(folder, base_url, **changes), environ={})
    app = create_app(config, transport=fusions)
    async with app.router.lifespan_context(app):
        transport = httpx2.ASGITransport(app, raise_app_exceptions=False)
        async with httpx2.AsyncClient(transport=transport, base_url="http://bridge") as http:
            bridge = Running.__new__(Running)
            bridge.folder, bridge.http, bridge.service = folder, http, app.state.service
            yield bridge


def phones(fusion):
    return sorted(lead.phone for lead in fusion.leads)


async def move(bridge, base_url):
    configured(bridge.folder, base_url)
    bridge.service.reload()
    await bridge.until(lambda: bridge.service.config.fusion.base_url == base_url)


async def test_after_a_restart_the_same_people_are_created_in_the_real_one(tmp_path, fusions):
    async with running(tmp_path, fusions, TRIAL) as bridge:
        await bridge.accept(phone=ANN)
        await bridge.settled()
    async with running(tmp_path, fusions, REAL) as bridge:
        event = await bridge.accept(phone=ANN, note="again")
        await bridge.settled()
        assert bridge.fate(event) == "delivered"
    assert (phones(fusions.trial), phones(fusions.real)) == ([ANN], [ANN])


async def test_after_a_reload_too_and_back(tmp_path, fusions):
    async with running(tmp_path, fusions, TRIAL) as bridge:
        first = await bridge.accept(phone=ANN)
        await bridge.settled()
        await move(bridge, REAL)
        second = await bridge.accept(phone=ANN, note="2")
        await bridge.settled()
        await move(bridge, TRIAL)
        third = await bridge.accept(phone=ANN, note="3")
        await bridge.settled()
        fates = [bridge.fate(event) for event in (first, second, third)]
    assert fates == ["delivered", "delivered", "skipped: unchanged"]
    assert (phones(fusions.trial), phones(fusions.real)) == ([ANN], [ANN])


async def test_delivered_events_are_sent_again_by_a_replay(tmp_path, fusions):
    async with running(tmp_path, fusions, TRIAL) as bridge:
        event = await bridge.accept(phone=ANN)
        await bridge.settled()
        await move(bridge, REAL)
        await bridge.service.writer.run(lambda db: events.replay(db, [event], force=False))
        bridge.service.signals.event_accepted()
        await bridge.settled()
    assert phones(fusions.real) == [ANN]


async def test_what_is_under_way_ends_before_anything_is_put_aside(tmp_path, fusions):
    async with running(tmp_path, fusions, TRIAL) as bridge:
        fusions.trial.faults.add(Fault("delay", delay_s=0.5, times=1))
        event = await bridge.accept(phone=ANN)
        await bridge.until(lambda: bridge.rows("SELECT 1 FROM outbox WHERE sent_version IS NOT NULL"))
        await move(bridge, REAL)
        assert bridge.fate(event) == "delivered"
        assert bridge.rows("SELECT 1 FROM lead_map") == []
        assert bridge.rows("SELECT fusion, phone FROM lead_map_elsewhere") == [
            {"fusion": TRIAL, "phone": ANN}
        ]


async def test_what_waits_is_created_in_the_real_one(tmp_path, fusions):
    fusions.trial.faults.add(Fault("status", status=503))
    async with running(tmp_path, fusions, TRIAL) as bridge:
        event = await bridge.accept(phone=BOB)
        await bridge.until(lambda: bridge.rows("SELECT 1 FROM attempts WHERE outcome = 'unreachable'"))
        await move(bridge, REAL)
        await bridge.settled()
        assert bridge.fate(event) == "delivered"
    assert phones(fusions.real) == [BOB]


async def test_an_opt_out_stays_one(tmp_path, fusions):
    async with running(tmp_path, fusions, TRIAL) as bridge:
        await bridge.accept(phone=ANN)
        await bridge.settled()
        await bridge.accept(phone=ANN, dnd=True)
        await bridge.settled()
        await move(bridge, REAL)
        event = await bridge.accept(phone=ANN, note="later")
        await bridge.settled()
        assert bridge.fate(event) == "skipped: do not call"
    assert phones(fusions.real) == []


async def test_an_account_that_was_away_meanwhile(tmp_path, fusions):
    """It left the configuration, the address changed, it came back: by reloads alone."""
    main, west = BASE["fusion"]["accounts"], {"west": {"api_key": "key-2"}}
    routes = [{"account": "west", "when": "'west' in contact.tags"}, {}]

    def configure(base_url, accounts, routes):
        fusion = {**BASE["fusion"], "base_url": base_url, "accounts": accounts}
        write_config(tmp_path, fusion=fusion, routes=routes)
        bridge.service.reload()

    async with running(tmp_path, fusions, TRIAL) as bridge:
        configure(TRIAL, {**main, **west}, routes)
        await bridge.accept(phone=BOB, tags="west")
        await bridge.settled()
        assert phones(fusions.trial) == [BOB]
        configure(TRIAL, main, [{}])
        configure(REAL, main, [{}])
        await bridge.until(lambda: bridge.service.config.fusion.base_url == REAL)
        configure(REAL, {**main, **west}, routes)
        event = await bridge.accept(phone=BOB, tags="west", note="again")
        await bridge.settled()
        assert bridge.fate(event) == "delivered"
    assert phones(fusions.real) == [BOB]


async def test_many_reloads_at_once_end_with_the_last(tmp_path, fusions):
    async with running(tmp_path, fusions, TRIAL) as bridge:
        await bridge.accept(phone=ANN)
        await bridge.settled()
        for base_url in (REAL, TRIAL, REAL, TRIAL, REAL):
            configured(bridge.folder, base_url)
            bridge.service.reload()
        await asyncio.sleep(0.1)
        await bridge.until(lambda: bridge.service.config.fusion.base_url == REAL)
        await bridge.accept(phone=ANN, note="again")
        await bridge.settled()
    assert phones(fusions.real) == [ANN]


async def test_a_replay_of_what_was_delivered_brings_also_those_whose_newest_event_changed_nothing(
    tmp_path, fusions
):
    async with running(tmp_path, fusions, TRIAL) as bridge:
        await bridge.accept(phone=ANN)
        await bridge.settled()
        same = await bridge.accept(phone=ANN, note="again")
        await bridge.settled()
        assert bridge.fate(same) == "skipped: unchanged"
        await move(bridge, REAL)
        config = str(bridge.folder / "config.yaml")
        said = await asyncio.to_thread(CliRunner().invoke, commands, [*REPLAY, "-c", config])
        assert "2 events go through the rules again" in said.stdout
        await bridge.until(lambda: bridge.fate(same) == "delivered")
    assert phones(fusions.real) == [ANN]


async def test_a_change_that_fails_leaves_the_old_one_at_work(tmp_path, fusions, monkeypatch, capsys):
    """An error that nobody expected stopped all lanes for ever, and `status` said "sends"."""

    def broken(*_):
        raise sqlite3.OperationalError("no such column")

    async with running(tmp_path, fusions, TRIAL) as bridge:
        await bridge.accept(phone=ANN)
        await bridge.settled()
        with monkeypatch.context() as patched:
            patched.setattr("bridge.worker.origin.origins.bind", broken)
            configured(bridge.folder, REAL)
            bridge.service.reload()
            event = await bridge.accept(phone=BOB)
            await bridge.settled()
        assert bridge.fate(event) == "delivered"
        assert "fusion.change_failed" in capsys.readouterr().out
        await move(bridge, REAL)
        await bridge.accept(phone=BOB, note="again")
        await bridge.settled()
    assert (phones(fusions.trial), phones(fusions.real)) == ([ANN, BOB], [BOB])


async def test_the_log_says_it(tmp_path, fusions, capsys):
    async with running(tmp_path, fusions, TRIAL) as bridge:
        await bridge.accept(phone=ANN)
        await bridge.settled()
        await move(bridge, REAL)
    plain = re.sub(r"\x1b\[[0-9;]*m", "", capsys.readouterr().out)
    said = next(line for line in plain.splitlines() if "fusion.changed" in line)
    assert "warning" in said
    assert TRIAL in said
    assert REAL in said
    assert re.search(r"leads_put_aside\W{1,2}1\b", said)
    assert "`bridge adopt`" in said
