import json
from pathlib import Path

import pytest

from bridge.errors import InvalidSignature, MappingError
from bridge.inbound import JsonSource
from bridge.model import Contact, ContactKey, Incoming

PAYLOADS = Path(__file__).parents[1] / "payloads"


def payload(case):
    return json.loads((PAYLOADS / f"{case}.json").read_text("utf-8"))


def field(key):
    return lambda context: context["payload"].get(key)


def fails(_context):
    raise MappingError("no", field="x")


source = JsonSource(
    "forms",
    "s3cret",
    contact={
        "id": field("contact"),
        "name": field("name"),
        "phone": field("phone"),
        "email": field("email"),
        "tags": field("interests"),
        "do_not_call": field("optout"),
    },
    custom={"bill": field("bill"), "none": field("missing"), "broken": fails},
    id=field("submission_id"),
    occurred_at=field("submitted"),
    deleted=field("gone"),
)


def test_authenticate():
    source.authenticate({}, "s3cret", b"")
    source.authenticate({"x-bridge-token": "s3cret"}, None, b"")
    with pytest.raises(InvalidSignature):
        source.authenticate({}, None, b"")
    assert "s3cret" not in repr(source)


RECEIVED = {
    "form__plain": Incoming("contact.updated", "sub-9001", None, occurred_at=1789391045.0),
    "form__nothing_known": Incoming("contact.updated"),
    "form__opted_out": Incoming(
        "contact.deleted", "9002", ContactKey("forms", "", "c-7"), occurred_at=1789398245.0, urgent=True
    ),
}


@pytest.mark.parametrize("case", RECEIVED)
def test_receive(case):
    assert source.receive(payload(case)) == RECEIVED[case]


def test_read():
    body = payload("form__plain")
    reading = source.read(body)
    assert reading.contact == Contact(
        name="Flo Form",
        phone="415-555-0108",
        email="flo@example.com",
        tags=("solar", "roof"),
        custom={"bill": 80},
    )
    assert (reading.source, reading.type, reading.key, reading.dnd_all) == (
        "forms",
        "contact.updated",
        None,
        False,
    )
    assert (reading.occurred_at, reading.payload) == (1789391045.0, body)


def test_opted_out_and_gone():
    reading = source.read(payload("form__opted_out"))
    assert (reading.deleted, reading.dnd_all, reading.dnd_call) == (True, True, None)
    assert reading.contact.do_not_call


def test_opting_out_alone_is_urgent():
    assert source.receive({"optout": True}) == Incoming("contact.updated", urgent=True)


class Nothing:
    """As empty as an expression can answer; touching it is a mistake."""

    def __str__(self):
        raise AssertionError

    __bool__ = __eq__ = __len__ = __iter__ = __str__
    __hash__ = None


@pytest.mark.parametrize("answer", [fails, lambda _: Nothing(), lambda _: None, lambda _: {}])
def test_a_mapping_that_gives_nothing_costs_no_event(answer):
    words = ("id", "first_name", "phone", "tags", "do_not_call")
    odd = JsonSource(
        "forms", "t", dict.fromkeys(words, answer), id=answer, occurred_at=answer, deleted=answer
    )
    assert odd.receive({"x": 1}) == Incoming("contact.updated")
    assert odd.read({"x": 1}).contact == Contact()
    assert odd.read({"x": 1}).dnd_all is None


def test_an_answer_that_is_not_understood_blocks_and_is_told():
    assert source.receive({"optout": "rather not"}).urgent
    reading = source.read({"optout": "rather not"})
    assert (reading.dnd_all, len(reading.warnings)) == (True, 1)
    assert "do_not_call: 'rather not' isn't understood" in reading.warnings[0]
    assert source.read({"optout": "{{opt_out}}"}).dnd_all is None


def test_name_from_its_parts():
    parts = JsonSource("forms", "t", {"first_name": field("a"), "last_name": field("b")})
    assert parts.read({"a": "Flo", "b": 7}).contact.name == "Flo 7"
