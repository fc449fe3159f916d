"""Opt-outs that were accepted are resolved before anything leaves, however many; also after a kill."""

import asyncio
import json
import time

import pytest

from bridge.model import ContactKey, Incoming
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
    payload = {**person(number), "dnd": True}
    contact = ContactKey("ghl", "", f"c{number}")
    incoming = Incoming("contact.updated", external_id=None, contact=contact, urgent=True)
    body = json.dumps(payload).encode()
    events.accept(connection, "workflow", incoming, body=body, body_hash=f"h{number}", now=time.time())


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
