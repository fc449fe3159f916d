"""`bridge status`: one screen, at every time."""

import json
import os
import re
import time

import pytest
from sqlite_utils import Database

from bridge.cli.status_accounts import _about
from bridge.config.saved import saved
from bridge.errors import StoreError
from bridge.outbox.budget import Told
from bridge.outbox.facts import UPDATE
from bridge.outbox.outcome import Exists, Throttled, Unauthorized, Unreachable
from bridge.store import loaded, spending
from bridge.store.database import owned
from bridge.store.migrations import migrations
from tests.stocked import Stock

ANN, BEN = "+12025550101", "+12025550102"


@pytest.fixture
def stock(tmp_path):
    stock = Stock(tmp_path)
    yield stock
    stock.connection.close()


def lines_of(stock, account="main"):
    """The row of an account, and what is told of it below the table."""
    lines = stock.bridge("status").stdout.splitlines()
    return [line for line in lines if line.startswith(f"  {account} ")]


def test_before_anything_happened(stock):
    result = stock.bridge("status")

    assert result.exit_code == 0
    assert "not running: start it with `bridge serve`" in result.stdout
    assert "nothing yet" in result.stdout
    assert [line.split() for line in result.stdout.splitlines() if line.startswith(("  main", "  east"))] == [
        ["main", "0", "0", "0", "0", "100", "-", "ok"],
        ["east", "0", "0", "0", "0", "100", "-", "ok"],
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
    main, story = lines_of(stock)
    assert main.split() == ["main", "0", "2", "0", "0", "100", "-", "paused"]
    assert re.fullmatch(r"  main  unreachable for 0(\.\d)?s, tries again in \S+: nobody there", story)
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


def test_what_to_do_about_a_refused_key_in_a_container(stock, monkeypatch):
    monkeypatch.setattr("bridge.store.status.owner", lambda _database: "process 1")
    stock.queue("ann", ANN)
    stock.send(Unauthorized("Invalid API key"), status=401, error="Invalid API key", ago=1)

    assert "then reload: `docker compose kill -s HUP bridge`" in stock.bridge("status").stdout


def test_a_full_disk(stock, monkeypatch):
    full = StoreError("the disk is full", fix="make room")
    monkeypatch.setattr("bridge.store.trouble.no_room", lambda _database: full)

    said = stock.bridge("status").stdout

    assert re.search(r"stores nothing +the disk is full\n +what to do +make room", said)


def test_fusion_asked_to_wait(stock):
    stock.queue("ann", ANN)
    stock.send(Throttled(30.0), status=429, ago=10)

    main, story = lines_of(stock)

    assert main.endswith("paused")
    assert re.fullmatch(r" +main  throttled for 1\ds, tries again in \d\ds: Fusion asked for 30 s", story)


def test_a_wait_that_is_over_is_no_pause(stock):
    stock.queue("ann", ANN)
    stock.send(Throttled(30.0), status=429, ago=40)

    with owned(stock.database):
        main, story = lines_of(stock)

    assert main.endswith("sends")
    assert story.split(None, 1)[1].startswith("drained within 1m (1 request); the oldest waits for 5")


def test_an_exhausted_budget(stock):
    for number in range(3):
        stock.deliver(f"c{number}", f"+1202555010{number}", ago=50)
    limit(stock, 3)

    (main,) = lines_of(stock)

    assert main.split() == ["main", "0", "0", "0", "3", "0", "1.0", "limit", "spent"]


def test_while_leads_wait_no_account_is_ok(stock):
    """Which limit binds, and that no service sends, is said instead."""
    for number in range(3):
        stock.deliver(f"c{number}", f"+1202555010{number}", ago=50)
    stock.queue("dan", "+12025550104", ago=10)
    (main, story) = lines_of(stock)
    assert main.endswith("waits for the service")
    assert "the service isn't running" in story

    limit(stock, 3)
    with owned(stock.database):
        (main, story) = lines_of(stock)
    assert main.endswith("waits for the limit")
    assert re.search(r"next request in \S+: all 3 requests of 1m are spent", story)

    limit(stock, 40)
    for _ in range(30):
        stock.deliver("ann", ANN, ago=1)
    stock.queue("dan", "+12025550105", ago=0.5)
    with owned(stock.database):
        (main, story) = lines_of(stock)
    assert main.endswith("paced")
    assert re.search(r"next request in \S+: requests are spread over 1m", story)


def test_what_fusions_own_headers_say(stock):
    stock.queue("ann", ANN)
    spending.write_told(stock.connection, "main", Told(60, 50, time.time() + 30))
    with owned(stock.database):
        (main, _) = lines_of(stock)
        assert main.split()[5] == "10"
        story = stock.bridge("status", columns=200).stdout
    assert "Fusion allows 60 requests in 1m, not 100; 50 requests are others' with this key" in story


def test_the_last_places_are_kept_for_do_not_call(stock):
    for _ in range(38):
        stock.deliver("ann", ANN, ago=50)
    limit(stock, 40)

    (main,) = lines_of(stock)

    assert main.split()[4:] == ["38", "2", "1.0", "limit", "spent"]


def test_how_long_it_takes_to_drain(stock):
    stock.deliver("ann", ANN, ago=50)
    for number in range(21):
        stock.queue(f"c{number}", f"+120255501{number:02}")
    limit(stock, 5)
    stock.connection.execute("UPDATE outbox SET priority = ?", (UPDATE,))

    with owned(stock.database):
        status = json.loads(stock.bridge("status", "--json").stdout)
        _, story = lines_of(stock)

    main = status["accounts"]["main"]
    assert (main["due"], main["requests"], main["used"], main["left"]) == (21, 21, 1, 4)
    assert main["drain_s"] == pytest.approx(17 * 60 / 5)
    assert main["leads_per_request"] == 1.0
    assert main["oldest"]["phone"] == "+12025550100"
    assert story.split(None, 1)[1].startswith("drained in about 3m (21 requests); the oldest waits for 5")
    assert status["accounts"]["east"]["drain_s"] == 0.0


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.6, "10s"),
        (44, "40s"),
        (96, "1m 40s"),
        (249, "4m"),
        (5000, "1h 23m"),
        (9000, "2h 30m"),
        (2e5, "2d 8h"),
    ],
)
def test_no_more_exact_than_an_estimate(seconds, said):
    assert _about(seconds) == said


def test_leads_a_request_are_those_of_the_last_ones(stock):
    stock.deliver("ann", ANN, ago=50)
    stock.deliver("ben", BEN, ago=40)
    stock.connection.execute("UPDATE attempts SET leads = 100 WHERE id = 1")
    stock.queue("ann", ANN, name="Ann Li")
    stock.send(Unreachable("nobody there"), status=None)
    stock.connection.execute("UPDATE attempts SET leads = 7, method = 'GET' WHERE id = 3")

    (main, _) = lines_of(stock)

    assert main.split()[6] == "50.5"


@pytest.mark.parametrize(("count", "told"), [(19, False), (20, True)])
def test_many_leads_that_fusion_had_already(stock, count, told):
    for _ in range(count):
        stock.queue("ann", ANN)
        stock.send(Exists("Phone exists"), status=409)

    said = stock.bridge("status").stdout

    assert ("  hint  20 requests met leads already in Fusion: `bridge adopt` learns them all" in said) == told


def test_what_was_met_last_week_is_no_hint(stock):
    for _ in range(20):
        stock.queue("ann", ANN, ago=7 * 86_400)
        stock.send(Exists("Phone exists"), status=409, ago=7 * 86_400 - 1)

    assert "hint" not in stock.bridge("status").stdout


def limit(stock, requests):
    config = stock.config.read_text()
    stock.config.write_text(
        config.replace("fusion:", f"fusion:\n  leads_limit: {{requests: {requests}, per: 60s}}", 1)
    )


def test_no_database(tmp_path):
    stock = Stock(tmp_path)
    stock.connection.close()
    stock.database.unlink()

    assert stock.bridge("status").exit_code == 1


def test_it_fits_the_screen(stock):
    broke = "the connection to Fusion broke: RemoteProtocolError"
    for account, contact, phone in (("main", "ann", ANN), ("east", "ben", BEN)):
        stock.deliver(contact, phone, account=account, ago=90)
        for number in range(20):
            stock.queue(f"{contact}{number}", phone, account=account)
            stock.send(Exists("Phone exists"), account=account, status=409)
        stock.queue(contact, phone, account=account)
        stock.send(Unreachable(broke), account=account, status=None, error=broke)
    reason = "the phone +1 202 555 can't be a number of the country US: it is too short for one"
    stock.die(
        "carl", reason=reason, fix="correct the contact in GHL, or default_region; then replay the event"
    )

    lines = stock.bridge("status", columns=80).stdout.splitlines()

    assert max(map(len, lines)) <= 80 or str(stock.database) in max(lines, key=len)
    assert len(lines) <= 24, "\n".join(lines)


def test_the_marks_of_erased_people_are_told_only_when_something_is_wrong(stock):
    assert stock.bridge("forget", ANN).exit_code == 0
    assert "erased people" not in stock.bridge("status").stdout
    told = json.loads(stock.bridge("status", "--json").stdout)["forgotten"]
    assert told == {"people": 1, "unfinished": 0, "unreadable": 0, "trouble": "", "fix": ""}

    stock.database.with_suffix(".key").unlink()
    said = stock.bridge("status").stdout
    assert "  no event goes on  do-not-call marks of erased people can't be read" in said
    assert "put bridge.key back" in said
    assert json.loads(stock.bridge("status", "--json").stdout)["forgotten"]["unreadable"] == 1


def test_a_file_that_is_not_loaded_yet(stock):
    loaded.write_loaded(stock.connection, saved(stock.config), "mark", time.time() - 60)
    with owned(stock.database):
        assert "configuration" not in stock.bridge("status").stdout
        stock.config.write_text(stock.config.read_text() + "\n")
        said = " ".join(stock.bridge("status").stdout.split())
    assert "configuration saved since the service read it 1m ago, and not loaded yet" in said
    assert f"what to do `bridge check`, then reload: `kill -HUP {os.getpid()}`" in said
    assert "configuration" not in stock.bridge("status").stdout  # the next start loads it


def test_a_refused_reload(stock):
    loaded.write_loaded(stock.connection, saved(stock.config), "mark", time.time() - 60)
    stock.break_config()
    problem = "line 9: retyr isn't a key here (and 1 more)"
    loaded.write_refused(stock.connection, saved(stock.config), problem, time.time() - 5)
    with owned(stock.database):
        said = " ".join(stock.bridge("status").stdout.split())
    assert re.search(rf"configuration refused \S+ ago: {re.escape(problem)}", said)
    document = json.loads(stock.bridge("status", "--json").stdout)
    assert "what to do `bridge check` shows how to mend it; then reload" in said
    assert (document["configuration"]["saved_since"], document["configuration"]["problem"]) == (True, problem)


def test_opt_outs_that_reached_nobody(stock):
    stock.die(reason="an opt-out that names nobody who is known: x", fix="find them")
    stock.die(reason="something else")
    assert "1 opt-out reached nobody" in stock.bridge("status").stdout


def test_why_events_were_skipped_today(stock):
    stock.skip("old", reason="stale", ago=2 * 86_400)
    for reason, count in (("unchanged", 3), ("no phone", 1), ("do not call", 2)):
        for number in range(count):
            stock.skip(f"{reason}{number}", reason=reason, ago=1)
    assert "  skipped today  3 unchanged, 2 do not call, 1 no phone\n" in stock.bridge("status").stdout
    for number in range(9):
        stock.skip(f"f{number}", reason=f"filtered: {number}", ago=1)
    assert "7 more reasons" in stock.bridge("status").stdout


@pytest.mark.parametrize("command", [("status",), ("show", 1), ("leads",), ("events",)])
def test_a_database_that_the_service_of_this_release_has_not_opened_yet(stock, command):
    stock.connection.close()
    for end in ("", "-wal", "-shm"):
        stock.database.with_name(stock.database.name + end).unlink(missing_ok=True)
    old = Database(str(stock.database))
    migrations.apply(old, stop_before="fusion_origins")
    old.conn.execute(
        "INSERT INTO events (source, body_hash, type, received_at, occurred_at, payload) "
        "VALUES ('workflow', 'h', 't', 1, 1, x'7b7d')"
    )
    old.conn.commit()
    old.conn.close()
    result = stock.bridge(*command)
    assert result.exit_code == 0, result.output
