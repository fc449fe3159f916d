"""`bridge replay`: what goes back, what is left alone, and what is only counted."""

import pytest

from bridge.cli import replay
from bridge.store import events
from bridge.store.database import owned
from tests.stocked import Stock

ANN = "+12025550101"


@pytest.fixture
def stock(tmp_path):
    """1 delivered, 2 skipped, 3 and 4 dead, 5 queued, 6 received."""
    stock = Stock(tmp_path)
    stock.deliver("ann", ANN, ago=9000)
    stock.skip("bob", ago=8000)
    stock.die("carl", ago=7200)
    stock.die("dan", source="forms", external_id="s-1", ago=300)
    stock.queue("eve", "+12025550105", ago=100)
    stock.accept("fay", ago=90)
    yield stock
    stock.connection.close()


def states(stock):
    return [row["state"] for row in stock.rows("SELECT state FROM events ORDER BY id")]


BEFORE = ["delivered", "skipped", "dead", "dead", "queued", "received"]


def test_by_ids(stock):
    result = stock.bridge("replay", 1, 3)

    assert result.exit_code == 0
    assert result.stdout.startswith("2 events go through the rules again; no service is running")
    assert states(stock) == ["received", "skipped", "received", "dead", "queued", "received"]
    assert stock.rows("SELECT SUM(forced) AS forced FROM events") == [{"forced": 0}]


def test_with_force(stock):
    stock.bridge("replay", 1, "--force")

    assert stock.rows("SELECT forced FROM events WHERE id = 1") == [{"forced": 1}]


def test_by_options(stock):
    result = stock.bridge("replay", "--state", "dead", "--since", "1h")

    assert result.stdout.startswith("1 event goes")
    assert states(stock) == ["delivered", "skipped", "dead", "received", "queued", "received"]


def test_by_source_only_what_is_settled(stock):
    assert stock.bridge("replay", "--source", "workflow").stdout.startswith("3 events go")


def test_the_running_service_is_named(stock):
    with owned(stock.database):
        assert "the running service picks it up within a second" in stock.bridge("replay", 3).stdout


def test_a_dry_run_writes_nothing(stock):
    result = stock.bridge("replay", "--state", "dead", "--state", "delivered", "--dry-run")

    assert result.exit_code == 0
    assert "3 events go through the rules again, about 3 people." in result.stdout
    assert "up to 3 requests" in result.stdout
    assert states(stock) == BEFORE


def test_a_dry_run_tells_how_long_the_limit_takes(stock, monkeypatch):
    many = list(range(1, 251))
    monkeypatch.setattr(replay, "settled_of", lambda *_: many)

    assert "up to 250 requests to Fusion, one an event; at the limit that takes 3m." in (
        stock.bridge("replay", "--state", "dead", "--dry-run").stdout
    )


def test_waiting_ones_are_told_and_left_alone(stock):
    result = stock.bridge("replay", 3, 5, 6)

    assert result.exit_code == 0
    assert result.stderr == "event 5 waits already (queued)\nevent 6 waits already (received)\n"
    assert states(stock) == ["delivered", "skipped", "received", "dead", "queued", "received"]


@pytest.mark.parametrize(
    ("options", "status", "words"),
    [
        ("5 6", 1, "nothing to replay"),
        ("3 77 78", 1, "there is no event 77, 78"),
        ("--state superseded", 1, "no such events"),
        ("--state dead --since 1s", 1, "no such events"),
        ("", 2, "which events?"),
        ("3 --state dead", 2, "not both"),
        ("--state queued", 2, "waits already"),
        ("--since tomorrow", 2, "is no time"),
        ("three", 2, "ID"),
    ],
)
def test_what_is_refused_changes_nothing(stock, options, status, words):
    result = stock.bridge("replay", *options.split())

    assert result.exit_code == status
    assert words in result.stderr
    assert states(stock) == BEFORE


def empty(stock, *ids):
    for each in ids:
        stock.connection.execute("UPDATE events SET payload = x'' WHERE id = ?", (each,))


def test_what_has_no_payload_any_more_is_told_and_left_alone(stock):
    empty(stock, 1, 3)
    by_id = stock.bridge("replay", 1, 2)
    by_options = stock.bridge("replay", "--state", "dead", "--state", "delivered")

    assert by_id.stdout.startswith("1 event goes")
    assert by_id.stderr == "event 1 can't be replayed: its payload is gone (retention.payloads, or forget)\n"
    assert by_options.stdout.startswith("1 event goes")
    assert (
        by_options.stderr
        == "2 events can't be replayed: their payloads are gone (retention.payloads, or forget)\n"
    )
    assert states(stock) == ["delivered", "received", "dead", "received", "queued", "received"]


def test_a_dry_run_counts_only_what_has_a_payload(stock):
    empty(stock, 3)

    result = stock.bridge("replay", "--state", "dead", "--dry-run")

    assert result.stdout.startswith("1 event goes through the rules again, about 1 person.")
    assert result.stderr.startswith("1 event can't be replayed: its payload is gone")


@pytest.mark.parametrize("options", ["3", "--state dead"])
def test_where_nothing_is_left_it_says_what_to_do(stock, options):
    empty(stock, 3, 4)

    result = stock.bridge("replay", *options.split(), "--force")

    assert result.exit_code == 1
    assert "nothing to replay\nfix: GHL can send them again" in result.stderr
    assert states(stock) == BEFORE


def test_one_that_is_emptied_meanwhile_never_waits_for_rules(stock):
    empty(stock, 3)

    assert events.replay(stock.connection, [3, 4], force=True) == 1
    assert states(stock) == ["delivered", "skipped", "dead", "received", "queued", "received"]


def test_many_go_in_several_transactions(stock, monkeypatch):
    monkeypatch.setattr(replay, "BATCH", 3)
    for number in range(10):
        stock.skip(f"more-{number}")

    assert stock.bridge("replay", "--state", "skipped").stdout.startswith("11 events go")
    assert states(stock).count("skipped") == 0


def test_a_locked_database_is_said_in_words(stock, monkeypatch):
    monkeypatch.setattr("bridge.store.queries.BUSY_S", 0.05)
    stock.connection.execute("BEGIN IMMEDIATE")

    result = stock.bridge("replay", 3)

    assert result.exit_code == 1
    assert "can't write the database" in result.stderr
    stock.connection.execute("ROLLBACK")
