"""`bridge show`: the whole story of one event."""

import json
import re
import time

import pytest

from bridge.model import Destination, FieldTrace, Lead, Mapped
from bridge.outbox.outcome import Unreachable
from bridge.store import claiming, loaded, wanted
from tests.stocked import BUDGET, CAMPAIGN, Stock

ANN, OLD = "+12025550101", "+12025550199"


@pytest.fixture
def stock(tmp_path):
    stock = Stock(tmp_path)
    yield stock
    stock.connection.close()


def test_a_delivered_one(stock):
    event_id = stock.deliver("ann", ANN, campaign=CAMPAIGN)

    said = stock.bridge("show", event_id).stdout

    assert said.startswith("Event 1: delivered\n")
    for words in (
        "  warning   tag cut",
        "  route     solar",
        f"  phone     {ANN}",
        f"main, campaign {CAMPAIGN}",
    ):
        assert words in said
    assert "  lead id    lead-1" in said
    assert "  tags       solar" in said
    assert "  bill       90" in said
    assert "POST    201     delivered  12" in said
    assert '    "contact_id": "ann"' in said.partition("Payload\n")[2]
    assert "fix" not in said
    assert "Waits" not in said


def test_a_waiting_one(stock):
    event_id = stock.queue("ann", ANN)
    stock.send(Unreachable("nobody there"), status=None, error="nobody there", ago=1)

    said = stock.bridge("show", event_id).stdout

    assert said.startswith("Event 1: queued\n")
    waits = said.partition("Waits to be sent\n")[2]
    assert "  next try    in " in waits or "  next try    now" in waits
    assert "  last error  nobody there" in waits
    assert "unreachable" in waits


def test_one_under_way(stock):
    stock.queue("ann", ANN)
    claiming.claim(stock.connection, "main", budget=BUDGET, room=1, now=time.time())

    said = stock.bridge("show", 1).stdout

    assert "next try  under way" in said
    assert "POST            under way" in said


def test_a_dead_one_says_what_to_do(stock):
    said = stock.bridge("show", stock.die()).stdout.splitlines()

    assert said[:3] == ["Event 1: dead", "  reason    no such phone", "  fix       correct it"]


def test_a_superseded_one_names_the_newer(stock):
    stock.queue("ann", ANN)
    newer = stock.queue("ann", ANN)

    assert f"  superseded by  event {newer}" in stock.bridge("show", 1).stdout


def test_json(stock):
    stock.deliver("ann", ANN)

    story = json.loads(stock.bridge("show", 1, "--json").stdout)

    assert story["payload"]["contact_id"] == "ann"
    assert story["warnings"] == ["tag cut"]
    assert story["leads"][0]["lead_id"] == "lead-1"
    assert story["attempts"][0]["outcome"] == "delivered"
    assert story["settled_at"].endswith("+00:00")


def test_a_payload_that_is_no_json_any_more(stock):
    event_id = stock.accept(body=b"\xff not json \x1b[2J")

    said = stock.bridge("show", event_id).stdout

    assert "not json" in said
    assert "\x1b" not in said


def test_a_payload_that_went_by_its_age(stock):
    event_id = stock.deliver("ann", ANN)
    stock.connection.execute("UPDATE events SET payload = x''")

    said = stock.bridge("show", event_id).stdout

    assert said.endswith(
        "Payload\n  gone (retention.payloads, or forget): this event can't be replayed any more\n"
    )
    assert json.loads(stock.bridge("show", event_id, "--json").stdout)["payload"] is None


def test_no_such_event(stock):
    result = stock.bridge("show", 7)

    assert result.exit_code == 1
    assert result.stderr.splitlines()[0] == "error: there is no event 7"


def test_no_number(stock):
    assert stock.bridge("show", "ann").exit_code == 2


def test_it_fits_the_screen(stock):
    stock.deliver("ann", ANN, campaign=CAMPAIGN)

    said = stock.bridge("show", 1, columns=80).stdout

    assert max(map(len, said.splitlines())) <= 80


def test_an_event_about_two_phones(stock):
    """The number changed: the new one gets the lead, the old one a tag."""
    stock.deliver("ann", OLD)
    event_id = stock.queue("ann", ANN)
    stock.connection.execute(
        """
        INSERT INTO outbox (lane, account, campaign_id, phone, body, event_id, priority, queued_at, due_at)
        VALUES ('leads', 'main', '', ?, '{"tags": ["phone-changed"]}', ?, 2, 0, 0)
        """,
        (OLD, event_id),
    )
    waiting = stock.bridge("show", event_id).stdout
    stock.send()
    stock.send()

    said = stock.bridge("show", event_id).stdout
    story = json.loads(stock.bridge("show", event_id, "--json").stdout)

    assert f"phone      {OLD}" in waiting.partition("Waits")[0]
    leads = said.partition("Requests")[0].split("The lead in Fusion")[1:]
    assert [re.search(r"phone +(\S+)", each)[1] for each in leads] == [ANN, OLD]
    assert "phone-changed" in leads[1]
    assert all(phone in said.partition("Requests")[2].partition("Payload")[0] for phone in (ANN, OLD))
    assert sorted(phone for each in story["attempts"] for phone in each["phones"]) == sorted([ANN, OLD])


def test_the_phone_as_sent_where_none_could_be_used(stock):
    event_id = stock.accept(body=b'{"contact": {"phone": "555-01 01 x"}}')

    assert "phone as sent  555-01 01 x" in stock.bridge("show", event_id).stdout


def test_what_it_wanted_and_what_was_sent(stock):
    """The lead as the rules made it then, the rule of each field, and every body that left."""
    event_id = stock.queue("ann", ANN, name="Ann Ray")
    lead = Lead(ANN, "Ann Ray", tags=("solar",), custom_fields={"bill": 90})
    trace = (
        FieldTrace("name", "{{ contact.company }}", "lead.name[0]", "", None),
        FieldTrace("name", "{{ contact.name }}", "lead.name[1]", "Ann Ray", "Ann Ray"),
        FieldTrace("phone", "{{ contact.phone }}", "default", ANN, ANN),
        FieldTrace("tags", "solar", "lead.tags[0]", "solar", ["solar"]),
        FieldTrace("custom_fields.bill", "{{ 90 }}", "routes[1].lead.custom_fields.bill", 90, 90),
    )
    mapped = Mapped(ANN, lead, Destination("main", CAMPAIGN), trace=trace)
    wanted.write(stock.connection, event_id, mapped, "3f2a90aa01")
    loaded.write_loaded(stock.connection, "-", "3f2a90aa01", time.time())
    stock.send(Unreachable("nobody there"), status=None, error="nobody there", ago=30)
    stock.send(ago=1)

    said = stock.bridge("show", event_id, columns=120).stdout
    part = " ".join(
        said.partition("What the rules made of it\n")[2].partition("The lead in Fusion")[0].split()
    )
    assert part.startswith("rules 3f2a90aa01, in use since ")
    assert "today's rules differ" in part
    assert f"account main, campaign {CAMPAIGN}" in part
    assert "name Ann Ray (lead.name[1])" in part
    assert "tags solar (lead.tags[0])" in part
    assert "bill 90 (routes[1].lead.custom_fields.bill)" in part
    bodies = " ".join(said.partition("What was sent for it\n")[2].partition("Payload")[0].split())
    body = {"phone": ANN, "name": "Ann Ray", "tags": ["solar"], "custom_fields": {"bill": 90}}
    assert bodies == f"1 {json.dumps(body)} 2 the same as 1"
    story = json.loads(stock.bridge("show", event_id, "--json").stdout)
    assert story["wanted"]["body"]["name"] == "Ann Ray"
    assert story["attempts"][0]["bodies"][0]["tags"] == ["solar"]

    stock.connection.execute("UPDATE events SET payload = x''")
    said = stock.bridge("show", event_id).stdout
    assert "  lead   gone with the payload" in said
    assert "What was sent for it" not in said
    assert stock.rows("SELECT COUNT(*) AS n FROM attempt_leads WHERE body IS NOT NULL") == [{"n": 0}]
    assert stock.rows("SELECT body, phone FROM event_leads") == [{"body": None, "phone": ""}]


def test_what_the_account_waits_for_is_what_status_says(stock):
    """One truth about pauses: the same words on both screens."""
    event_id = stock.queue("ann", ANN)
    stock.send(Unreachable("nobody there"), status=None, error="nobody there", ago=0.01)
    wait = re.compile(r"unreachable for \S+, tries again in \S+: nobody there")
    said, status = stock.bridge("show", event_id, columns=120).stdout, stock.bridge("status").stdout
    assert wait.search(said.partition("waits for")[2])
    assert wait.search(status)
    stock.connection.execute("DELETE FROM lanes")
    assert "waits for   the service isn't running" in stock.bridge("show", event_id).stdout
