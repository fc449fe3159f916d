"""`bridge status`: one screen, at every time."""

import json
import os
import time

import pytest

from bridge.outbox.outcome import Unauthorized, Unreachable
from bridge.store.database import owned
from tests.stocked import Stock

ANN, BEN = "+12025550101", "+12025550102"


@pytest.fixture
def stock(tmp_path):
    stock = Stock(tmp_path)
    yield stock
    stock.connection.close()


def test_before_anything_happened(stock):
    result = stock.bridge("status")

    assert result.exit_code == 0
    assert "not running: start it with `bridge serve`" in result.stdout
    assert "nothing yet" in result.stdout
    assert [line.split() for line in result.stdout.splitlines() if line.startswith(("  main", "  east"))] == [
        ["main", "0", "0", "0", "0", "100", "ok"],
        ["east", "0", "0", "0", "0", "100", "ok"],
    ]


def test_a_normal_day(stock):
    stock.deliver("ann", ANN, ago=86_400 * 3)
    stock.skip("bob")
    stock.die("carl")
    stock.deliver("ben", BEN, account="east", ago=30)
    with owned(stock.database):
        said = stock.bridge("status").stdout

    assert "running, process " in said
    lines = [line.split() for line in said.splitlines()]
    assert ["all", "0", "0", "2", "1", "0", "1"] in lines
    assert "no such phone" in said
    assert "  what to do" in said
    assert "oldest waiting" not in said


def test_while_fusion_is_away(stock):
    stock.queue("ann", ANN, ago=100)
    stock.queue("ben", BEN, ago=90)
    stock.send(Unreachable("nobody there"), status=None, error="nobody there", ago=0.01)

    said = stock.bridge("status").stdout

    assert f"oldest waiting  1m 40s: {ANN}, for main" in said
    (main,) = (line for line in said.splitlines() if line.startswith("  main"))
    assert main.split()[:6] == ["main", "1", "1", "0", "0", "100"]
    assert "unreachable: nobody there; tries again in" in main
    assert "main: unreachable: nobody there" in said


def test_a_refused_key(stock):
    stock.queue("ann", ANN)
    stock.send(Unauthorized("Invalid API key"), status=401, error="Invalid API key", ago=1)

    status = json.loads(stock.bridge("status", "--json").stdout)

    main = status["accounts"]["main"]
    assert (main["used"], main["left"], main["pause"]["reason"]) == (1, 99, "unauthorized")
    assert status["failed_request"]["what"] == "unauthorized (401): Invalid API key"
    assert status["oldest"]["phone"] == ANN
    assert status["oldest"]["since"].endswith("+00:00")
    assert status["database"]["owner"] is None
    assert status["total"]["queued"] == 1


def test_what_is_not_through_the_rules_waits_too(stock):
    stock.accept("ann", ago=200)

    assert "oldest waiting  3m 20s: not through the rules yet" in stock.bridge("status").stdout


def test_an_account_that_left_the_configuration_is_told(stock):
    stock.queue("ann", ANN, account="gone")

    said = stock.bridge("status").stdout

    assert "not in the configuration any more" in said


def test_what_to_do_about_a_refused_key(stock):
    stock.queue("ann", ANN)
    stock.send(Unauthorized("Invalid API key"), status=401, error="Invalid API key", ago=1)

    assert "into .env, then start the service" in stock.bridge("status").stdout
    with owned(stock.database):
        said = stock.bridge("status").stdout
    assert (
        f"  what to do  put the right key of main into .env, then reload: `kill -HUP {os.getpid()}`" in said
    )


@pytest.mark.parametrize(
    ("ahead", "said"),
    [(30, "waits for the limit: 100 requests in 60 s are spent; next in 30s"), (-30, "ok")],
)
def test_an_account_whose_window_is_full(stock, ahead, said):
    stock.connection.execute(
        "INSERT INTO lanes VALUES ('leads', 'main', 'limit', '100 requests in 60 s are spent', ?, ?)",
        (time.time() - 5, time.time() + ahead),
    )

    (main,) = (line for line in stock.bridge("status").stdout.splitlines() if line.startswith("  main"))

    assert main.endswith(said)


def test_an_exhausted_budget(stock):
    for number in range(3):
        stock.deliver(f"c{number}", f"+1202555010{number}", ago=50)
    stock.config.write_text(
        stock.config.read_text().replace("fusion:", "fusion:\n  leads_limit: {requests: 3, per: 60s}", 1)
    )

    (main,) = (line for line in stock.bridge("status").stdout.splitlines() if line.startswith("  main"))

    assert main.split() == ["main", "0", "0", "0", "3", "0", "waits", "for", "the", "limit"]


def test_no_database(tmp_path):
    stock = Stock(tmp_path)
    stock.connection.close()
    stock.database.unlink()

    assert stock.bridge("status").exit_code == 1


def test_it_fits_the_screen(stock):
    stock.queue("ann", ANN)
    stock.send(Unreachable("the connection to Fusion broke: RemoteProtocolError"), status=None, error="broke")
    stock.die("carl")

    lines = stock.bridge("status", columns=80).stdout.splitlines()

    assert max(map(len, lines)) <= 80 or str(stock.database) in max(lines, key=len)
    assert len(lines) <= 26
