"""An opt-out counts under any key and in any shape; what is said and not understood blocks and is told."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.inbound import GhlApp, GhlWorkflow, JsonSource
from bridge.inbound.keys import _PHRASES

WORKFLOW = GhlWorkflow("workflow", "t")
FORMS = JsonSource(
    "forms",
    "t",
    contact={
        "phone": lambda words: words["payload"].get("phone"),
        "do_not_call": lambda words: words["payload"].get("opted"),
    },
)
APP = GhlApp("app", ())
PERSON = {"contact_id": "c", "full_name": "Ann Lee", "phone": "+12025550142"}


def read(said, source=WORKFLOW):
    """The reading of a body that says this; what is urgent is what blocks or deletes."""
    body = {**PERSON, **said} if source is WORKFLOW else {"phone": "+12025550142", **said}
    if source is APP:
        body = {"type": "ContactUpdate", "id": "c", **body}
    reading = source.read(body)
    assert source.receive(body).urgent is (reading.contact.do_not_call or reading.deleted)
    return reading


BLOCKS = [
    {"DND": "true"},
    {"dnd ": "true"},
    {"optOut": "true"},
    {"Do Not Call": "Yes"},
    {"Unsubscribed": 1},
    {"STOP": "stop"},
    {"opted_out_at": "2026-11-03T10:00:00Z"},
    {"Opted out on": "11/03/2026"},
    {"dnd": ["Call"]},
    {"dnd": [True]},
    {"dnd": {"value": "yes"}},
    {"dnd": {"status": "active", "message": "STOP"}},
    {"dnd": '{"Call": {"status": "active"}}'},
    {"dndSettings": '{"Call":{"status":"active","message":"STOP"}}'},
    {"dndSettings": [{"channel": "Call", "status": "active"}]},
    {"dndSettings": [{"type": "voice", "enabled": True}, {"type": "sms", "enabled": False}]},
    {"dndSettings": {"channels": [{"name": "Call", "status": "permanent"}]}},
    {"DND Settings": {"all": "active"}},
    {"preferences": {"do_not_call": True}},
    {"contact": {"id": "c", "phone": "+12025550142", "OptOut": "yes"}},
    {"customFields": [{"label": "Do Not Call", "value": "Yes"}]},
    {"customFields": {"Do Not Call": "Yes"}},
    {"fields": [{"name": "opt_out", "values": ["yes"]}]},
    {"can_call": "no"},
    {"call_consent": False},
    {"Opted In": "No"},
    {"not_opted_out": "false"},
    {"event": "Unsubscribed"},
    {"Event": "opt_out"},
    {"ACTION": "Do not call"},
    {"type": "opt-out"},
    {"eventType": "DND enabled"},
    {"event": "call_opt_out"},
    {"call consent": "Revoked"},
    {"consent to calls": "declined"},
    {"disposition": "Do Not Call"},
]
SILENT = [
    {},
    {"dnd": ""},
    {"dnd": None},
    {"dnd": "none"},
    {"dnd": "SMS"},
    {"dnd": "-"},
    {"opt_in": "true"},
    {"can_call": "yes"},
    {"call consent": "I agree to be called"},
    {"May we call you?": "No"},
    {"sms_opt_out": "true"},
    {"email_unsubscribed": True},
    {"opt_out_link": "https://example.com/out"},
    {"dnd_removed": "true"},
    {"tags": ["dnd", "stop"]},
    {"Bus stop": "12"},
    {"user": {"dnd": True}},
    {"agent": {"status": "dnd", "dnd": "on"}},
    {"dndSettings": {}},
    {"message": "please call me, I do not want to stop"},
    {"event": "email_unsubscribed"},
    {"event": "form submitted", "type": "lead"},
    {"deleted": False},
    {"deleted_at": None},
    {"marketing_opt_in": "false"},
]
UNCLEAR = [
    {"DND": "maybe"},
    {"opt-out": "x"},
    {"stop": "please leave me alone"},
    {"do not call until": "Christmas"},
    {"dnd_reason": "moved abroad"},
    {"dnd": {"x": 1}},
    {"dnd": [["perhaps"]]},
    {"dndSettings": "Call=active;SMS=inactive"},
    {"dndSettings": {"Call": {"code": "103"}}},
    {"dndSettings": [{"channel": "Call"}]},
    {"dndSettings": [2, 3]},
    {"deleted": "perhaps"},
    {"opted out": 7},
]


@pytest.mark.parametrize("said", BLOCKS, ids=repr)
@pytest.mark.parametrize("where", ["root", "custom data", "a form", "an app"])
def test_a_block(said, where):
    if where == "custom data":
        reading = read({"customData": said})
    elif where == "an app":
        if any(key.lower().startswith(("event", "type", "action")) for key in said):
            return  # an app's events are GHL's own
        reading = read(said, APP)
    else:
        reading = read(said, FORMS if where == "a form" else WORKFLOW)
    assert True in (reading.dnd_all, reading.dnd_call)
    assert reading.contact.do_not_call


@pytest.mark.parametrize("said", SILENT, ids=repr)
@pytest.mark.parametrize("source", [WORKFLOW, FORMS], ids=["workflow", "form"])
def test_nothing_is_said_of_calls(said, source):
    reading = read(said, source)
    assert (reading.dnd_all, reading.dnd_call, reading.deleted) == (None, None, False)


@pytest.mark.parametrize("said", UNCLEAR, ids=repr)
@pytest.mark.parametrize("source", [WORKFLOW, FORMS], ids=["workflow", "form"])
def test_what_is_not_understood_blocks_and_is_told(said, source):
    reading = read(said, source)
    assert reading.contact.do_not_call
    assert any(next(iter(said)) in warning for warning in reading.warnings)


@pytest.mark.parametrize(
    "said",
    [
        {"dnd": "false"},
        {"Do Not Call": "No"},
        {"opted_out": 0},
        {"DND": "Opted in"},
        {"DND Status": "disabled"},
        {"event": "DND disabled"},
        {"action": "dnd removed"},
    ],
)
def test_a_lifting_in_so_many_words(said):
    assert read({"customData": said}).dnd_all is False
    assert read(said, FORMS).dnd_all is False


@pytest.mark.parametrize("said", [{"dnd_reason": "no"}, {"can_call": "yes"}, {"marketing_opt_out": "false"}])
def test_what_only_looks_like_it_never_lifts(said):
    assert read(said).dnd_all is None


@pytest.mark.parametrize(
    "said",
    [
        {"event": "ContactDndUpdate"},
        {"Event": "contact.dnd"},
        {"type": "dnd"},
        {"action": "DND changed"},
        {"event": "ContactDndUpdate", "dnd": ""},
        {"event": "ContactDndUpdate", "dnd": "{{contact.dnd}}"},
    ],
)
def test_an_event_about_do_not_disturb_that_says_no_value(said):
    reading = read({"customData": said})
    assert (reading.type, reading.dnd_all) == ("contact.dnd", True)
    assert any("nothing says how" in warning for warning in reading.warnings)


def test_and_one_that_says_it():
    assert read({"event": "ContactDndUpdate", "dnd": "false"}).dnd_all is False
    assert read({"event": "ContactDndUpdate", "dndSettings": {"SMS": {"status": "active"}}}).dnd_all is False


@pytest.mark.parametrize(
    "said",
    [
        {"deleted": True},
        {"Is Deleted": "yes"},
        {"deleted_at": "2026-11-03T10:00:00Z"},
        {"EVENT": "contact.deleted"},
        {"Action": "delete"},
        {"event": "Contact was deleted"},
        {"event": "lead removed"},
        {"Type": "deleted contact"},
    ],
)
def test_a_deletion(said):
    for reading in (read({"customData": said}), read(said), read(said, FORMS)):
        assert (reading.deleted, reading.type) == (True, "contact.deleted")


def test_a_word_that_may_be_a_deletion_blocks():
    reading = read({"type": "removed"})
    assert (reading.deleted, reading.dnd_all) == (False, True)
    assert "may be a deletion" in reading.warnings[0]


@pytest.mark.parametrize("value", ["Bus stop 12", "Stop 4, Main Street"])
def test_a_stop_of_a_bus_is_told_and_blocks_nobody(value):
    reading = read({"stop": value})
    assert reading.dnd_all is None
    assert any("isn't taken for an opt-out" in warning for warning in reading.warnings)


def test_the_users_own_reading_of_a_key_counts():
    answered = JsonSource(
        "forms", "t", contact={"do_not_call": lambda words: words["payload"]["Opt out?"] == "calls"}
    )
    assert answered.read({"Opt out?": "letters"}).dnd_all is False
    assert answered.read({"Opt out?": "calls"}).dnd_all is True
    assert answered.read({"Opt out?": "letters", "dnd": True}).dnd_all is True  # another key


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12)
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
)
names = st.sampled_from([phrase.strip() for phrase in _PHRASES.split(",")]) | st.sampled_from(
    [
        "dndSettings",
        "can_call",
        "deleted",
        "event",
        "action",
        "dnd_reason",
        "Status",
        "channel",
        "value",
        "label",
    ]
)
objects = st.dictionaries(names | st.text(max_size=8), anything, max_size=6)


@settings(deadline=None)
@given(objects)
def test_any_payload(payload):
    for source in (WORKFLOW, FORMS, APP):
        read({**payload, "contact_id": "c", "type": "ContactUpdate"}, source)


@settings(deadline=None)
@given(objects, names.filter(lambda name: name in _PHRASES), st.sampled_from(["yes", True, 1, "maybe", "on"]))
def test_an_opt_out_beside_anything_blocks(payload, name, value):
    assert read({**payload, name: value}).contact.do_not_call or name == "stop"
    assert read({**payload, "customData": {name: value}}).contact.do_not_call or name == "stop"


def test_a_strangers_thousands_of_keys_take_no_time():
    body = {f"opt call {i}": {"call": [i]} for i in range(30_000)}
    assert FORMS.receive({**body, "dnd": True}).urgent
