"""What only looks at the database does so while the configuration has mistakes, as the service goes on."""

import json

import pytest
from typer.testing import CliRunner

from bridge.cli import app
from bridge.cli.configured import outline
from bridge.errors import ConfigError
from tests.stocked import Stock

ANN = "+12025550101"
WARNING = "has 2 problems, `bridge check` shows them\n"


@pytest.fixture
def stock(tmp_path):
    stock = Stock(tmp_path)
    stock.deliver("ann", ANN)
    yield stock
    stock.connection.close()


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("events", "--phone", "(202) 555-0101"), ANN),
        (("show", 1), "Event 1: delivered"),
        (("leads", "--phone", "202 555 0101"), ANN),
        (("status",), "requests in 1m each"),
        (("replay", 1, "--dry-run"), "1 event goes"),
        (("replay", 1), "1 event goes"),
    ],
)
def test_looking_goes_on(stock, args, said):
    stock.break_config()

    result = stock.bridge(*args)

    assert result.exit_code == 0
    assert said in result.stdout
    assert result.stderr == f"warning: {stock.config} {WARNING}"


@pytest.mark.parametrize("command", ["check", "serve"])
def test_what_needs_the_rules_is_refused(stock, command):
    stock.break_config()

    assert stock.bridge(command).exit_code == 2


def test_a_right_one_is_not_warned_of(stock):
    assert stock.bridge("events").stderr == ""


def test_status_leaves_out_what_it_cannot_know(stock):
    text = "fusion: {leads_limit: {requests: many}, accounts: nobody}\nsources: {}\n"
    stock.config.write_text(text)

    result, as_json = stock.bridge("status"), stock.bridge("status", "--json")

    assert "spent" not in result.stdout
    assert "not in the configuration" not in result.stdout
    assert "Accounts\n" in result.stdout
    stock.queue("ben", "+12025550102")
    main = json.loads(stock.bridge("status", "--json").stdout)["accounts"]["main"]
    assert (main["due"], main["used"], main["left"]) == (1, None, None)
    assert as_json.exit_code == 0


def test_the_environment_is_filled_in(tmp_path, monkeypatch):
    monkeypatch.setenv("FOLDER", "elsewhere")
    path = tmp_path / "config.yaml"
    path.write_text("database: ${FOLDER}/${NAME}\ndefault_region: gb\nfusion: {accounts: {a: {}, b: {}}}\n")
    (tmp_path / ".env").write_text("NAME=x.db\n")

    found = outline(path)

    assert (found.database, found.default_region) == (tmp_path / "elsewhere/x.db", "GB")
    assert (found.accounts, found.limit.requests) == (("a", "b"), 100)


@pytest.mark.parametrize(
    ("text", "database"),
    [
        ("fusion:\n\taccounts: {}\n", "data/bridge.db"),
        ("# database: other.db\nfusion: {\n", "data/bridge.db"),
        ("database: 'my.db'  # here\nfusion: {\n", "my.db"),
        ("fusion: [\ndatabase: my.db\ndefault_region: XX\n", "my.db"),
    ],
)
def test_one_that_is_no_yaml_still_says_where_the_database_is(tmp_path, text, database):
    path = tmp_path / "config.yaml"
    path.write_text(text)

    found = outline(path)

    assert (found.database, found.default_region) == (tmp_path / database, "US")
    assert (found.accounts, found.limit is None) == ((), True)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        "database: ${NOT_SET_ANYWHERE}\nfusion: {}\n",
        "database: [a]\nfusion: {}\n",
        "database:\nfusion: {}\n",
        "database: 'my.db\nfusion: {\n",
        "{database: my.db, fusion: {\n",
    ],
)
def test_better_no_database_than_another_one(tmp_path, text):
    path = tmp_path / "config.yaml"
    path.write_text(text)

    with pytest.raises(ConfigError):
        outline(path)


def test_no_file(tmp_path):
    result = CliRunner().invoke(app, ["events", "-c", str(tmp_path / "config.yaml")])

    assert result.exit_code == 2
    assert "no such file" in result.stderr
