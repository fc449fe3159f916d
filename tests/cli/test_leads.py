"""`bridge leads`: the mapping table."""

import json

import pytest
from rich.cells import cell_len

from tests.stocked import CAMPAIGN, Stock

ANN, BEN = "+12025550101", "+12025550102"
LEAD_ID = "0b1e7f6d-93a4-4a93-8b4f-6f4ed5c1a111"


@pytest.fixture
def stock(tmp_path):
    stock = Stock(tmp_path)
    stock.deliver("ann", ANN, name="Ann Lee")
    stock.deliver("ben", BEN, name="Ben Fox", account="east", campaign=CAMPAIGN)
    stock.queue("ben", BEN, account="east", campaign=CAMPAIGN, blocked=True)
    stock.connection.execute("UPDATE lead_map SET lead_id = ?", (LEAD_ID,))
    yield stock
    stock.connection.close()


def phones(result):
    assert result.exit_code == 0, result.output
    return {line.split()[0] for line in result.stdout.splitlines()[1:]}


def test_off_a_terminal_everything_is_whole(stock):
    ann, ben = sorted(stock.bridge("leads").stdout.splitlines()[1:])

    assert ann.split()[:6] == [ANN, "Ann", "Lee", "main", "Default", "Feed"]
    assert ann.endswith("created")
    assert ben.split()[3:7] == ["east", CAMPAIGN, LEAD_ID, "ben"]
    assert ben.endswith("never")


@pytest.mark.parametrize(
    ("options", "found"),
    [
        (("--phone", "202-555-0101"), {ANN}),
        (("--phone", "0102"), {BEN}),
        (("--account", "east"), {BEN}),
        (("--blocked",), {BEN}),
    ],
)
def test_options_choose(stock, options, found):
    assert phones(stock.bridge("leads", *options)) == found


def test_nothing_found_is_said(stock):
    assert stock.bridge("leads", "--phone", "0199").stdout == "no such leads\n"


def test_json(stock):
    ben = json.loads(stock.bridge("leads", "--blocked", "--json").stdout)[0]

    assert (ben["phone"], ben["contacts"], ben["do_not_call"], ben["body"]["name"]) == (
        BEN,
        ["ben"],
        True,
        "Ben Fox",
    )
    assert ben["delivered_at"].endswith("+00:00")


@pytest.mark.parametrize(
    ("columns", "whole"),
    [(60, "delivered"), (80, "0b1e7f…"), (100, "created"), (120, "created")],
)
@pytest.mark.parametrize(
    "name", ["Ben Fox", "Benjamin Alexander Fox-Wolverhampton of Nether Wallop", "李" * 40]
)
def test_a_lead_is_a_line_on_every_screen(stock, name, columns, whole):
    stock.connection.execute("UPDATE lead_map SET body = json_set(body, '$.name', ?)", (name,))

    said = stock.bridge("leads", columns=columns).stdout

    assert max(map(cell_len, said.splitlines())) <= columns
    assert len(said.splitlines()) == 3
    assert ("…" if len(name) > 20 else name) in said
    for each in (ANN, BEN, "never", *([whole] if name == "Ben Fox" else [])):
        assert each in said


def test_the_limit_is_told(stock):
    assert stock.bridge("leads", "--limit", 1).stderr == "1 of 2; --limit 0 shows all\n"
    assert stock.bridge("leads", "--limit", 1, "--json").stderr == "1 of 2; --limit 0 shows all\n"
    assert stock.bridge("leads", "--limit", 1, "--blocked").stderr == ""
    assert phones(stock.bridge("leads", "--limit", 0)) == {ANN, BEN}
