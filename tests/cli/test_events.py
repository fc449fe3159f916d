"""`bridge events`: which ones, told how."""

import json

import pytest

from bridge.cli.events import overtaken
from tests.stocked import Stock

ANN, BEN = "+12025550101", "+12025550102"


@pytest.fixture
def stock(tmp_path):
    stock = Stock(tmp_path)
    stock.deliver("ann", ANN, ago=86_400)
    stock.queue("ann", ANN, ago=300)
    stock.queue("ann", ANN, ago=200)
    stock.skip("bob", reason="filtered: already a customer", ago=100)
    stock.die("carl", source="forms", external_id="sub-1", ago=10)
    yield stock
    stock.connection.close()


def listed(result):
    assert result.exit_code == 0, result.output
    return [line.split()[0] for line in result.stdout.splitlines()[1:] if line]


def test_the_newest_come_first_with_their_fate(stock):
    result = stock.bridge("events")

    assert listed(result) == ["5", "4", "3", "2", "1"]
    lines = result.stdout.splitlines()
    assert lines[1].split()[3:] == ["forms", "updated", "carl", "dead:", "no", "such", "phone"]
    assert lines[0].split()[3:] == ["event", "name", "phone", "or", "contact", "state"]
    assert lines[2].endswith("skipped: filtered: already a customer")
    assert lines[3].split()[-3:] == [ANN, "!", "queued"]
    assert lines[4].endswith("superseded by 3")
    assert lines[5].endswith("delivered")


@pytest.mark.parametrize(
    ("options", "ids"),
    [
        ("--state dead", "5"),
        ("--state dead --state skipped", "5 4"),
        ("--phone (202)555-0101", "3 2 1"),
        ("--phone 0101 --state delivered", "1"),
        ("--phone 1-202-555-0101", "3 2 1"),
        ("--contact bob", "4"),
        ("--source forms", "5"),
        ("--since 1h", "5 4 3 2"),
        ("--since 2020-01-01", "5 4 3 2 1"),
        ("--since 2020-01-01T12:00:00+02:00 --limit 1", "5"),
        ("--limit 0", "5 4 3 2 1"),
    ],
)
def test_options_choose(stock, options, ids):
    assert listed(stock.bridge("events", *options.split())) == ids.split()


@pytest.mark.parametrize(
    "options", ["--state deda", "--phone 12", "--phone abc", "--since soon", "--limit -1"]
)
def test_what_can_not_be_understood_is_refused(stock, options):
    result = stock.bridge("events", *options.split())

    assert result.exit_code == 2
    assert options.split()[0] in result.stderr


def test_json(stock):
    first, *_, last = json.loads(stock.bridge("events", "--json").stdout)

    assert (first["id"], first["state"], first["reason"], first["source"]) == (
        5,
        "dead",
        "no such phone",
        "forms",
    )
    assert (last["phone"], last["contact_id"], last["location_id"]) == (ANN, "ann", "loc")
    assert last["received_at"].endswith("+00:00")
    assert json.loads(stock.bridge("events", "--phone", BEN, "--json").stdout) == []


def test_nothing_found_is_said(stock):
    assert stock.bridge("events", "--phone", BEN).stdout == "no such events\n"


def test_without_a_database(tmp_path):
    stock = Stock(tmp_path)
    stock.connection.close()
    stock.database.unlink()

    result = stock.bridge("events")

    assert result.exit_code == 1
    assert "there is no database" in result.stderr
    assert not stock.database.exists()


@pytest.mark.parametrize("columns", [80, 120])
def test_it_fits_the_screen(stock, columns):
    result = stock.bridge("events", columns=columns)

    assert max(map(len, result.stdout.splitlines())) <= columns
    assert ANN in result.stdout


def test_a_strangers_words_move_no_cursor(stock):
    stock.skip("eve", reason="filtered: \x1b[2Jgone", source="workflow", ago=1)

    assert "\x1b" not in stock.bridge("events").stdout


@pytest.mark.parametrize(("columns", "shown"), [(99, False), (100, True)])
def test_who_it_is_about_where_no_phone_is_known(stock, columns, shown):
    assert ("carl" in stock.bridge("events", columns=columns).stdout) is shown


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_a_part_is_not_taken_for_the_whole(stock, options):
    assert stock.bridge("events", "--limit", 2, *options).stderr == "2 of 5; --limit 0 shows all\n"
    assert stock.bridge("events", "--limit", 5, *options).stderr == ""
    assert len(json.loads(stock.bridge("events", "--limit", 2, "--json").stdout)) == 2


def test_more_than_anybody_counts(stock, monkeypatch):
    monkeypatch.setattr("bridge.store.queries.COUNTED", 4)

    assert stock.bridge("events", "--limit", 1).stderr == "1 of 4 or more; --limit 0 shows all\n"


def test_what_an_opt_out_took_back(stock):
    newer = stock.opt_out("ann", ANN)

    said = stock.bridge("events", "--phone", ANN).stdout.splitlines()

    assert said[1].endswith("skipped: do not call")
    assert said[2].endswith(f"withdrawn: event {newer} says do not call")
    assert said[3].endswith("superseded by 3")
    assert f"  withdrawn  event {newer} says do not call" in stock.bridge("show", 3).stdout


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("deleted", "withdrawn: event 7 says that the contact was deleted"),
        ("filtered: a customer", "withdrawn: event 7 was filtered: a customer"),
        ("unchanged", ""),
        ("", ""),
    ],
)
def test_what_a_newer_event_did(reason, said):
    assert overtaken(7, reason) == said
