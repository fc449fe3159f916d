import json
from pathlib import Path

import pytest

from bridge.errors import InvalidSignature, MalformedPayload
from bridge.inbound import GhlWorkflow
from bridge.inbound.ghl import UNFILLED_PHONE
from bridge.model import Contact, ContactKey, Ignored, Incoming

PAYLOADS = Path(__file__).parents[1] / "payloads"
LOCATION = "LocOakFitness00000001"
MARIA = ContactKey("ghl", LOCATION, "CtMariaLopez000000001")

source = GhlWorkflow("workflow", "s3cret")


def payload(case):
    return json.loads((PAYLOADS / f"{case}.json").read_text("utf-8"))


@pytest.mark.parametrize(
    ("headers", "token"),
    [({}, "s3cret"), ({"x-bridge-token": "s3cret"}, None), ({"x-bridge-token": "s3cret"}, "")],
)
def test_authenticate(headers, token):
    assert source.authenticate(headers, token, b"{}") is None


@pytest.mark.parametrize(
    ("headers", "token"),
    [({}, None), ({}, "wrong"), ({"x-bridge-token": "wrong"}, None), ({"authorization": "s3cret"}, None)],
)
def test_wrong_token(headers, token):
    with pytest.raises(InvalidSignature):
        source.authenticate(headers, token, b"{}")


def test_the_secret_is_not_shown():
    assert "s3cret" not in repr(source)


# The body, its location in every place where a body may name it → whether a source with LISTED takes it.
LISTED = frozenset({"LocOakFitness00000001", "LocElmDental000000002"})
NAMED = [
    ({"location": {"id": "LocOakFitness00000001"}}, True),
    ({"location": {"id": "LocElmDental000000002"}}, True),
    ({"location": {"id": "LocSomebodyElse00001"}}, False),
    ({"location": {"id": "locoakfitness00000001"}}, False),
    ({"location_id": "LocOakFitness00000001"}, True),
    ({"locationId": "LocSomebodyElse00001"}, False),
    ({"customData": {"location_id": "LocSomebodyElse00001"}}, False),
    ({"customData": {"locationId": "LocElmDental000000002"}}, True),
    ({"contact": {"id": "c", "phone": "1", "locationId": "LocSomebodyElse00001"}}, False),
    ({"location": {"id": "LocSomebodyElse00001"}, "customData": {"dnd": "true"}}, False),
    ({"location": {"name": "Oak"}}, True),
    ({}, True),
]


@pytest.mark.parametrize(("named", "taken"), NAMED)
def test_only_listed_locations_are_listened_to(named, taken):
    listening = GhlWorkflow("workflow", "s3cret", locations=LISTED)
    received = listening.receive({"contact_id": "c", "phone": "+14155550101"} | named)

    assert isinstance(received, Incoming) is taken
    if not taken:
        assert isinstance(received, Ignored)
        assert received.reason.startswith("location ")
        assert received.reason.endswith(" is not listed")


def test_without_a_list_every_location_is_listened_to():
    body = {"contact_id": "c", "location": {"id": "LocSomebodyElse00001"}}

    assert isinstance(source.receive(body), Incoming)


RECEIVED = {
    "workflow__full": Incoming("contact.updated", contact=MARIA),
    "workflow__no_phone": Incoming("contact.updated", contact=MARIA),
    "workflow__opportunity_trigger": Incoming("contact.updated", contact=MARIA),
    "workflow__appointment_trigger": Incoming("contact.updated", contact=MARIA),
    "workflow__deleted_in_custom_data": Incoming(
        "contact.deleted", "evt-77", MARIA, occurred_at=1789398245.0, urgent=True
    ),
    "workflow__do_not_call_in_custom_data": Incoming("contact.updated", contact=MARIA, urgent=True),
    "workflow__dnd_text_at_root": Incoming("contact.updated", contact=MARIA, urgent=True),
    "workflow__event_id_is_contact_id": Incoming("contact.updated", contact=MARIA),
    "custom_webhook__camel_case": Incoming(
        "contact.created",
        "cw-1",
        ContactKey("ghl", LOCATION, "CtCamel000000000001"),
        occurred_at=1789398245.678,
    ),
    "custom_webhook__nested_contact": Incoming(
        "contact.updated", contact=ContactKey("ghl", "", "CtNest00000000000001"), urgent=True
    ),
    "custom_webhook__under_data": Incoming(
        "contact.deleted", contact=ContactKey("ghl", "", "CtUnder0000000000001"), urgent=True
    ),
}


@pytest.mark.parametrize("case", RECEIVED)
def test_receive(case):
    assert source.receive(payload(case)) == RECEIVED[case]


@pytest.mark.parametrize("case", ["custom_webhook__unresolved", "workflow__opportunity_without_contact"])
def test_nothing_identifies_a_contact(case):
    with pytest.raises(MalformedPayload, match="no contact id, phone or e-mail"):
        source.receive(payload(case))


@pytest.mark.parametrize("field", ["phone", "email"])
def test_phone_or_email_stands_for_the_contact(field):
    assert source.receive({field: "x"}) == Incoming("contact.updated")


def test_read_everything():
    body = payload("workflow__full")
    reading = source.read(body)
    assert reading.contact == Contact(
        id="CtMariaLopez000000001",
        first_name="María",
        last_name="López",
        name="María López",
        email="maria@example.com",
        phone="+14155550101",
        tags=("solar", "hot lead", "east"),
        company="López Roofing",
        address1="12 Elm Street",
        city="Austin",
        state="TX",
        postal_code="78701",
        country="US",
        timezone="America/Chicago",
        source="landing page",
        type="lead",
        website="https://example.com",
        date_of_birth="1988-02-03",
        custom={
            "What Services?": ["Roof", "Gutters"],
            "Job Address:": "12 Elm\nStreet",
            "Electric Bills (RM)": 142.5,
            "ccp_attribution_tid": "t-1",
            "Empty one": "",
        },
    )
    assert (reading.location_id, reading.location_name) == (LOCATION, "Oak Fitness")
    assert (reading.workflow_name, reading.source) == ("New leads → dialer", "workflow")
    assert reading.data == {"campaign": "spring", "score": "", "phone": "(415) 555-0101", "none": ""}
    assert (reading.type, reading.key, reading.deleted) == ("contact.updated", MARIA, False)
    assert reading.occurred_at is None  # date_created is the contact's
    assert (reading.dnd_all, reading.dnd_call) == (None, None)
    assert reading.payload is body


def test_missing_is_empty():
    contact = source.read(payload("workflow__no_phone")).contact
    assert (contact.phone, contact.last_name, contact.name, contact.tags) == ("", "", "María", ())
    assert contact.custom == {}


def test_an_opportunity_is_not_the_contact():
    contact = source.read(payload("workflow__opportunity_trigger")).contact
    assert (contact.id, contact.source, contact.custom) == ("CtMariaLopez000000001", "", {})


def test_without_an_opportunity_its_words_are_anyones():
    contact = source.read({"phone": "1", "source": "ad", "status": "hot", "campaign": "fall"}).contact
    assert (contact.source, contact.custom) == ("ad", {"status": "hot", "campaign": "fall"})


def test_an_appointment_is_not_an_event_of_ours():
    reading = source.read(payload("workflow__appointment_trigger"))
    assert (reading.type, reading.occurred_at, reading.contact.custom) == ("contact.updated", None, {})


def test_custom_data_stands_in_for_phone_and_email_only():
    reading = source.read(payload("workflow__custom_data_fallback"))
    assert reading.contact.email == "pat@example.com"
    assert reading.contact.phone == "+1 (415) 555-0110"
    assert reading.contact.name == ""


def test_unresolved_merge_fields_are_empty():
    reading = source.read(payload("custom_webhook__unresolved"))
    assert (reading.contact, reading.location_id, reading.key) == (Contact(), "", None)


def test_camel_case():
    contact = source.read(payload("custom_webhook__camel_case")).contact
    assert (contact.name, contact.phone, contact.company) == ("Cam", "14155550105", "Camel & Co")
    assert (contact.postal_code, contact.source, contact.tags) == ("78701", "ad", ("a", "b"))
    assert contact.custom == {"Monthly bill": "80", "campaign": "fall"}


def test_nested_contact():
    reading = source.read(payload("custom_webhook__nested_contact"))
    assert (reading.contact.name, reading.contact.phone) == ("Nell Nest", "+14155550106")
    assert (reading.contact.tags, reading.contact.custom) == (("x",), {"CfBill": "9"})
    assert (reading.dnd_all, reading.contact.do_not_call) == (True, True)
    assert source.read(payload("custom_webhook__under_data")).contact.name == "Uma"


@pytest.mark.parametrize(
    ("word", "event_type"),
    [
        ("ContactCreate", "contact.created"),
        ("contact.created", "contact.created"),
        ("contact_updated", "contact.updated"),
        ("CONTACT.DELETED", "contact.deleted"),
        ("ContactTagUpdate", "contact.tags"),
        ("contact.dnd", "contact.dnd"),
        ("Contact Deleted", "contact.deleted"),
        ("contact_delete", "contact.deleted"),
        ("contact-delete", "contact.deleted"),
        ("Contact removed", "contact.deleted"),
        ("AppointmentDelete", "contact.updated"),
        ("undeleted", "contact.updated"),
        ("{{event}}", "contact.updated"),
        (["contact.deleted"], "contact.deleted"),
    ],
)
@pytest.mark.parametrize("key", ["event", "type", "event_type"])
def test_stated_type(word, event_type, key):
    for body in ({"phone": "1", key: word}, {"phone": "1", "customData": {key: word}}):
        reading = source.read(body)
        assert (reading.type, reading.deleted) == (event_type, event_type == "contact.deleted")


@pytest.mark.parametrize("word", ["delete", "Deleted", " REMOVE ", "removed"])
def test_a_bare_word_deletes_only_where_the_key_speaks_of_an_event(word):
    for body in ({"phone": "1", "event": word}, {"phone": "1", "customData": {"event_type": word}}):
        assert source.read(body).deleted
        assert source.receive(body).urgent
    assert not source.read({"phone": "1", "type": word}).deleted  # a `type` may be anything's
    assert source.read({"phone": "1", "type": word}).warnings


KNOWN = "contact.created, contact.updated, contact.deleted, contact.tags, contact.dnd"


@pytest.mark.parametrize(
    ("fields", "warnings"),
    [
        ({"dnd": "true", "event": "contact.deleted", "phone": "1"}, ()),
        (
            {"customData": {"dnd": "maybe"}},
            ("dnd: 'maybe' isn't understood, so it counts as true: write true or false",),
        ),
        ({"do_not_call": "{{contact.dnd}}"}, ("do_not_call: the merge field wasn't filled",)),
        ({"event": "Contact tagged again"}, (f"event: 'Contact tagged again' isn't one of {KNOWN}",)),
        ({"event": "Contact was deleted"}, ()),
        ({"customData": {"event": "deletion"}}, ()),
        ({"type": "removed"}, ("type: 'removed' may be a deletion, so nobody is called",)),
        ({"event": "AppointmentDelete", "type": "OpportunityStatusUpdate"}, ()),
        ({"event": "Contact form submitted", "type": "lead"}, ()),
        ({"event": "deletion", "type": "ContactDelete"}, ()),
        (
            {"phone": "{{contact.phone}}"},
            (UNFILLED_PHONE,),
        ),
        ({"phone": "{{contact.phone}}", "customData": {"phone": "1"}}, ()),
        ({"phone": ""}, ()),
    ],
)
def test_what_seems_to_be_meant_and_is_not_said_is_told(fields, warnings):
    assert source.read({"contact_id": "c", **fields}).warnings == warnings


@pytest.mark.parametrize(
    ("fields", "blocks"),
    [
        ({"dnd": "Call"}, (True, None)),
        ({"customData": {"dnd": "maybe"}}, (True, None)),
        ({"dnd": "false"}, (False, None)),
        ({"dnd": ""}, (None, None)),
        ({"dnd": "{{contact.dnd}}"}, (None, None)),
        ({"do_not_call": 1}, (True, None)),
        ({"dnd": False, "customData": {"do_not_call": "yes"}}, (True, None)),
        ({"dndSettings": {"Call": {"status": "permanent"}}}, (None, True)),
        ({"customData": {"dndSettings": {"SMS": {"status": "active"}}}}, (None, False)),
    ],
)
def test_blocks(fields, blocks):
    reading = source.read({"phone": "1", **fields})
    assert (reading.dnd_all, reading.dnd_call) == blocks
    assert reading.contact.do_not_call is (True in blocks)


@pytest.mark.parametrize("odd", [None, "", "text", 7, True, [], ["x"], {}])
def test_groups_of_the_wrong_kind(odd):
    body = dict.fromkeys(
        ("location", "workflow", "customData", "contact", "data", "tags", "customFields"), odd
    )
    reading = source.read({"contact_id": "c", **body})
    assert (reading.key, reading.location_name, reading.data) == (ContactKey("ghl", "", "c"), "", {})
