"""Finding events by what people know, on a real database; and what follows of it: --follow, replay, close."""

import json
import time

import pytest

from bridge.cli import following
from bridge.model import Contact, Mapped
from bridge.store import event_words, wanted
from bridge.store.queries import Wanted
from tests.stocked import Stock

ANN, BEN = "+12025550101", "+12025550102"


@pytest.fixture
def stock(tmp_path):
    stock = Stock(tmp_path)
    people = [
        (Contact(name="Zoë O'Neil", email="Zoe.ONeil@example.com", phone="(202) 555-0101"), ANN),
        (Contact(first_name="Ann", last_name="Lee", email="ann@example.com", phone=BEN), BEN),
        (Contact(name="Anna Leeds", phone="555-0103"), ""),
        (Contact(name="Ann-Marie Berg", phone="0044 7700 900123"), "+447700900123"),
    ]
    stock.deliver("zoe", ANN, ago=4000)
    stock.queue("ann", BEN, ago=300)
    stock.die("anna", reason="phone •••03 has seven digits: the area code is missing", ago=200)
    stock.skip("marie", reason="filtered: already a customer", ago=100)
    for event_id, (contact, phone) in enumerate(people, 1):
        event_words.write(stock.connection, event_id, contact, phone)
        name = event_words.name_of(contact)
        wanted.write(stock.connection, event_id, Mapped(phone), "rules", name=name)
    yield stock
    stock.connection.close()


def found(stock, *options):
    result = stock.bridge("events", "--json", *options)
    assert result.exit_code == 0, result.output
    return " ".join(str(each["id"]) for each in json.loads(result.stdout))


@pytest.mark.parametrize(
    ("options", "ids"),
    [
        (["--name", "zoe"], "1"),
        (["--name", "ZOË"], "1"),
        (["--name", "O’Neil"], "1"),
        (["--name", "ann"], "4 3 2"),
        (["--name", "ann lee"], "3 2"),
        (["--name", "lee ann"], "3 2"),
        (["--name", "leeds"], "3"),
        (["--name", "berg"], "4"),
        (["--name", "nobody"], ""),
        (["--email", "ANN@example.com"], "2"),
        (["--email", "zoe."], "1"),
        (["--email", "example.com"], ""),
        (["--phone", "555-0103"], "3"),  # it couldn't be read
        (["--phone", "0103"], "3"),
        (["--phone", "202 555 0101"], "1"),
        (["--phone", "900123"], "4"),
        (["--phone", "+44 7700 900123"], "4"),
        (["--phone", "00447700900123"], "4"),  # as it was sent
        (["--reason", "AREA CODE"], "3"),
        (["--reason", "customer"], "4"),
        (["--reason", "nothing like it"], ""),
        (["--route", "solar"], "2 1"),
        (["--warned"], "2 1"),
        (["--warned", "--state", "queued"], "2"),
        (["--name", "ann", "--state", "dead"], "3"),
        (["--name", "ann", "--reason", "area code"], "3"),
        (["--name", "ann", "--email", "ann@"], "2"),
        (["--name", "ann", "--since", "150s"], "4"),
        (["--route", "solar", "--source", "workflow", "--since", "1h"], "2"),
        (["--reason", "customer", "--source", "forms"], ""),
    ],
)
def test_options_find(stock, options, ids):
    assert found(stock, *options) == ids


@pytest.mark.parametrize("options", [["--name", "…"], ["--name", "--"], ["--email", " "]])
def test_what_tells_nothing_is_refused(stock, options):
    result = stock.bridge("events", *options)
    assert result.exit_code == 2
    assert options[0] in result.stderr


def test_names_are_listed_and_warnings_marked(stock):
    for columns in (80, 120):
        said = stock.bridge("events", columns=columns).stdout
        assert max(map(len, said.splitlines())) <= columns
        assert "Zoë O'Neil" in said
        line = next(line for line in said.splitlines() if "Zoë" in line)
        assert line.split()[-2:] == ["!", "delivered"]


def test_what_was_said_of_a_person_goes_with_the_payload(stock):
    stock.connection.execute("UPDATE events SET payload = x'' WHERE id = 1")
    assert stock.rows("SELECT * FROM event_words WHERE event_id = 1") == []
    assert found(stock, "--name", "zoe") == ""
    event_words.write(stock.connection, 1, Contact(name="Zoë O'Neil"), ANN)
    assert found(stock, "--name", "zoe") == ""


def test_too_many_to_tell_apart_is_said(stock, monkeypatch):
    monkeypatch.setattr(event_words, "MOST", 2)
    result = stock.bridge("events", "--name", "a")
    assert (result.exit_code, "too many begin with 'a'" in result.stderr) == (2, True)
    assert found(stock, "--name", "ann leed") == "3"  # the rarer word tells them apart


def test_follow_prints_what_comes_and_what_changes(stock, capsys, monkeypatch):
    turns = iter(range(10))

    def wanted():
        turn = next(turns)
        if turn == 1:
            stock.skip("new", reason="no phone", ago=0)
        if turn == 2:
            stock.connection.execute(
                "UPDATE events SET state = 'dead', reason = 'x', settled_at = ? WHERE id = 2", (time.time(),)
            )
        return Wanted()

    monkeypatch.setattr(following, "EVERY_S", 0.0)
    following.follow_events(stock.connection, wanted, limit=2, json=False, turns=4)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[1] for line in lines] == ["3", "4", "5", "2"]
    assert lines[0].endswith("the area code is missing")
    assert "Ann Lee +12025550102: dead: x" in lines[-1]


def test_follow_as_json_is_a_line_each(stock, capsys):
    following.follow_events(stock.connection, Wanted, limit=50, json=True, turns=1)
    assert [json.loads(line)["id"] for line in capsys.readouterr().out.splitlines()] == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("options", "count"),
    [(["--reason", "area code"], "1 event"), (["--phone", "0103"], "1 event"), (["--phone", ANN], "1 event")],
)
def test_replay_by_reason_and_by_phone(stock, options, count):
    said = stock.bridge("replay", *options, "--dry-run")
    assert said.exit_code == 0, said.stderr
    assert said.stdout.startswith(count)


def test_a_dead_event_is_closed_and_comes_back(stock):
    assert stock.bridge("close", 3).stdout == "1 event closed\n"
    assert stock.state(3) == "skipped"
    assert found(stock, "--reason", "closed by hand") == "3"
    assert stock.bridge("replay", 3).exit_code == 0
    assert stock.state(3) == "received"


def test_close_by_what_they_have_in_common(stock):
    assert stock.bridge("close", "--reason", "area code").stdout == "1 event closed\n"
    again = stock.bridge("close", "--reason", "area code")
    assert (again.exit_code, "no such events" in again.stderr) == (1, True)


@pytest.mark.parametrize("args", [[], [3, "--reason", "x"]])
def test_close_is_told_which(stock, args):
    assert stock.bridge("close", *args).exit_code == 2


def test_only_the_dead_are_closed(stock):
    result = stock.bridge("close", 1, 2)
    assert (result.exit_code, "none of these is dead" in result.stderr) == (1, True)
    assert stock.state(1) == "delivered"
