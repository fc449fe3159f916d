"""The service and somebody who was erased: what comes of them is emptied, what others say still counts."""

import sqlite3

import pytest
from typer.testing import CliRunner

from bridge.cli import app
from bridge.worker import rinsing
from bridge.worker.rinsing import EVERY_S, Rinse
from tests.harness import running

pytestmark = pytest.mark.anyio

ERASED, OWN = "+12025550101", "+12025550102"
EMPTY = {"payload": b"", "warnings": "[]", "body_hash": ""}


def forget(folder, phone=ERASED):
    result = CliRunner().invoke(app, ["forget", phone, "-c", str(folder / "config.yaml"), "--json", "--yes"])
    assert result.exit_code == 0, result.output


def said(bridge, event_id):
    event = bridge.event(event_id)
    return {name: event[name] for name in ("state", "reason", "phone", "contact_id", *EMPTY)}


async def test_an_event_of_theirs_leaves_nothing(tmp_path):
    async with running(tmp_path) as bridge:
        await bridge.accept(phone=ERASED)
        await bridge.settled()
        forget(tmp_path)
        requests = bridge.methods()
        new = await bridge.accept(contact_id="new", phone="(202) 555-0101", email="ann at home")
        known = await bridge.accept(phone="+12025550199", tags="y")
        await bridge.settled()
        for event_id in (new, known):
            nobody = {"state": "skipped", "reason": "do not call", "phone": "", "contact_id": ""}
            assert said(bridge, event_id) == {**nobody, **EMPTY}
        assert bridge.rows("SELECT * FROM contact_map") == []
        assert bridge.methods() == requests


async def test_what_somebody_else_says_with_their_phone_counts_for_the_own_one(tmp_path):
    async with running(tmp_path) as bridge:
        await bridge.accept(contact_id="bob", phone=OWN)
        await bridge.settled()
        forget(tmp_path)
        event_id = await bridge.accept(contact_id="bob", phone=ERASED, dnd=True)
        await bridge.settled()
        known = {"state": "delivered", "reason": "", "phone": OWN, "contact_id": "bob"}
        assert said(bridge, event_id) == {**known, **EMPTY}
        assert "do-not-call" in bridge.lead(OWN).tags
        assert bridge.lead(ERASED) is None
        (contact,) = bridge.rows("SELECT phone, blocked FROM contact_map")
        assert contact == {"phone": OWN, "blocked": 1}


async def test_an_entry_corrected_to_their_phone_keeps_none_of_it(tmp_path):
    entries = {
        "type": "json",
        "token": "token-of-the-entries-of-the-tests",
        "id": "{{ payload.id }}",
        "contact": {"name": "{{ payload.name }}", "phone": "{{ payload.phone }}"},
    }
    how = {"source": "entries", "token": entries["token"]}
    async with running(tmp_path, sources={"entries": entries}) as bridge:
        await bridge.post({"id": "e1", "name": "Ann Lee", "phone": OWN}, **how)
        await bridge.settled()
        forget(tmp_path)
        await bridge.post({"id": "e1", "name": "Ann Lee", "phone": ERASED}, **how)
        await bridge.settled()
        assert ERASED not in str(bridge.rows("SELECT * FROM contact_map"))
        assert bridge.lead(ERASED) is None


async def test_an_event_that_waited_while_they_were_erased_is_theirs(tmp_path):
    async with running(tmp_path) as bridge:
        await bridge.accept(phone=ERASED)
        await bridge.settled()
        first = bridge.event(1)
    forget(tmp_path)
    assert first["state"] == "delivered"
    async with running(tmp_path, sandbox=bridge.app) as again:
        assert again.event(1)["payload"] == b""
        assert again.rows("SELECT * FROM lead_map") == []


class Log:
    """Stands for the database's log."""

    def __init__(self, monkeypatch, *answers):
        self.answers = list(answers)
        self.asked = 0
        monkeypatch.setattr(rinsing, "flush", self.flush)

    def flush(self, _database, *, patience_s):
        assert patience_s == 0
        self.asked += 1
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


async def test_the_log_is_emptied_when_it_needs_it_and_not_too_often(tmp_path, monkeypatch):
    log, now = Log(monkeypatch, True, True), [100.0]
    rinse = Rinse(tmp_path / "bridge.db", lambda: now[0])
    await rinse.turn()  # at the start: the process before may have been killed when it was about to
    await rinse.turn()
    assert log.asked == 1
    rinse.need()
    await rinse.turn()
    assert log.asked == 1
    now[0] += EVERY_S
    await rinse.turn()
    assert log.asked == 2


async def test_what_goes_wrong_is_tried_again(tmp_path, monkeypatch):
    log, now = Log(monkeypatch, False, sqlite3.OperationalError("locked"), True), [100.0]
    rinse = Rinse(tmp_path / "bridge.db", lambda: now[0])
    rinse.need()
    for _ in range(4):
        await rinse.turn()
        now[0] += EVERY_S
    assert log.asked == 3
