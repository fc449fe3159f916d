"""Whatever JSON arrives: an answer or an InboundError at accept, and always a reading."""

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.errors import InboundError
from bridge.inbound import GhlApp, GhlWorkflow, JsonSource, Source
from bridge.inbound.body import fingerprint, parse
from bridge.model import Contact, Ignored, Incoming, Reading

ROOT = Path(__file__).parents[2]
REAL = sorted((ROOT.parent / "shared" / "payloads").glob("*.json"))
OURS = sorted((ROOT / "tests" / "payloads").glob("*.json"))

KEY = Ed25519PrivateKey.from_private_bytes(b"\x01" * 32).public_key()
WORDS = ("id", "first_name", "name", "phone", "email", "tags", "do_not_call")
app = GhlApp("app", (KEY,), app_id="65a1b2c3d4e5f60718293a4b")
workflow = GhlWorkflow("workflow", "t")
forms = JsonSource(
    "forms",
    "t",
    contact={word: lambda context, word=word: context["payload"].get(word) for word in WORDS},
    custom={"all": lambda context: context["payload"]},
    id=lambda context: context["payload"].get("event_id"),
    occurred_at=lambda context: context["payload"].get("timestamp"),
    deleted=lambda context: context["payload"].get("event"),
)
SOURCES: tuple[Source, ...] = (app, workflow, forms)

KEYS = [
    "type",
    "id",
    "contact_id",
    "contactId",
    "locationId",
    "location_id",
    "location",
    "workflow",
    "name",
    "customData",
    "contact",
    "data",
    "tags",
    "phone",
    "email",
    "firstName",
    "first_name",
    "full_name",
    "customFields",
    "value",
    "key",
    "dnd",
    "do_not_call",
    "dndSettings",
    "Call",
    "status",
    "timestamp",
    "webhookId",
    "event_id",
    "appId",
    "event",
    "pipeline_id",
    "source",
]
TYPES = ["ContactCreate", "ContactDndUpdate", "ContactDelete", "contact.deleted", "NoteCreate"]
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(
        [*TYPES, "null", "{{contact.id}}", "active", "2026-09-14T15:04:05Z", 10**400, 1789398245000]
    )
)
keys = st.sampled_from(KEYS) | st.text(max_size=10)
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=6),
    max_leaves=20,
)
objects = st.dictionaries(keys, anything, max_size=10)


def check(source, payload):
    reading = source.read(payload)
    assert isinstance(reading, Reading)
    for word in Contact.__dataclass_fields__.values():
        assert isinstance(
            getattr(reading.contact, word.name), word.type if isinstance(word.type, type) else object
        )
    assert all(isinstance(tag, str) and tag for tag in reading.contact.tags)
    try:
        received = source.receive(payload)
    except InboundError:
        return
    assert isinstance(received, Incoming | Ignored)


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)
@settings(deadline=None)
@given(payload=objects)
def test_any_object(source, payload):
    check(source, payload)


@settings(deadline=None)
@given(kind=st.sampled_from(TYPES), payload=objects)
def test_any_contact_event(kind, payload):
    check(app, payload | {"type": kind})


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)
def test_a_very_deep_object_is_read(source):
    deep = value = {}
    for _ in range(5000):
        value["data"] = value["contact"] = value["id"] = value["x"] = value = {}
    check(source, deep)


@pytest.mark.parametrize("path", OURS, ids=lambda path: path.stem)
def test_our_payloads(path):
    payload = parse(path.read_bytes())
    assert fingerprint(payload)
    for source in SOURCES:
        check(source, payload)


@pytest.mark.skipif(not REAL, reason="the collected payloads are not here")
def test_collected_payloads():
    for path in REAL:
        payload = parse(path.read_bytes())
        for source in SOURCES:
            check(source, payload)


@pytest.mark.parametrize(
    "path",
    [path for path in REAL if path.stem.startswith(("official", "captured-m", "synthetic-A"))],
    ids=lambda p: p.stem,
)
def test_collected_app_payloads(path):
    payload = json.loads(path.read_bytes())
    received = GhlApp("app", (KEY,)).receive(payload)
    if payload["type"].startswith("Contact"):
        assert isinstance(received, Incoming)
        assert received.contact.contact_id == payload["id"]
    else:
        assert received == Ignored(f"event type {payload['type']} is not used")


@pytest.mark.parametrize(
    "path",
    [path for path in REAL if "workflow-webhook" in path.stem and "headers" not in path.stem],
    ids=lambda p: p.stem,
)
def test_collected_workflow_payloads(path):
    payload = json.loads(path.read_bytes())
    assert workflow.receive(payload).contact.contact_id == payload["contact_id"]
    reading = workflow.read(payload)
    assert reading.contact.custom == {}
    assert (reading.location_id, reading.contact.name) == (payload["location"]["id"], payload["full_name"])
