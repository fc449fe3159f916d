import base64
import json
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bridge.errors import InvalidSignature, MalformedPayload
from bridge.inbound import GhlApp
from bridge.model import Contact, ContactKey, Ignored, Incoming

PAYLOADS = Path(__file__).parents[1] / "payloads"
PRIVATE = Ed25519PrivateKey.from_private_bytes(b"\x01" * 32)
APP = "65a1b2c3d4e5f60718293a4b"
LOCATION = "LocOakFitness00000001"
MARIA = ContactKey("ghl", LOCATION, "CtMariaLopez000000001")
AT = 1789398245.678

source = GhlApp("app", (PRIVATE.public_key(),), app_id=APP, locations=frozenset({LOCATION}))
anyones = GhlApp("app", (PRIVATE.public_key(),))


def payload(case):
    return json.loads((PAYLOADS / f"{case}.json").read_text("utf-8"))


def event_id(number):
    return f"5d1f0c3a-0000-4000-8000-0000000000{number:02}"


def test_authenticate():
    body = (PAYLOADS / "ContactCreate__full.json").read_bytes()
    header = base64.b64encode(PRIVATE.sign(body)).decode()
    source.authenticate({"x-ghl-signature": header}, None, body)
    for headers in ({}, {"x-wh-signature": header}, {"x-ghl-signature": "N/A"}):
        with pytest.raises(InvalidSignature):
            source.authenticate(headers, "token", body)


def incoming(event_type, number, *, contact=MARIA, occurred_at=AT, urgent=False):
    return Incoming(event_type, event_id(number), contact, occurred_at, urgent=urgent)


RECEIVED = {
    "ContactCreate__full": incoming("contact.created", 1),
    "ContactCreate__record_under_data": incoming("contact.created", 4),
    "ContactCreate__envelope_under_data": incoming("contact.created", 5),
    "ContactUpdate__dnd_true_channels_inactive": incoming("contact.updated", 10, urgent=True),
    "ContactUpdate__dnd_settings_with_rcs": incoming("contact.updated", 11),
    "ContactUpdate__unreadable_timestamp": incoming("contact.updated", 16, occurred_at=None),
    "ContactTagUpdate__full_list": incoming("contact.tags", 17),
    "ContactDndUpdate__call_active": incoming("contact.dnd", 20, urgent=True),
    "ContactDndUpdate__call_permanent_lower_case": incoming("contact.dnd", 21, urgent=True),
    "ContactDndUpdate__lifted": incoming("contact.dnd", 22),
    "ContactDndUpdate__inbound_only": incoming("contact.dnd", 25),
    "ContactDelete__snapshot": incoming("contact.deleted", 26, urgent=True),
    "AppointmentCreate__app": Ignored("event type AppointmentCreate is not used"),
    "INSTALL__location": Ignored("event type INSTALL is not used"),
    "NoteCreate__app": Ignored("event type NoteCreate is not used"),
    "ContactCreate__another_location": Ignored("location LocSomebodyElse00001 is not listed"),
}


@pytest.mark.parametrize("case", RECEIVED)
def test_receive(case):
    assert source.receive(payload(case)) == RECEIVED[case]


def test_an_old_envelope_without_app_id_is_taken():
    received = source.receive(payload("ContactCreate__no_phone_old_envelope"))
    assert received == Incoming(
        "contact.created",
        event_id(3),
        ContactKey("ghl", LOCATION, "CtAna000000000000001"),
        occurred_at=1754042400.0,
    )


@pytest.mark.parametrize("app_id", ["ffffffffffffffffffffffff", 7, ["x"], {}, APP[:-1]])
def test_another_apps_delivery(app_id):
    with pytest.raises(InvalidSignature):
        source.receive(payload("ContactCreate__another_app") | {"appId": app_id})


@pytest.mark.parametrize("case", ["ContactCreate__full", "ContactDelete__snapshot"])
def test_another_apps_delivery_of_a_contact(case):
    with pytest.raises(InvalidSignature):
        source.receive(payload(case) | {"appId": "ffffffffffffffffffffffff"})


def test_without_app_id_every_app_and_location_is_taken():
    assert isinstance(anyones.receive(payload("ContactCreate__another_app")), Incoming)
    assert isinstance(anyones.receive(payload("ContactCreate__another_location")), Incoming)


def test_a_client_id_does_for_an_app_id():
    client = replace(source, app_id=f"{APP}-lx1abc")
    assert isinstance(client.receive(payload("ContactCreate__full")), Incoming)
    with pytest.raises(InvalidSignature):
        client.receive(payload("ContactCreate__another_app"))


def test_no_location_is_not_a_listed_one():
    body = payload("ContactCreate__full")
    del body["locationId"]
    assert source.receive(body) == Ignored("location (none) is not listed")
    assert anyones.receive(body).contact == ContactKey("ghl", "", "CtMariaLopez000000001")


@pytest.mark.parametrize("body", [{"type": ""}, {"id": "c"}, payload("ContactCreate__nothing_of_a_contact")])
def test_malformed(body):
    with pytest.raises(MalformedPayload):
        source.receive(body)


def test_a_phone_alone_identifies_a_contact():
    received = anyones.receive({"type": "ContactUpdate", "phone": "+14155550101"})
    assert received == Incoming("contact.updated")


def test_a_long_type_is_cut_in_the_reason():
    assert len(anyones.receive({"type": "x" * 10_000}).reason) < 200


def test_read_everything():
    body = payload("ContactCreate__full")
    reading = source.read(body)
    assert reading.contact == Contact(
        id="CtMariaLopez000000001",
        first_name="María",
        last_name="López",
        name="María López",
        email="maria@example.com",
        phone="+14155550101",
        tags=("solar", "Hot Lead, east"),
        company="López Roofing",
        address1="12 Elm Street",
        city="Austin",
        state="TX",
        postal_code="78701",
        country="US",
        timezone="America/Chicago",
        source="landing page",
        website="https://example.com",
        date_of_birth="1988-02-03T00:00:00.000Z",
        assigned_to="UsrSam00000000000001",
        custom={
            "CfBill0000000000001": 142.5,
            "CfServices000000001": ["Roof", "Gutters"],
            "CfUpload0000000001": {"f1": {"name": "bill.pdf"}},
        },
    )
    assert (reading.type, reading.source, reading.location_id) == ("contact.created", "app", LOCATION)
    assert (reading.key, reading.occurred_at, reading.deleted) == (MARIA, AT, False)
    assert (reading.dnd_all, reading.dnd_call) == (False, None)
    assert reading.payload is body


BLOCKS = {
    "ContactUpdate__silent_about_dnd": (None, None),
    "ContactUpdate__dnd_true_channels_inactive": (True, False),
    "ContactUpdate__dnd_settings_with_rcs": (None, False),
    "ContactDndUpdate__call_active": (False, True),
    "ContactDndUpdate__call_permanent_lower_case": (False, True),
    "ContactDndUpdate__lifted": (False, False),
    "ContactDndUpdate__no_settings": (True, None),
    "ContactDndUpdate__all_channels": (True, None),
    "ContactDndUpdate__inbound_only": (None, None),
    "ContactCreate__wrong_types_everywhere": (None, None),
}


@pytest.mark.parametrize("case", BLOCKS)
def test_blocks(case):
    reading = source.read(payload(case))
    assert (reading.dnd_all, reading.dnd_call) == BLOCKS[case]
    assert reading.contact.do_not_call is (True in BLOCKS[case])


@pytest.mark.parametrize(
    ("fields", "blocks"),
    [
        ({"dnd": "true"}, (True, None)),
        ({"dnd": None, "dndSettings": None}, (True, None)),  # about do-not-disturb, and says no value
        ({"dnd": "", "dndSettings": {}}, (True, None)),
        ({"dnd": "", "inboundDndSettings": {"all": {"status": "active"}}}, (None, None)),
        ({"dndSettings": '{"Call": {"status": "active"}}'}, (False, True)),
        ({"dndSettings": [{"channel": "Call", "status": "active"}]}, (False, True)),
        ({"dndSettings": [{"channel": "SMS", "status": "active"}]}, (False, False)),
        ({"dnd": "perhaps", "dndSettings": {"SMS": {"status": "active"}}}, (True, False)),
        ({"dndSettings": {"CALL": "active"}}, (False, True)),
        ({"dndSettings": {"Call": None}}, (False, False)),
        ({"dndSettings": {"Call": {"status": ["active"]}}}, (False, True)),
        ({"dndSettings": {"Call": {"status": "sometimes"}}}, (False, True)),
        ({"dndSettings": {"Call": {"status": "inactive"}, "call": {"status": "active"}}}, (False, True)),
        ({"dndSettings": "active"}, (True, None)),
    ],
)
def test_blocks_in_odd_shapes(fields, blocks):
    reading = source.read({"type": "ContactDndUpdate", "id": "c", **fields})
    assert (reading.dnd_all, reading.dnd_call) == blocks


def test_a_status_that_is_not_understood_is_told():
    reading = source.read({"type": "ContactUpdate", "id": "c", "dndSettings": {"Call": {"status": "now"}}})
    assert reading.warnings == (
        "dndSettings.Call: 'now' isn't understood, so it counts as true: write true or false",
    )
    assert source.read(payload("ContactDndUpdate__call_active")).warnings == ()


def test_deleted():
    assert source.read(payload("ContactDelete__snapshot")).deleted


def test_name_from_its_parts():
    assert source.read(payload("ContactCreate__no_name_key")).contact.name == "Ben Okoro"
    assert source.read(payload("ContactCreate__no_phone_old_envelope")).contact.name == "Ana"


def test_record_under_data():
    reading = source.read(payload("ContactCreate__record_under_data"))
    assert (reading.contact.phone, reading.type, reading.key) == ("+14155550101", "contact.created", MARIA)


def test_odd_text():
    contact = source.read(payload("ContactUpdate__odd_text")).contact
    assert contact.id == "CtOdd00000000000001"
    assert (contact.first_name, contact.last_name) == ("Zoë Anne", "O'Neil-Ñandú 🏡👩‍👩‍👧")
    assert (contact.phone, contact.email, contact.company) == ("+1 415 555 0104", "", "")
    assert (contact.city, contact.tags) == ("Line Break", ("a", "3"))


def test_custom_field_spellings():
    assert source.read(payload("ContactUpdate__custom_field_spellings")).contact.custom == {
        "A": "one",
        "contact.bill": "two",
        "Monthly bill": 3,
        "D": "",
        "contact.d": "",
        "N": "",
    }
    assert source.read({"customFields": {"bill": " 9 "}}).contact.custom == {"bill": "9"}


def test_wrong_types_cost_only_themselves():
    body = payload("ContactCreate__wrong_types_everywhere")
    assert anyones.receive(body) == Incoming("contact.created", contact=ContactKey("ghl", "x", "12345"))
    reading = anyones.read(body)
    assert reading.contact == Contact(
        id="12345", first_name="Eve", name="Eve", phone="4155550103", company="7"
    )
    assert "lastName: nothing could be read of an object" in reading.warnings


def test_a_phone_of_400_digits_is_the_rules_business():
    assert source.read(payload("ContactUpdate__phone_of_400_digits")).contact.phone == "1" * 400
