"""`bridge forget`: what it asks, does and says, on a terminal and off it, with a service and without."""

import base64
import json
import os
import pty
import re
import sqlite3
import subprocess
import sys
import time

import pytest

from bridge.model import Contact
from bridge.outbox.facts import Decision
from bridge.store import claiming, event_words
from bridge.store.database import owned
from bridge.store.refusals import Refused, add
from bridge.store.secret_key import key_file
from tests.stocked import BUDGET, CAMPAIGN
from tests.store.test_forgetting import ANN, BOB, Town

ANYHOW = "(202) 555-0101"


@pytest.fixture
def town(tmp_path):
    town = Town(tmp_path)
    town.has("ann", ANN)
    town.has("bob", BOB)
    yield town
    town.connection.close()


def phones(town):
    return {
        row["phone"] for row in town.rows("SELECT phone FROM lead_map UNION SELECT phone FROM contact_map")
    }


def test_a_person_goes_and_it_says_what_a_human_has_to_do(town):
    town.wants("ann", ANN, campaign=CAMPAIGN)
    result = town.bridge("forget", ANYHOW)

    assert result.exit_code == 0, result.stderr
    assert result.stdout.splitlines() == [
        "Of +1202•••0101 there is",
        "  events              2",
        "  contacts            1",
        "  leads in Fusion     1",
        "  waiting to be sent  1",
        "  requests            1",
        "",
        "Fusion still has these leads, and may call them. Delete them there; the bridge can't:",
        "account  campaign      lead",
        "main     Default Feed  lead-1",
        "",
        "The bridge sends nothing of them any more: whatever comes is skipped, and not kept.",
        "  events emptied              2",
        "  taken back from the outbox  1",
        "Nothing of them is left in the database, its log, or its free pages.",
        "Copies made before still hold them, and logs their masked numbers. Delete the contact in GHL, too.",
    ]
    assert phones(town) == {BOB}
    assert b"2025550101" not in town.raw()


def test_no_number_name_or_address_is_shown(town):
    town.has("ann", "+12025550107")
    town.has("ann", ANN)
    said = town.bridge("forget", ANYHOW)
    as_json = town.bridge("forget", BOB, "--json")
    for text in (said.stdout, said.stderr, as_json.stdout, as_json.stderr):
        digits = re.sub(r"\D", "", text)
        assert "2025550101" not in digits
        assert "2025550107" not in digits
        assert "Ives" not in text
        assert "@" not in text


def test_a_dry_run_writes_nothing_and_makes_no_key(town):
    before = town.everything()
    result = town.bridge("forget", ANYHOW, "--dry-run")
    assert result.exit_code == 0
    assert result.stdout.startswith("Of +1202•••0101 there is\n  events           1\n")
    assert json.loads(town.bridge("forget", ANN, "--dry-run", "--json").stdout)["events"] == 1
    assert town.everything() == before
    assert not key_file(town.database).exists()


def test_as_data(town):
    town.wants("ann", ANN, campaign=CAMPAIGN)
    claiming.claim(town.connection, "main", budget=BUDGET, room=1, now=2e9)
    result = town.bridge("forget", ANN, "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout) == {
        "dry_run": False,
        "events": 2,
        "contacts": 1,
        "phones": 1,
        "waiting": 1,
        "requests": 2,
        "leads_in_fusion": [{"account": "main", "campaign_id": "", "lead_id": "lead-1"}],
        "contacts_with_another_phone_now": 0,
        "marked_before": False,
        "withdrawn": 1,
        "events_emptied": 2,
        "others_redacted": 0,
        "entries_redacted": 0,
        "shared_emails": 0,
        "perhaps_in_fusion": [{"account": "main", "campaign_id": CAMPAIGN}],
        "file_written_anew": False,
        "clean": True,
    }


def test_somebody_unknown_is_marked_and_it_says_so(town):
    result = town.bridge("forget", "+1 202 555 0199")
    assert result.exit_code == 0
    assert result.stdout.startswith("+1202•••0199 is unknown here: nothing is stored of it.\n")
    assert len(town.rows("SELECT * FROM forgotten")) == 1
    again = town.bridge("forget", "+1 202 555 0199")
    assert again.exit_code == 0
    assert again.stdout.startswith("+1202•••0199 was erased before: nothing is stored of it.\n")


def test_requests_that_were_refused_go_whoever_is_erased(town):
    """What they hold can't be read: nobody knows whom they name."""
    body = b'{"phone": "(202) 555-0199", "full_name": "Ida "Idi" Moss"}'
    kept = Refused("workflow", "malformed", "the body is not JSON", time.time(), "", len(body), body)
    add(town.connection, {}, [kept])
    assert town.bridge("forget", "--yes", "202-555-0199").exit_code == 0
    assert town.rows("SELECT * FROM refused_bodies") == []
    for file in town.config.parent.glob("*.db*"):
        assert b"Moss" not in file.read_bytes(), file


def test_who_had_the_phone_once_is_told(town):
    town.has("cam", ANN)
    town.has("cam", "+12025550108")
    result = town.bridge("forget", ANYHOW)
    assert "A contact had this phone once and has another now" in result.stdout
    assert "cam" in {row["contact_id"] for row in town.rows("SELECT contact_id FROM contact_map")}


def test_a_lead_on_its_way_is_told(town):
    town.wants("ann", ANN, campaign=CAMPAIGN)
    claiming.claim(town.connection, "main", budget=BUDGET, room=1, now=2e9)
    said = town.bridge("forget", ANYHOW).stdout
    assert f"Look for their phone in Fusion, and delete it there: main, {CAMPAIGN}." in said


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ((), "whom"),
        (("555-0101",), "phone •••01"),
        (("nobody",), "holds no digits"),
        ((ANN, "--drop-unreadable"), "name no phone"),
        ((ANN, "--lift", "--dry-run"), "only one"),
    ],
)
def test_what_can_t_be_meant_is_wrong_usage(town, args, said):
    result = town.bridge("forget", *args)
    assert result.exit_code == 2
    assert said in result.stderr
    assert town.rows("SELECT * FROM forgotten") == []


def test_without_a_database_there_is_nobody_to_forget(town):
    town.connection.close()
    for file in town.database.parent.iterdir():
        file.unlink()
    result = town.bridge("forget", ANN)
    assert (result.exit_code, "there is no database" in result.stderr) == (1, True)
    assert list(town.database.parent.iterdir()) == []
    town.connection = sqlite3.connect(":memory:")


# The mark


def test_a_mark_is_lifted_once(town):
    town.bridge("forget", ANN)
    lifted = town.bridge("forget", ANYHOW, "--lift")
    assert (lifted.exit_code, "the next event" in lifted.stdout) == (0, True)
    assert town.rows("SELECT * FROM forgotten") == []
    again = town.bridge("forget", ANYHOW, "--lift")
    assert (again.exit_code, "this phone isn't marked" in again.stderr) == (1, True)
    assert json.loads(town.bridge("forget", BOB, "--lift", "--json").stdout) == {"lifted": False}


def lose_key(town):
    key_file(town.database).unlink()


def test_without_its_key_nothing_is_marked_lifted_or_hidden(town):
    town.bridge("forget", ANN)
    lose_key(town)
    for args in ((BOB,), (ANN, "--lift"), (BOB, "--dry-run")):
        result = town.bridge("forget", *args)
        assert result.exit_code == 1
        assert "do-not-call marks of erased people can't be read" in result.stderr
        assert "put bridge.key back" in result.stderr
    assert BOB in phones(town)
    assert not key_file(town.database).exists()


def test_marks_whose_key_is_lost_can_be_dropped(town):
    town.bridge("forget", ANN)
    assert "nothing was taken away" in town.bridge("forget", "--drop-unreadable").stdout
    lose_key(town)
    result = town.bridge("forget", "--drop-unreadable")
    assert (result.exit_code, "2 marks taken away" in result.stdout) == (0, True)
    assert town.rows("SELECT * FROM forgotten") == []
    assert json.loads(town.bridge("forget", "--drop-unreadable", "--json").stdout) == {"dropped": 0}


def test_a_key_that_others_may_read_is_told(town):
    town.bridge("forget", ANN)
    key_file(town.database).chmod(0o640)
    result = town.bridge("forget", BOB)
    assert result.exit_code == 0
    assert f"chmod 600 {key_file(town.database)}" in result.stderr


def test_no_key_is_ever_shown(town):
    town.bridge("forget", ANN)
    secret = key_file(town.database).read_text().strip()
    key_file(town.database).write_text(f"{secret}\n{secret}x\n")
    for args in ((ANN,), (ANN, "--lift"), (ANN, "--dry-run"), (ANN, "--json"), ("--drop-unreadable",)):
        result = town.bridge("forget", *args)
        assert result.exit_code == 1
        assert "line 2: this is no key" in result.stderr
        assert secret not in result.output
    assert secret not in town.bridge("status").output
    assert secret.encode() not in town.raw()
    assert base64.urlsafe_b64decode(secret) not in town.raw()


# Beside a service


def test_with_a_service_a_request_under_way_is_waited_for(town, monkeypatch):
    monkeypatch.setattr("bridge.worker.forgetting.PATIENCE_S", 0.0)
    town.wants("ann", ANN, campaign=CAMPAIGN)
    claiming.claim(town.connection, "main", budget=BUDGET, room=1, now=2e9)
    with owned(town.database):
        result = town.bridge("forget", ANN)
    assert result.exit_code == 1
    assert "a request with a lead of theirs is still under way; nothing new is sent" in result.stderr
    assert "fix: run it again in a minute" in result.stderr
    assert town.rows("SELECT 1 FROM outbox") != []
    assert ANN in phones(town)
    assert town.bridge("forget", ANN).exit_code == 0  # it is gone meanwhile
    assert phones(town) == {BOB}


def test_it_settles_while_it_is_waited_for(town, monkeypatch):
    town.wants("ann", ANN, campaign=CAMPAIGN)

    def answer(_seconds):
        if town.rows("SELECT 1 FROM outbox WHERE sent_version IS NOT NULL"):
            town.connection.execute(
                "UPDATE outbox SET sent_version = NULL, sent_event_id = NULL, attempt_id = NULL"
            )

    claiming.claim(town.connection, "main", budget=BUDGET, room=1, now=2e9)
    monkeypatch.setattr("bridge.worker.forgetting.time.sleep", answer)
    with owned(town.database):
        result = town.bridge("forget", ANN)
    assert result.exit_code == 0, result.stderr
    assert "waiting for a request that is under way" in result.stderr
    assert town.rows("SELECT 1 FROM outbox") == []


def remnants(town):
    """As a release before this one left them."""
    town.connection.execute("PRAGMA secure_delete = OFF")
    for number in range(100):
        town.has(f"p{number}", f"+1202555{1000 + number}")
    town.connection.execute("DELETE FROM attempt_leads")
    town.connection.execute("DELETE FROM lead_map")
    town.connection.execute("UPDATE events SET payload = x'', phone = ''")
    town.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert b"2025550101" in town.raw()


def test_what_older_releases_left_is_written_over_beside_a_service_where_the_file_is_small(town):
    remnants(town)
    with owned(town.database):
        result = town.bridge("forget", ANN)
    assert result.exit_code == 0, result.stderr
    assert "  the file        written anew" in result.stdout
    assert b"2025550101" not in town.raw()


def test_and_where_it_isn_t_it_says_what_to_do(town, monkeypatch):
    remnants(town)
    monkeypatch.setattr("bridge.store.vacuum.SMALL", 1000)
    with owned(town.database):
        result = town.bridge("forget", ANN)
        assert result.exit_code == 1
        assert "Nothing of them is left" not in result.stdout
        assert "while the service runs it can't be written anew" in result.stderr
        assert "systemctl stop bridge" in result.stderr
        assert "1 erasure" in town.bridge("status").stdout
    assert town.bridge("forget", ANN).exit_code == 0
    assert b"2025550101" not in town.raw()
    assert "erasure" not in town.bridge("status").stdout


def test_a_backup_under_way_is_told(town, monkeypatch):
    monkeypatch.setattr("bridge.worker.forgetting.FLUSH_S", 0.0)
    monkeypatch.setattr("bridge.store.remnants.LOCKED_S", 0.05)
    other = sqlite3.connect(town.database, isolation_level=None)
    other.execute("BEGIN")
    other.execute("SELECT COUNT(*) FROM events").fetchone()
    result = town.bridge("forget", ANN)
    assert result.exit_code == 1
    assert "another program reads" in result.stderr
    other.close()
    assert town.bridge("forget", ANN).exit_code == 0


# On a terminal


def on_terminal(town, *args, answer):
    first, second = pty.openpty()
    command = [
        sys.executable,
        "-c",
        "from bridge.cli import main; main()",
        "forget",
        *args,
        "-c",
        town.config,
    ]
    process = subprocess.Popen(command, stdin=second, stdout=second, stderr=second, env={**os.environ})
    os.close(second)
    os.write(first, answer.encode())
    said = b""
    while True:
        try:
            part = os.read(first, 4096)
        except OSError:
            break
        if not part:
            break
        said += part
    os.close(first)
    return process.wait(), said.decode()


@pytest.mark.parametrize(
    ("args", "answer", "status", "gone"),
    [((ANN,), "n\n", 1, False), ((ANN,), "y\n", 0, True), ((ANN, "--yes"), "", 0, True)],
)
def test_on_a_terminal_it_shows_first_and_asks(town, args, answer, status, gone):
    ended, said = on_terminal(town, *args, answer=answer)
    assert ended == status, said
    assert ("Erase all of it?" in said) == ("--yes" not in args)
    assert "Of +1202•••0101 there is" in said
    assert (phones(town) == {BOB}) == gone
    assert bool(town.rows("SELECT * FROM forgotten")) == gone


def test_replaying_what_was_erased_is_refused(town):
    town.bridge("forget", ANN)
    result = town.bridge("replay", "1")
    assert (result.exit_code, "its payload is gone" in result.stderr) == (1, True)
    assert "Event 1: delivered" in town.bridge("show", "1").stdout


def test_what_had_no_end_yet_says_why_it_has_one_now(town):
    event_id = town.accept("ann", body=town.body("ann", ANN))
    dead = town.accept("ann", body=town.body("ann", ANN))
    town.decide(dead, Decision("dead", "no name", "mend it"), ANN)
    town.bridge("forget", ANN)
    assert town.bridge("show", event_id).stdout.startswith(f"Event {event_id}: skipped")
    assert {row["reason"] for row in town.rows("SELECT reason FROM events WHERE id >= ?", event_id)} == {
        "forgotten"
    }


def test_the_words_by_which_events_are_found_go_too(town):
    (event,) = town.rows("SELECT id FROM events WHERE contact_id = 'ann'")
    event_words.write(town.connection, event["id"], Contact(name="Zora Quill", phone=ANN), ANN)
    assert town.bridge("forget", ANN).exit_code == 0
    assert town.rows("SELECT * FROM event_words") == []
    assert b"quill" not in town.raw().lower()
