"""Who a person is in the tables, what goes with them, and what of the others stays, on a real file."""

import json
import sqlite3

import pytest

from bridge.config import load
from bridge.model import Contact, ContactKey, Destination, Incoming, Mapped
from bridge.model import Lead as Wish
from bridge.outbox.facts import ADDRESS, NEW, Decision, KnownContact, OwnTags, Put
from bridge.outbox.outcome import Rejected, Unreachable
from bridge.rules.mentions import Mentions
from bridge.store import (
    claiming,
    event_words,
    events,
    forgetting,
    marks,
    mentioning,
    origins,
    person,
    wanted,
)
from bridge.store.adopting import writing
from bridge.store.person import Lead, Person
from bridge.worker.forgetting import Eraser, look
from tests.stocked import BUDGET, CAMPAIGN, Stock

ANN, BOB, CAM, DAN = (f"+1202555010{number}" for number in (1, 2, 3, 4))
SYSTEMS = {"workflow": "ghl"}


class Town(Stock):
    """People with names and addresses of their own: `ann` is Ann Ives, ann@example.com."""

    def body(self, who, phone="", **more):
        name = f"{who.title()} Ives"
        said = {"contact_id": who, "full_name": name, "email": f"{who}@example.com", "phone": phone, **more}
        return json.dumps({**said, "at": self.tick()}).encode()

    def tick(self):
        self.ticks = getattr(self, "ticks", 0) + 1
        return self.ticks

    def wants(self, who, phone, *, account="main", campaign="", blocked=False, ago=50.0, **more):
        """An event of theirs whose lead waits."""
        event_id = self.accept(who, body=self.body(who, phone, **more), ago=ago)
        key = ContactKey("ghl", "loc", who)
        known = KnownContact(key, phone=phone, event_id=event_id, blocked=blocked, account=account)
        lead = {"phone": phone, "name": f"{who.title()} Ives", "email": f"{who}@example.com", "tags": ["x"]}
        put = Put(account, campaign, phone, None, {**lead, **more}, NEW)
        self.decide(event_id, Decision("queued", contact=known, puts=(put,)), phone, ago=ago)
        return event_id

    def has(self, who, phone, **more):
        """A lead that Fusion has."""
        event_id = self.wants(who, phone, **more)
        self.send(account=more.get("account", "main"))
        return event_id

    def find(self, phone=ANN, systems=SYSTEMS):
        return person.find(self.connection, phone, systems)

    def forget(self, phone=ANN):
        config = load(self.config, {})
        self.told_leads = []
        return Eraser(
            config,
            phone,
            tell=lambda _: None,
            tell_leads=self.told_leads.extend,
            clock=lambda: 7.0,
        ).run()

    def everything(self):
        """Every value of every table, as text."""
        tables = [row["name"] for row in self.rows("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {
            table: [tuple(row.values()) for row in self.rows(f"SELECT * FROM {table}")] for table in tables
        }

    def raw(self):
        files = (self.database.with_name(self.database.name + end) for end in ("", "-wal", "-shm"))
        return b"".join(file.read_bytes() for file in files if file.exists())

    def event(self, event_id):
        (row,) = self.rows("SELECT * FROM events WHERE id = ?", event_id)
        return row


@pytest.fixture
def town(tmp_path):
    town = Town(tmp_path)
    yield town
    town.connection.close()


EMPTY = {
    "payload": b"",
    "phone": "",
    "contact_id": "",
    "external_id": None,
    "body_hash": "",
    "warnings": "[]",
    "fix": "",
    "route": "",
    "forced": 0,
}


# Who it is


def test_everybody_who_has_the_phone_now(town):
    town.wants("ann", ANN)
    town.wants("eve", ANN)
    town.wants("bob", BOB)
    assert town.find() == Person(ANN, (ANN,), (("ghl", "ann"), ("ghl", "eve")))


def test_and_what_other_phones_they_had(town):
    town.has("ann", BOB)
    town.wants("ann", ANN)
    assert town.find().phones == (ANN, BOB)


def test_but_for_those_that_somebody_else_has_now(town):
    town.has("ann", BOB)
    town.wants("ann", ANN)
    town.wants("bob", BOB)
    assert town.find() == Person(ANN, (ANN,), (("ghl", "ann"),), former=(BOB,))


def without_events(town):
    """As `retention` leaves it after a year."""
    town.connection.execute("UPDATE events SET contact_id = '', phone = '', payload = x''")
    town.connection.execute("DELETE FROM attempt_leads")


def test_a_phone_of_which_only_the_lead_is_left(town):
    town.has("ann", BOB)
    town.has("ann", ANN)
    without_events(town)
    assert town.find().phones == (ANN,)
    assert person.with_left_behind(town.connection, town.find()).phones == (ANN, BOB)
    assert town.forget().clean
    assert town.rows("SELECT * FROM lead_map") == []
    assert "ann@" not in repr(town.everything())
    assert len(town.rows("SELECT * FROM forgotten WHERE NOT of_contact")) == 2


@pytest.mark.parametrize("more", [{"name": "Bob Ives"}, {"email": "bob@example.com"}])
def test_but_a_lead_of_another_name_or_address_isn_t_theirs(town, more):
    town.has("bob", BOB, **{"email": "ann@example.com", "name": "Ann Ives", **more})
    town.has("bob", CAM)
    town.has("ann", ANN)
    without_events(town)
    assert person.with_left_behind(town.connection, town.find()).phones == (ANN,)


def test_nor_one_whose_phone_somebody_has_now(town):
    town.has("ann", BOB)
    town.has("ann", ANN)
    town.wants("bob", BOB)
    without_events(town)
    assert person.with_left_behind(town.connection, town.find()).phones == (ANN,)
    assert person.with_phones(town.connection, town.find(), [BOB, CAM]).phones == (ANN, CAM)


def test_who_had_the_phone_once_isn_t_meant(town):
    town.has("bob", ANN)
    town.wants("bob", BOB)
    town.wants("ann", ANN)
    assert town.find() == Person(ANN, (ANN,), (("ghl", "ann"),), elsewhere=1)


@pytest.mark.parametrize(
    ("systems", "contacts"),
    [
        (SYSTEMS, (("ghl", "ann"),)),
        ({"workflow": "workflow"}, (("workflow", "ann"),)),
        ({}, (("ghl", "ann"), ("workflow", "ann"))),
    ],
)
def test_a_contact_whose_event_is_dead_is_known_by_it_alone(town, systems, contacts):
    event_id = town.accept("ann", body=town.body("ann", ANN))
    town.decide(event_id, Decision("dead", "no name", "mend it"), ANN)
    assert town.find(systems=systems).contacts == contacts


def test_the_same_id_in_another_system_is_somebody_else(town):
    town.wants("ann", ANN)
    other = town.accept("ann", source="forms", body=town.body("ann", BOB))
    known = KnownContact(ContactKey("forms", "", "ann"), phone=BOB, event_id=other)
    town.decide(other, Decision("skipped", "unchanged", contact=known), BOB)
    meant = town.find()
    assert meant.phones == (ANN,)
    assert other not in person.events_of(town.connection, meant)


def test_somebody_unknown_is_a_phone(town):
    assert town.find() == Person(ANN, (ANN,), ())
    assert not person.held(town.connection, town.find()).anything


def test_how_much_there_is(town):
    town.has("ann", ANN)
    town.has("ann", ANN, account="east", campaign=CAMPAIGN)
    town.wants("ann", ANN)
    town.skip("ann")
    held = person.held(town.connection, town.find())
    assert (held.events, held.contacts, held.waiting, held.requests) == (4, 1, 1, 2)
    assert held.leads == (Lead("east", CAMPAIGN, "lead-1"), Lead("main", "", "lead-1"))


# What waits


def withdraw(town, *, alone=False):
    return forgetting.withdraw(town.connection, town.find(), 7.0, alone=alone)


def claim(town, account="main"):
    return claiming.claim(town.connection, account, budget=BUDGET, room=1, now=2e9).claimed


def test_what_waits_is_taken_back(town):
    event_id, other = town.wants("ann", ANN), town.wants("bob", BOB)
    got = withdraw(town)
    assert (got.rows, got.in_flight, got.unsure) == (1, 0, ())
    assert (town.event(event_id)["state"], town.event(event_id)["reason"]) == ("skipped", "do not call")
    assert town.state(other) == "queued"


def test_what_is_under_way_stays_until_it_isn_t(town):
    event_id = town.wants("ann", ANN)
    claim(town)
    assert withdraw(town).in_flight == 1
    assert town.state(event_id) == "queued"


def test_without_a_service_nobody_will_ever_settle_it(town):
    event_id = town.wants("ann", ANN)
    claim(town)
    got = withdraw(town, alone=True)
    assert (got.rows, got.in_flight, got.unsure) == (1, 0, (("main", ""),))
    assert town.state(event_id) == "skipped"


def test_both_events_of_a_row_under_way_have_their_end(town):
    sent = town.wants("ann", ANN)
    claim(town)
    newer = town.wants("ann", ANN, name="Ann Newer")
    withdraw(town, alone=True)
    assert [town.event(each)["reason"] for each in (sent, newer)] == ["do not call"] * 2


def test_what_was_said_of_a_request_that_carried_them_goes_whatever_it_was(town):
    town.has("bob", BOB)
    town.wants("ann", ANN)
    town.send(Rejected("no", ""), status=400, error="the gentleman has no consent")
    town.wants("cam", CAM)
    town.send(Rejected("no", ""), status=400, error="no such campaign")
    town.forget()
    assert [row["error"] for row in town.rows("SELECT error FROM attempts")] == [
        "",
        "forgotten",
        "no such campaign",
    ]


def test_a_creation_that_got_no_answer_is_told(town):
    town.wants("ann", ANN)
    town.send(Unreachable("nobody", uncertain=True), status=None)
    assert withdraw(town).unsure == (("main", ""),)


# What goes


@pytest.mark.parametrize("end", ["delivered", "queued", "superseded", "skipped", "dead", "received", "form"])
def test_an_event_keeps_its_row_and_its_state(town, end):
    match end:
        case "delivered":
            event_id = town.has("ann", ANN)
        case "queued":
            event_id = town.wants("ann", ANN)
        case "superseded":
            event_id = town.wants("ann", ANN)
            town.wants("ann", ANN)
        case "skipped":
            event_id = town.wants("ann", ANN)
            events.release(town.connection, event_id, 7.0, reason="x")
            town.opt_out("ann", ANN)
        case "dead":
            event_id = town.die("ann")
        case "received":
            event_id = town.accept("ann", body=town.body("ann", ANN))
        case "form":
            incoming = Incoming("contact.updated", external_id="form-7")
            event_id, _ = events.accept(town.connection, "forms", incoming, body=b"{}", body_hash="", now=5.0)
    before = town.event(event_id)
    forgetting.erase_events(town.connection, [event_id], 9.0)
    after = town.event(event_id)

    kept = {name: value for name, value in before.items() if name not in EMPTY}
    if end in ("received", "form"):
        kept |= {"state": "skipped", "settled_at": 9.0}
    if kept["state"] in ("skipped", "dead"):
        kept["reason"] = "forgotten"
    assert after == {**kept, **EMPTY}


def test_a_person_goes_from_every_table_and_the_file(town):
    """Each kind of thing there is, and others beside it."""
    town.has("bob", BOB)
    town.has("ann", ANN)
    town.has("ann", ANN, account="east", campaign=CAMPAIGN)
    town.has("eve", ANN)
    town.has("ann", CAM)
    town.wants("ann", ANN, blocked=True)
    town.die("ann", reason="Fusion: ann@example.com is taken by Ann Ives", fix="ask Ann Ives")
    town.wants("ann", ANN, campaign=CAMPAIGN)
    town.send(Rejected("no: (202) 555-0101", ""), status=400, error="Ann Ives was refused")
    town.accept("ann", body=town.body("ann", ANN), external_id="form-2025550101")
    dan = town.accept("dan", body=town.body("dan", DAN, note="sister of 202.555.0101", also=12025550101))
    mail = town.accept("", body=json.dumps({"mail": "Ann@Example.com", "full_name": "Ann Ives"}).encode())
    town.decide(mail, Decision("skipped", "no phone"))
    town.connection.execute(
        "INSERT INTO lanes VALUES ('leads', 'main', 'failed', 'said: ann ives (+12025550101)', 1, 2)"
    )
    before = town.everything()

    erased = town.forget()

    assert erased.clean
    assert not erased.vacuumed
    left = repr(town.everything()).lower()
    raw = town.raw().lower()
    for trace in ("2025550101", "202.555.0101", "555-0101", CAM[2:], "ann@", "ann ives", "eve ives", "'ann'"):
        assert trace not in left, trace
        assert trace.strip("'").encode() not in raw or trace == "'ann'", trace
    assert json.loads(town.event(dan)["payload"]) == {
        "contact_id": "dan",
        "full_name": "Dan Ives",
        "email": "dan@example.com",
        "phone": DAN,
        "note": "",
        "also": "",
        "at": json.loads(before["events"][dan - 1][-1])["at"],
    }
    assert town.event(dan)["body_hash"] == ""
    after = town.everything()
    for table in ("lead_map", "contact_map", "outbox"):
        assert after[table] == [row for row in before[table] if BOB in row]
    assert town.told_leads == [
        Lead("east", CAMPAIGN, "lead-1"), Lead("main", "", "lead-1"), Lead("main", "", "lead-1")
    ]  # fmt: skip
    assert [row[0] for row in after["events"]] == [row[0] for row in before["events"]]
    assert town.rows("PRAGMA integrity_check") == [{"integrity_check": "ok"}]
    assert town.rows("PRAGMA foreign_key_check") == []


def test_twice_is_no_error_and_finds_nothing(town):
    town.has("ann", ANN)
    assert town.forget().events == 1
    again = town.forget()
    assert (again.events, again.found.marked, again.clean, again.vacuumed) == (0, True, True, False)


def test_what_was_broken_off_after_the_rows_went_is_finished_by_writing_the_file_anew(town):
    town.has("ann", ANN)
    person = marks.mark(
        town.connection,
        marks.keys_for_new_marks(town.connection, town.database),
        ANN,
        phones=[],
        contacts=[],
        now=1.0,
    )
    marks.reached(town.connection, person, marks.ERASING)
    assert marks.standing(town.connection, town.database).unfinished == 1

    erased = town.forget()

    assert (erased.vacuumed, erased.clean) == (True, True)
    assert marks.standing(town.connection, town.database).unfinished == 0


def test_a_database_of_before_leaves_remnants_and_is_written_anew(town):
    town.connection.execute("PRAGMA secure_delete = OFF")
    for number in range(200):
        town.has(f"p{number}", f"+1202555{1000 + number}")
    town.has("ann", ANN)
    town.connection.execute("DELETE FROM lead_map WHERE phone = ?", (ANN,))
    town.connection.execute("UPDATE events SET payload = x'', phone = '' WHERE phone = ?", (ANN,))
    town.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert b"2025550101" in town.raw()

    erased = town.forget()

    assert (erased.vacuumed, erased.clean) == (True, True)
    assert b"2025550101" not in town.raw()


def test_somebody_who_reads_all_the_time_keeps_the_log(town, monkeypatch):
    monkeypatch.setattr("bridge.worker.forgetting.FLUSH_S", 0.0)
    monkeypatch.setattr("bridge.store.remnants.LOCKED_S", 0.05)
    town.has("ann", ANN)
    other = sqlite3.connect(town.database, isolation_level=None)
    other.execute("BEGIN")
    other.execute("SELECT COUNT(*) FROM events").fetchone()

    erased = town.forget()
    assert (erased.flushed, erased.clean) == (False, False)

    other.close()
    assert town.forget().clean


# Others


def test_an_address_that_somebody_else_has_too_stays_there(town):
    town.has("ann", ANN)
    town.has("bob", BOB, email="ann@example.com")
    before = town.rows("SELECT * FROM lead_map WHERE phone = ?", BOB)
    erased = town.forget()
    assert (erased.shared, erased.clean) == (1, True)
    assert town.rows("SELECT * FROM lead_map WHERE phone = ?", BOB) == before


def test_a_lead_on_a_phone_that_was_theirs_doesn_t_bear_their_name(town):
    town.has("ann", BOB)
    town.wants("ann", ANN)
    town.wants("bob", BOB, name="Bob Ives", email="bob@example.com")
    assert town.forget().clean
    (lead,) = town.rows("SELECT body FROM lead_map")
    assert json.loads(lead["body"]) == {"phone": BOB, "name": "no name", "tags": ["x"]}
    (row,) = town.rows("SELECT body FROM outbox")
    assert json.loads(row["body"])["name"] == "Bob Ives"


def test_another_s_lead_in_which_they_are_mentioned(town):
    note = {"custom_fields": {"note": "wife: +1 202 555 0101", "bill": 90}, "company": "of 2025550101"}
    town.wants("bob", BOB, **note)
    town.has("cam", CAM, **note)
    town.has("ann", ANN)
    assert town.forget().clean
    for table in ("outbox", "lead_map"):
        for row in town.rows(f"SELECT body FROM {table}"):
            body = json.loads(row["body"])
            assert body["custom_fields"] == {"bill": 90}
            assert "company" not in body
            assert body["name"] in ("Bob Ives", "Cam Ives")


def test_events_that_wait_and_mention_them_end_only_if_they_are_theirs(town):
    """Neither of these was through the rules yet, and no service runs."""
    theirs = town.accept("", body=json.dumps({"phone": "202-555-0101", "full_name": "Ann Ives"}).encode())
    new = town.accept("zoe", body=town.body("zoe", "202 555 0101"))
    other = town.accept("cam", body=town.body("cam", CAM, note="friend of 202-555-0101"))
    same = town.accept("fay", body=json.dumps({"phone": CAM, "email": "ann@example.com"}).encode())
    town.has("ann", ANN)
    erased = town.forget()
    assert [town.state(each) for each in (theirs, new)] == ["skipped", "skipped"]
    assert town.event(new)["contact_id"] == ""
    assert town.state(other) == "received"
    assert json.loads(town.event(other)["payload"])["note"] == ""
    assert json.loads(town.event(same)["payload"])["email"] == "ann@example.com"
    assert (erased.shared, erased.clean) == (1, True)


def test_a_longer_number_that_begins_alike_is_somebody_else_s(town):
    german, longer = "+4930123456", "+49301234567"
    town.has("ann", german)
    town.has("bob", longer)
    erased = town.forget(german)
    assert (erased.clean, erased.vacuumed) == (True, False)
    assert [row["phone"] for row in town.rows("SELECT phone FROM lead_map")] == [longer]


def test_words_and_hashes_that_tell_of_them(town):
    event_id = town.accept("bob", body=town.body("bob", BOB), external_id="of-2025550101")
    town.decide(event_id, Decision("dead", "202 555 0101 is known", "see ann@example.com"), BOB)
    event = mentioning.Mention(event_id, "workflow", "dead", b"", nobodys=False)
    before = town.event(event_id)
    mentioning.redact(town.connection, event, Mentions([ANN], ["ann@example.com"]))
    after = town.event(event_id)
    changed = {"external_id": None, "body_hash": "", "reason": "forgotten", "fix": "forgotten"}
    assert after == {**before, **changed}


def test_an_event_that_mentions_nobody_keeps_its_hash(town):
    event_id = town.skip("bob")
    before = town.event(event_id)
    mention = mentioning.Mention(event_id, "workflow", "skipped", b"", nobodys=False)
    mentioning.redact(town.connection, mention, Mentions([ANN]))
    assert town.event(event_id) == before


def test_looking_writes_nothing(town):
    town.has("ann", ANN)
    before = town.everything()
    found = look(load(town.config, {}), ANN)
    assert (found.held.events, found.marked) == (1, False)
    assert town.everything() == before


def test_windows_leave_nothing_out(town, monkeypatch):
    monkeypatch.setattr(mentioning, "WINDOW", 3)
    for number in range(10):
        town.wants(f"p{number}", f"+1202555020{number}", custom_fields={"note": "2025550101"})
    town.has("ann", ANN)
    assert town.forget().clean
    assert "2025550101" not in repr(town.everything())


def test_leads_that_are_put_aside_of_another_fusion_go_too(town):
    """The person's own are listed and go; in somebody else's they aren't mentioned any more."""
    town.has("ann", ANN)
    town.has("bob", BOB, company="ann@example.com")
    for fusion in ("http://127.0.0.1:8081", "https://app.fusioncalling.com"):
        with writing(town.connection) as connection:
            origins.bind(connection, ["main"], fusion, OwnTags(), 7.0)

    town.forget(ANN)
    assert town.told_leads == [Lead("main at http://127.0.0.1:8081", "", "lead-1")]
    left = town.rows("SELECT phone, body FROM lead_map_elsewhere")
    assert [row["phone"] for row in left] == [BOB]
    assert b"ann@example.com" not in town.raw()


def test_what_was_wanted_and_sent_goes_too(town):
    """Of the person all of it; of others' events what mentions them."""
    ann, bob = town.has("ann", ANN), town.has("bob", BOB, company="ann@example.com")
    for event_id, phone in ((ann, ANN), (bob, BOB)):
        lead = Wish(phone, "Ann Ives" if event_id == ann else "Bob Ives", company="ann@example.com")
        wanted.write(town.connection, event_id, Mapped(phone, lead, Destination("main")), "mark")
    town.forget(ANN)
    assert [row["body"] for row in town.rows("SELECT body FROM event_leads ORDER BY event_id")] == [
        None,
        json.dumps({"phone": BOB, "name": "Bob Ives"}),
    ]
    (sent,) = [
        json.loads(row["body"]) for row in town.rows("SELECT body FROM attempt_leads WHERE body <> ''")
    ]
    assert (sent["phone"], "company" in sent) == (BOB, False)
    assert b"ann@example.com" not in town.raw()


# Addresses


def addressed(town, contact, phone, *addresses, blocked=()):
    """A contact with its addresses, and what was said of some of them alone."""
    event_id = town.accept(contact)
    known = KnownContact(ContactKey("ghl", "loc", contact), phone=phone, event_id=event_id)
    said = tuple(
        KnownContact(ContactKey(ADDRESS, "", each), event_id=event_id, dnd_all=True, blocked=True)
        for each in blocked
    )
    decision = Decision("skipped", "do not call", contact=known, others=said, addresses=addresses)
    town.decide(event_id, decision, phone)


def test_their_addresses_go_and_what_was_said_of_them(town):
    addressed(town, "ann", ANN, "old@example.com", "ann@example.com", blocked=["ann@example.com"])
    addressed(town, "bob", BOB, "bob@example.com", blocked=["bob@example.com"])
    assert town.forget().clean
    assert b"old@example" not in town.raw()
    assert b"ann@example" not in town.raw()
    assert [row["email"] for row in town.rows("SELECT email FROM contact_emails")] == ["bob@example.com"]
    said = town.rows("SELECT contact_id FROM contact_map WHERE system = ?", ADDRESS)
    assert [row["contact_id"] for row in said] == ["bob@example.com"]


def test_an_address_that_another_contact_has_too_stays_theirs(town):
    addressed(town, "ann", ANN, "family@example.com", blocked=["family@example.com"])
    addressed(town, "bob", BOB, "family@example.com")
    erased = town.forget()
    assert (erased.clean, erased.shared) == (True, 1)
    left = town.rows("SELECT email, contact_id FROM contact_emails")
    assert left == [{"email": "family@example.com", "contact_id": "bob"}]
    assert town.rows("SELECT blocked FROM contact_map WHERE system = ?", ADDRESS) == [{"blocked": 1}]


# Words by which events are found


def test_another_s_event_is_not_found_by_what_was_taken_out_of_it(town):
    """Bob gave Ann's number before his own."""
    said = json.dumps(
        {"contact_id": "bob", "full_name": "Bob, for +1 202 555 0101", "phone": "0202 555 0101"}
    )
    bob = town.accept("bob", body=said.encode())
    town.decide(bob, Decision("skipped", "unchanged", contact=None), BOB)
    contact = Contact(name="Bob, for +1 202 555 0101", phone="0202 555 0101")
    wanted.write(town.connection, bob, Mapped(BOB), "mark", name=contact.name)
    event_words.write(town.connection, bob, contact, BOB)
    town.has("ann", ANN)
    assert b"1010555202" in town.raw()
    assert town.forget().clean
    assert town.event(bob)["state"] == "skipped"
    assert town.rows("SELECT * FROM event_words WHERE event_id = ?", bob) == []
    assert town.rows("SELECT name FROM event_leads WHERE event_id = ?", bob) == [{"name": ""}]
    assert b"1010555202" not in town.raw()
