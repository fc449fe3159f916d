"""`bridge events --refused`, and what an empty list says: "I pasted the URL, and nothing comes"."""

import json
import time

import pytest

from bridge.store.refusals import Count, Refused, add, forget_sample
from tests.stocked import Stock


@pytest.fixture
def stock(tmp_path):
    stock = Stock(tmp_path)
    yield stock
    stock.connection.close()


def refuse(stock):
    now = time.time()
    counts = {
        (source, outcome): Count(source, outcome, count, reason, now)
        for source, outcome, count, reason in (
            ("workflow", "malformed", 2, "the body is not JSON: Expecting value"),
            ("", "unknown source", 1, "a URL that nearly names the source 'workflow'"),
        )
    }
    body = b'{"contact_id": "ann", "full_name": "Ann "Annie" Lee\x1b[31m"}'
    kept = Refused("workflow", "malformed", "the body is not JSON", now, "application/json", len(body), body)
    add(stock.connection, counts, [kept])


def test_nothing_was_refused(stock):
    assert stock.bridge("events", "--refused").stdout == "nothing was refused or ignored\n"
    assert stock.bridge("events").stdout == "no events yet\n"


def test_an_empty_list_says_what_came_instead_and_what_to_do(stock):
    refuse(stock)
    said = stock.bridge("events").stdout
    assert said.startswith("no events yet\nBut requests came that are no events:\n")
    assert "workflow" in said
    assert "malformed: `bridge events --refused` shows what came" in said
    assert "unknown source: paste the URL that `bridge check` prints" in said
    assert "no such events" in stock.bridge("events", "--source", "forms").stdout
    said = stock.bridge("status").stdout
    assert "workflow malformed 2; unknown source 1" in said
    assert " ago, malformed: the body is not JSON" in said
    found = json.loads(stock.bridge("status", "--json").stdout)["not_events"]
    assert [(each["source"], each["outcome"], each["count"]) for each in found] == [
        ("workflow", "malformed", 2),
        ("", "unknown source", 1),
    ]
    assert all(each["last_at"].endswith("Z") or "+" in each["last_at"] for each in found)


def test_the_requests_are_shown_without_what_could_move_the_cursor(stock):
    refuse(stock)
    said = stock.bridge("events", "--refused").stdout
    assert 'Ann "Annie" Lee' in said
    assert "\x1b" not in said
    found = json.loads(stock.bridge("events", "--refused", "--json").stdout)
    assert [each["count"] for each in found["counts"]] == [2, 1]
    assert found["requests"][0]["reason"] == "the body is not JSON"
    assert stock.bridge("events", "--refused", columns=80).exit_code == 0


def test_the_sample_goes_by_its_age_and_whole(stock):
    refuse(stock)
    assert forget_sample(stock.connection, before=time.time() - 60) == 0
    assert forget_sample(stock.connection) == 1
    assert json.loads(stock.bridge("events", "--refused", "--json").stdout)["requests"] == []
