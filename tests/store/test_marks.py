"""The marks: made once, found again, lifted; and nobody is taken for unmarked because a key is missing."""

import base64

import pytest

from bridge.model import ContactKey
from bridge.outbox.facts import Marked
from bridge.store import marks
from bridge.store.marks import Marks
from bridge.store.secret_key import KeyTrouble, key_file, read_keys

ANN, BOB = "+12025550101", "+12025550102"
CONTACT = ("ghl", "ann")


@pytest.fixture
def database(tmp_path, db):  # noqa: ARG001 - it must be there
    return tmp_path / "bridge.db"


def mark(db, database, phone=ANN, phones=(), contacts=(CONTACT,), now=5.0):
    keys = marks.keys_for_new_marks(db, database)
    return marks.mark(db, keys, phone, phones=phones, contacts=contacts, now=now)


def rows(db):
    return [dict(row) for row in db.execute("SELECT * FROM forgotten")]


def other_key(database, *, and_before=False):
    file = key_file(database)
    before = file.read_text() if and_before and file.exists() else ""
    file.write_text(base64.urlsafe_b64encode(b"n" * 32).decode() + "\n" + before)


def asked(db, database, phone=ANN, contact="ann", system="ghl"):
    return Marks(database).of(db, ContactKey(system, "anywhere", contact), phone)


def test_nothing_is_marked_and_no_key_needed(db, database):
    assert asked(db, database) == Marked()
    assert not key_file(database).exists()


def test_a_phone_and_a_contact_are_found_again(db, database):
    mark(db, database)
    assert asked(db, database) == Marked(phone=True, contact=True)
    assert asked(db, database, contact="bob") == Marked(phone=True)
    assert asked(db, database, phone=BOB) == Marked(contact=True)
    assert asked(db, database, phone="", system="forms") == Marked()
    assert Marks(database).of(db, None, "") == Marked()


def test_another_process_marks_meanwhile(db, database):
    known = Marks(database)
    assert known.of(db, None, ANN) == Marked()
    mark(db, database)
    assert known.of(db, None, ANN) == Marked(phone=True)


def test_the_hash_tells_nothing_without_the_key(db, database):
    mark(db, database)
    stored = b"".join(bytes(value) for row in rows(db) for value in row.values() if isinstance(value, bytes))
    assert b"202555" not in stored
    (key,) = read_keys(database).keys
    assert key.secret not in stored
    assert marks.contact_hash(key, ("ghl", "x")) != marks.phone_hash(key, "x")
    assert marks.contact_hash(key, ("a", "b\0c")) == marks.contact_hash(key, ("a\0b", "c"))  # no id has a NUL


def test_marking_again_changes_nothing(db, database):
    person = mark(db, database)
    marks.reached(db, person, marks.ERASED)
    before = rows(db)

    assert mark(db, database, now=9.0) == person
    assert rows(db) == before
    assert not marks.broken_off(db, person)


def test_what_is_new_of_a_person_belongs_to_them(db, database):
    marks.reached(db, mark(db, database), marks.ERASING)
    person = mark(db, database, phones=[BOB], now=9.0)
    assert len({row["person"] for row in rows(db)}) == 1
    assert marks.broken_off(db, person)
    marks.reached(db, person, marks.ERASED)
    assert not marks.broken_off(db, person)


def test_after_a_change_of_the_key_old_marks_hold_and_aren_t_doubled(db, database):
    person = mark(db, database)
    other_key(database, and_before=True)

    assert asked(db, database) == Marked(phone=True, contact=True)
    assert mark(db, database) == person
    assert len(rows(db)) == 2
    mark(db, database, BOB, contacts=())
    assert len({row["key_id"] for row in rows(db)}) == 2
    assert asked(db, database, phone=BOB).phone


@pytest.mark.parametrize("lose", ["gone", "another"])
def test_a_mark_that_can_t_be_read_is_nobody_s_and_everybody_s(db, database, lose):
    mark(db, database)
    kept = key_file(database).read_bytes()
    key_file(database).unlink()
    if lose == "another":
        other_key(database)
    known = Marks(database)
    for phone in (ANN, BOB, ""):
        with pytest.raises(KeyTrouble, match=r"can't be read: their key isn't in .*bridge.key") as refused:
            known.of(db, None, phone)
    assert "put bridge.key back" in refused.value.fix

    key_file(database).write_bytes(kept)
    assert known.of(db, None, ANN) == Marked(phone=True)
    assert known.of(db, None, BOB) == Marked()


def test_no_new_key_takes_the_place_of_one_that_is_missing(db, database):
    mark(db, database)
    key_file(database).unlink()
    with pytest.raises(KeyTrouble, match="can't be read"):
        marks.keys_for_new_marks(db, database)
    assert not key_file(database).exists()


def test_dropping_takes_only_what_can_t_be_read(db, database):
    mark(db, database)
    other_key(database)
    assert marks.drop_unreadable(db, read_keys(database)) == 2
    assert rows(db) == []
    mark(db, database)
    assert marks.drop_unreadable(db, read_keys(database)) == 0
    assert len(rows(db)) == 2


def test_lifting_takes_the_phone_and_the_contacts_and_leaves_the_other_phones(db, database):
    mark(db, database, phones=[BOB])
    mark(db, database, "+12025550109", contacts=[("ghl", "zoe")])
    keys = read_keys(database)

    assert marks.lift(db, keys, ANN)
    assert not marks.lift(db, keys, ANN)
    assert asked(db, database) == Marked()
    assert asked(db, database, phone=BOB) == Marked(phone=True)
    assert asked(db, database, phone="+12025550109", contact="zoe") == Marked(phone=True, contact=True)


def test_how_it_stands(db, database):
    assert marks.standing(db, database) == marks.Standing()
    person = mark(db, database, phones=[BOB])
    mark(db, database, "+12025550109", contacts=())
    marks.reached(db, person, marks.ERASED)
    assert marks.standing(db, database) == marks.Standing(people=2, unfinished=1)

    key_file(database).unlink()
    told = marks.standing(db, database)
    assert (told.people, told.unreadable) == (2, 4)
    assert "their key isn't in" in told.trouble
    assert "put bridge.key back" in told.fix
    key_file(database).write_text("nonsense")
    assert "line 1: this is no key" in marks.standing(db, database).trouble


def test_how_it_stands_with_a_database_of_the_release_before(db, database):
    db.execute("DROP TABLE forgotten")
    assert marks.standing(db, database) == marks.Standing()
