"""`bridge preview` with a database: what it knows counts, and a stored event goes through today's rules."""

import json

import pytest

from bridge.model import ContactKey
from bridge.outbox.facts import Decision, KnownContact
from bridge.store import marks
from bridge.store.secret_key import make_key
from tests.stocked import Stock

PHONE = "+12025550101"
BODY = {"contact_id": "ann", "full_name": "Ann Lee", "phone": PHONE, "location": {"id": "loc"}}


@pytest.fixture
def stock(tmp_path):
    stock = Stock(tmp_path)
    (tmp_path / "body.json").write_text(json.dumps(BODY))
    yield stock
    stock.connection.close()


def seen(stock, what="", status=0, *options):
    result = stock.bridge("preview", what or stock.config.with_name("body.json"), "--json", *options)
    assert result.exit_code == status, result.stdout + result.stderr
    return json.loads(result.stdout)


def test_nobody_is_known(stock):
    found = seen(stock)
    assert (found["state"], found["known"], found["then"]) == ("queued", [], None)
    assert found["requests"][0]["method"] == "POST"


def test_a_lead_that_fusion_has_is_changed(stock):
    stock.deliver("ann", PHONE, name="Another Name")
    found = seen(stock)
    assert found["known"] == ["Fusion has the lead: account main, Default Feed"]
    assert found["requests"][0]["method"] == "PATCH"
    text = stock.bridge("preview", stock.config.with_name("body.json"), columns=80).stdout
    assert "Known already" in text
    assert "a change of a lead that Fusion has" in text


def test_who_opted_out_is_not_sent(stock):
    key = ContactKey("ghl", "loc", "ann")
    contact = KnownContact(key, phone=PHONE, event_id=1, dnd_all=True, dnd_all_at=1.0)
    event_id = stock.accept("ann")
    stock.decide(event_id, Decision("skipped", "do not call", contact=contact), PHONE)
    found = seen(stock)
    assert (found["state"], found["reason"], found["requests"]) == ("skipped", "do not call", [])
    assert found["known"] == ["an earlier event of the contact says do not call"]


def test_who_was_erased_is_not_sent(stock):
    keys = make_key(stock.database)
    marks.mark(stock.connection, keys, PHONE, phones=(), contacts=(), now=1.0)
    found = seen(stock)
    assert found["state"] == "skipped"
    assert found["known"] == ["erased (bridge forget): nothing of them is sent"]


def test_a_stored_event_is_shown_by_its_number_and_nothing_is_written(stock):
    event_id = stock.accept("ann", body=json.dumps(BODY).encode())
    stock.decide(event_id, Decision("skipped", "no phone"))
    before = stock.rows("SELECT * FROM events")
    found = seen(stock, event_id)
    assert (found["file"], found["source"], found["state"]) == (f"event {event_id}", "workflow", "queued")
    assert (found["then"]["state"], found["then"]["reason"]) == ("skipped", "no phone")
    assert stock.rows("SELECT * FROM events") == before
    assert "skipped: no phone" in stock.bridge("preview", event_id, columns=80).stdout


def test_an_event_that_is_not_there(stock):
    result = stock.bridge("preview", 99)
    assert result.exit_code == 1
    assert "there is no event 99" in result.stderr


def test_a_file_of_digits_is_a_file(stock, monkeypatch):
    monkeypatch.chdir(stock.config.parent)
    stock.config.with_name("42").write_text(json.dumps(BODY))
    assert seen(stock, 42)["then"] is None


def test_known_does_not_ask_the_database(stock):
    found = seen(stock, "", 0, "--known")
    assert found["known"] is None
    assert found["requests"][0]["method"] == "PATCH"


@pytest.mark.parametrize(
    ("reason", "phone", "fix"),
    [
        ("forgotten", PHONE, "nothing of an erased person is kept"),
        ("do not call", "", "nothing of an erased person is kept"),
        ("do not call", PHONE, "GHL can send it again"),  # emptied by retention
        ("unchanged", PHONE, "GHL can send it again"),
    ],
)
def test_an_event_without_its_payload_says_where_it_is(stock, reason, phone, fix):
    event_id = stock.accept("ann", body=json.dumps(BODY).encode())
    stock.decide(event_id, Decision("skipped", reason), phone)
    stock.connection.execute("UPDATE events SET payload = x'' WHERE id = ?", (event_id,))
    stock.connection.commit()
    result = stock.bridge("preview", event_id)
    assert result.exit_code == 1
    assert fix in result.stderr
