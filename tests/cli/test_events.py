"""`bridge events`: which ones, told how."""

import json

import pytest

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
    assert lines[1].split()[3:] == ["forms", "updated", "dead:", "no", "such", "phone"]
    assert lines[2].endswith("skipped: filtered: already a customer")
    assert lines[3].split()[-2:] == [ANN, "queued"]
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
        ("--since 2020-01-01T12:00:00+02:00 --limit 1", "5 The"),
    ],
)
def test_options_choose(stock, options, ids):
    assert listed(stock.bridge("events", *options.split())) == ids.split()


@pytest.mark.parametrize(
    "options", ["--state deda", "--phone 12", "--phone abc", "--since soon", "--limit 0"]
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
