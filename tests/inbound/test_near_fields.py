"""Fields under keys that are nearly GHL's, lists and objects where a text is wanted, ids beside a contact."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.inbound import GhlApp, GhlWorkflow, values
from bridge.inbound.near_fields import FIELDS
from bridge.model import ContactKey

SOURCE = GhlWorkflow("workflow", "t")
PHONE = "+12025550142"


@pytest.mark.parametrize(
    "key",
    [
        "Phone",
        "phone_number",
        "phoneNumber",
        "Phone Number",
        "mobile",
        "Mobile Phone",
        "cell",
        "telephone",
        "to_number",
        "contact_phone",
        "PHONE",
        "phones",
        "Your phone",
        "phone no.",
        "Tel",
    ],
)
@pytest.mark.parametrize("where", ["root", "contact", "custom data", "an app"])
def test_a_phone_under_a_near_key_is_read_and_told(key, where):
    if where == "an app":
        reading = GhlApp("app", ()).read({"type": "ContactUpdate", "id": "c", key: PHONE})
    else:
        body = {"root": {key: PHONE}, "contact": {"contact": {"id": "c", key: PHONE}}}
        reading = SOURCE.read({"full_name": "Ann", **body.get(where, {"customData": {key: PHONE}})})
        assert SOURCE.receive({**body.get(where, {"customData": {key: PHONE}})})  # it identifies a contact
    assert reading.contact.phone == PHONE
    assert f"phone: read from the key {key!r}" in reading.warnings


@pytest.mark.parametrize(
    "key", ["Email", "E-Mail", "email_address", "Email Address", "emailAddress", "contact_email"]
)
def test_an_e_mail_too(key):
    reading = SOURCE.read({"contact_id": "c", key: "ann@example.com"})
    assert reading.contact.email == "ann@example.com"
    assert f"email: read from the key {key!r}" in reading.warnings


def test_names_companies_and_countries():
    contact = SOURCE.read(
        {"contact_id": "c", "First Name": "Ann", "LastName": "Lee", "Country": "FR"}
    ).contact
    assert (contact.name, contact.first_name, contact.country) == ("Ann Lee", "Ann", "FR")


def test_the_right_key_counts_and_nothing_is_told():
    reading = SOURCE.read({"contact_id": "c", "Phone": "1", "mobile": "2", "phone": PHONE})
    assert (reading.contact.phone, reading.warnings) == (PHONE, ())


@pytest.mark.parametrize("key", ["WhatsApp number", "Spouse's phone", "phone (office)", "Second mobile"])
def test_another_phone_is_told_and_not_dialled(key):
    reading = SOURCE.read({"contact_id": "c", key: PHONE})
    assert reading.contact.phone == ""
    assert any(repr(key) in warning for warning in reading.warnings)


@pytest.mark.parametrize("key", ["Best time to phone", "phone_ok", "Microphone", "Hotel", "cell_id"])
def test_what_holds_no_phone_is_not_told(key):
    assert SOURCE.read({"contact_id": "c", key: "after 5"}).warnings == ()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ([PHONE], PHONE),
        (["", None, PHONE, "+12025550143"], PHONE),
        ([[PHONE]], PHONE),
        ({"value": PHONE}, PHONE),
        ({"number": PHONE, "name": "Home"}, PHONE),
        ({"label": "Mobile", "phone": PHONE}, PHONE),
        ({"value": "", "label": "Mobile"}, ""),  # the label isn't the value
        ([{"type": "home", "value": PHONE}], PHONE),
        ({"countryCode": "+1", "number": "2025550142"}, PHONE),
        ({"callingCode": "1", "number": "2025550142", "countryCode": "US"}, PHONE),
        ({"countryCode": "GB", "number": "020 7946 0958"}, "+442079460958"),
        ({"countryCode": "US", "number": PHONE}, PHONE),
        ({"name": "Ann"}, "Ann"),
        ({"id": 7, "label": "Roof"}, "Roof"),
        ({"firstName": "Ann", "lastName": "Lee"}, "Ann Lee"),
        ({"first": "Ann", "last": None}, "Ann"),
        (["Ann &amp; Bob"], "Ann & Bob"),
        ({"a": 1}, ""),
        ([], ""),
        ([[[[[["deep"]]]]]], ""),
    ],
)
def test_a_text(value, text):
    assert values.text(value) == text


@pytest.mark.parametrize(
    ("value", "tags"),
    [
        ('["customer","vip"]', ("customer", "vip")),
        ("[customer, vip]", ("customer", "vip")),
        ("['customer', 'vip']", ("customer", "vip")),
        ('[{"name": "customer"}]', ("customer",)),
        ([{"id": 7, "tag": "customer", "name": "customer"}], ("customer",)),
        ([{"label": "customer"}, {"value": "vip"}], ("customer", "vip")),
        ({"name": "customer"}, ("customer",)),
        ({"customer": True, "vip": False}, ("customer",)),
        ({"0": "customer", "1": "vip"}, ("customer", "vip")),
        (['["customer"]'], ("customer",)),
        ("customer, vip", ("customer", "vip")),
        (["a, b"], ("a, b",)),
        (["[red]x[/red]"], ("[red]x[/red]",)),
        ("[]", ()),
        ("{}", ()),
        ([{"x": 1}], ()),
        ("R&amp;D", ("R&D",)),
    ],
)
def test_tags(value, tags):
    assert values.tags(value) == tags


def test_what_gives_nothing_is_told_with_its_key():
    body = {"contact_id": "c", "phone": {"x": 1}, "companyName": [[]], "tags": [{"x": 1}]}
    assert SOURCE.read(body).warnings == (
        "phone: nothing could be read of an object",
        "companyName: nothing could be read of a list",
        "tags: nothing could be read of a list",
    )


@pytest.mark.parametrize(
    "body",
    [
        {"id": "c1", "phone": PHONE},
        {"id": "c1", "email": "ann@example.com"},
        {"id": "c1", "full_name": "Ann Lee", "Phone": PHONE},
        {"id": ["c1"], "phone": PHONE, "type": "lead"},
        {"id": "c1", "phone": PHONE, "message": "call me", "order": "two"},
        {"data": {"id": "c1", "name": "Ann", "phone": PHONE}},
        {"contact": {"id": "c1", "name": "Ann", "phones": [PHONE]}},
    ],
)
def test_an_id_beside_a_contact_is_the_contacts(body):
    assert SOURCE.read(body).key == ContactKey("ghl", "", "c1")


@pytest.mark.parametrize(
    "body",
    [
        {"id": "x", "phone": PHONE, "pipeline_id": "p"},
        {"id": "x", "phone": PHONE, "opportunity_name": "Roof"},
        {"id": "x", "phone": PHONE, "pipelineStage": "new"},
        {"id": "x", "phone": PHONE, "opportunity": {"name": "Roof"}},
        {"id": "x", "phone": PHONE, "appointment": {"title": "Visit"}},
        {"id": "x", "phone": PHONE, "type": "AppointmentCreate"},
        {"id": "x", "phone": PHONE, "event": "opportunity.created"},
        {"id": "x", "phone": PHONE, "order_id": "7"},
        {"id": "x", "phone": PHONE, "invoice": {"total": 1}},
        {"id": "x", "status": "hot"},
    ],
)
def test_an_id_of_another_record_is_not(body):
    assert SOURCE.read(body).key is None


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ({"full_name": "null null"}, ""),
        ({"full_name": "undefined undefined"}, ""),
        ({"full_name": "Ann null"}, "Ann"),
        ({"first_name": "null", "last_name": "Lee"}, "Lee"),
        ({"first_name": "Null", "last_name": "Ng"}, "Null Ng"),  # there are such people
        ({"full_name": "[object Object]"}, ""),
        ({"full_name": "O&#39;Neil"}, "O'Neil"),
        ({"full_name": "Ann&nbsp;O&#x27;Neil"}, "Ann O'Neil"),
        ({"full_name": "Smith &amp; Sons"}, "Smith & Sons"),
        ({"full_name": "A &amp;amp; B"}, "A &amp; B"),  # once
        ({"full_name": "AT&T &copy"}, "AT&T &copy"),
        ({"full_name": "Jos&eacute; &lt;3"}, "José <3"),
    ],
)
def test_names(said, name):
    assert SOURCE.read({"contact_id": "c", **said}).contact.name == name


@settings(deadline=None)
@given(st.sampled_from([(field, name) for field in ("phone", "email") for name in FIELDS[field]]), st.data())
def test_any_case_of_a_near_key(near, data):
    field, name = near
    key = "".join(sign.upper() if data.draw(st.booleans()) else sign for sign in name)
    assert getattr(SOURCE.read({"contact_id": "c", key: "4155550142"}).contact, field) == "4155550142"
