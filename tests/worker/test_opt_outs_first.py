"""Opt-outs that were accepted are resolved before anything leaves, however many; also after a kill."""

import asyncio
import json
import time

import pytest

from bridge.model import ContactKey, Incoming
from bridge.outbox.identity import decide
from bridge.store import events
from bridge.store.database import open_writer
from tests.harness import running, write_config

pytestmark = pytest.mark.anyio

MANY = 60


def fusion(requests, per):
    return {
        "base_url": "http://127.0.0.1:9",
        "accounts": {"main": {"api_key": "key-of-the-main-account"}},
        "leads_limit": {"requests": requests, "per": per},
    }


def person(number):
    return {
        "contact_id": f"c{number}",
        "first_name": f"Ann{number}",
        "last_name": "Lee",
        "phone": f"+12025550{100 + number}",
    }


def accept_opt_out(connection, number):
    """As the web does it a moment before the process is killed."""
    accept(connection, number, dnd=True)


def accept(connection, number, **said):
    contact = ContactKey("ghl", "", f"c{number}")
    incoming = Incoming("contact.updated", external_id=None, contact=contact, urgent="dnd" in said)
    body = json.dumps({**person(number), **said}).encode()
    of = f"h{number}{said}"
    events.accept(connection, "workflow", incoming, body=body, body_hash=of, now=time.time())


async def test_whoever_opted_out_before_a_kill_is_not_called_after_it(tmp_path):
    async with running(tmp_path, fusion=fusion(1, "3600s")) as bridge:
        for number in range(MANY):
            await bridge.accept(**person(number))
        await bridge.until(lambda: not bridge.rows("SELECT 1 FROM events WHERE state = 'received'"))
        await bridge.until(lambda: len(bridge.requests()) == 1)  # the others wait for a place
        sandbox, called = bridge.app, {lead.phone for lead in bridge.fusion.leads}
    connection = open_writer(tmp_path / "data" / "bridge.db")
    for number in range(MANY):
        accept_opt_out(connection, number)
    connection.close()

    async with running(tmp_path, fusion=fusion(1000, "1s"), sandbox=sandbox) as bridge:
        await bridge.settled()
        assert {lead.phone for lead in bridge.fusion.leads} == called


async def test_whoever_opts_out_in_a_crowd_is_not_called_while_the_crowd_is_resolved(tmp_path):
    async with running(tmp_path, fusion=fusion(1, "3600s")) as bridge:
        for number in range(MANY):
            await bridge.accept(**person(number))
        await bridge.until(lambda: not bridge.rows("SELECT 1 FROM events WHERE state = 'received'"))
        await bridge.until(lambda: len(bridge.requests()) == 1)
        called = {lead.phone for lead in bridge.fusion.leads}

        with open_writer(tmp_path / "data" / "bridge.db") as connection:  # all of them in one commit
            connection.execute("BEGIN IMMEDIATE")
            for number in range(MANY):
                accept_opt_out(connection, number)
        write_config(tmp_path, fusion=fusion(1000, "1s"))
        bridge.service.signals.event_accepted()
        while bridge.service.signals.calm.is_set():  # noqa: ASYNC110 - until the resolver has seen them
            await asyncio.sleep(0)
        bridge.service.reload()  # and now there is room for all who wait
        await bridge.settled()
        assert {lead.phone for lead in bridge.fusion.leads} == called


async def test_whoever_is_new_and_opts_out_at_once_is_not_called_between_the_two(tmp_path, monkeypatch):
    async with running(tmp_path, fusion=fusion(1000, "1s")) as bridge:
        calm = []

        def watched(*args, **kwargs):
            calm.append(bridge.service.signals.calm.is_set())
            return decide(*args, **kwargs)

        monkeypatch.setattr("bridge.worker.resolver.decide", watched)
        with open_writer(tmp_path / "data" / "bridge.db") as connection:  # both in one commit
            connection.execute("BEGIN IMMEDIATE")
            accept(connection, 1)
            accept_opt_out(connection, 1)
        bridge.service.signals.event_accepted()
        await bridge.settled()
        assert calm == [False, False]  # no account sends anything meanwhile
        assert bridge.requests() == []
        assert bridge.fate(1) == "superseded"
