"""A Request as bytes: which form, where campaign and kind go, what is left out."""

import json

import pytest

from bridge.fusion.leads import LEADS_PATH, encode
from bridge.fusion.listing import encode_page
from bridge.outbox.request import Request

CAMPAIGN = "6f1c2a90-3f0e-4b7e-9c1d-2a6c1b0e7d55"
ANN = {"phone": "+14155550101", "name": "Ann"}
BOB = {"phone": "+14155550102", "name": "Bob"}


@pytest.mark.parametrize(
    ("request_", "body"),
    [
        (Request("create", "", None, (ANN,)), ANN),
        (Request("create", CAMPAIGN, "sms", (ANN,)), {**ANN, "campaign_id": CAMPAIGN, "kind": "sms"}),
        (
            Request("create", CAMPAIGN, "call", (ANN, BOB)),
            {
                "leads": [{**ANN, "campaign_id": CAMPAIGN}, {**BOB, "campaign_id": CAMPAIGN}],
                "kind": "call",
            },
        ),
        (Request("create", "", None, (ANN, BOB)), {"leads": [ANN, BOB]}),
        (Request("create", "", None, ({**ANN, "email": "", "tags": [], "company": None},)), ANN),
        (Request("create", "", None, ({**ANN, "tags": ("a", "b")},)), {**ANN, "tags": ["a", "b"]}),
        (
            Request("create", "", None, ({**ANN, "custom_fields": {"n": 0, "b": False}},)),
            {**ANN, "custom_fields": {"n": 0, "b": False}},
        ),
    ],
)
def test_create(request_, body):
    wire = encode(request_)
    assert (wire.method, wire.path, json.loads(wire.body)) == ("POST", LEADS_PATH, body)


def test_update_keeps_what_clears_and_leaves_out_what_is_empty():
    lead = {**ANN, "email": None, "tags": [], "company": "", "custom_fields": {}}
    wire = encode(Request("update", CAMPAIGN, "call", (lead,)))
    assert (wire.method, wire.path) == ("PATCH", LEADS_PATH)
    assert json.loads(wire.body) == {**ANN, "email": None, "tags": [], "campaign_id": CAMPAIGN}


@pytest.mark.parametrize(
    ("campaign_id", "query"),
    [("", "phone=%2B12025550101"), (CAMPAIGN, f"phone=%2B12025550101&campaign_id={CAMPAIGN}")],
)
def test_a_look_up_is_all_in_its_query(campaign_id, query):
    lead = {"phone": "+12025550101", "name": "Ann", "tags": ["a"]}
    wire = encode(Request("look", campaign_id, "call", (lead,), since=1.0))
    assert (wire.method, wire.path, wire.body) == ("GET", LEADS_PATH, b"")
    assert wire.target == f"{LEADS_PATH}?{query}"
    assert not wire.writes


def test_a_page_is_asked_for():
    assert encode_page("", 1).target == f"{LEADS_PATH}?page=1&pageSize=100"
    wire = encode_page(CAMPAIGN, 7)
    assert wire.target == f"{LEADS_PATH}?campaign_id={CAMPAIGN}&page=7&pageSize=100"
    assert (wire.method, wire.body, wire.writes) == ("GET", b"", False)


@pytest.mark.parametrize("value", ["\ud800", 1 << 70, object(), {1: 2}])
def test_what_json_cannot_say_is_an_error(value):
    with pytest.raises((TypeError, ValueError)):
        encode(Request("create", "", None, ({**ANN, "company": value},)))


@pytest.mark.parametrize("plan", ["update", "look"])
def test_there_is_no_batch_update_nor_look_up(plan):
    with pytest.raises(ValueError, match="too many values"):
        encode(Request(plan, "", None, (ANN, BOB)))
