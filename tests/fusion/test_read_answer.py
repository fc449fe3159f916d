"""Every answer becomes the outcome that its status means, whatever its body looks like."""

import json
from typing import get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.fusion.leads import read_answer
from bridge.outbox.outcome import (
    Delivered,
    Exists,
    Failed,
    Gone,
    Outcome,
    Quota,
    Rejected,
    Throttled,
    Unauthorized,
    Unreachable,
)
from bridge.outbox.request import Request

NOW = 1_780_000_000.0
ONE = Request("create", "", None, ({"phone": "+14155550101", "name": "Ann"},))
TWO = Request("create", "", None, ({"phone": "+14155550101"}, {"phone": "+14155550102"}))
UPDATE = Request("update", "", None, ({"phone": "+14155550101", "name": "Ann"},))
REFUSED = {"success": False, "error": "Validation failed"}
HTML = b"<html><h1>Bad gateway</h1></html>"


def read(request: Request, status: int, body: object = None, **headers: str) -> Outcome:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return read_answer(request, status, names, raw, now=NOW)[0]


@pytest.mark.parametrize(
    ("status", "on_create", "on_update", "uncertain"),
    [
        (301, Failed, Failed, False),
        (308, Failed, Failed, False),
        (400, Rejected, Rejected, None),
        (401, Unauthorized, Unauthorized, None),
        (402, Rejected, Rejected, None),
        (403, Unauthorized, Unauthorized, None),
        (404, Rejected, Gone, None),
        (405, Rejected, Rejected, None),
        (408, Failed, Failed, False),
        (409, Exists, Rejected, None),
        (413, Rejected, Rejected, None),
        (418, Rejected, Rejected, None),
        (422, Rejected, Rejected, None),
        (429, Throttled, Throttled, None),
        (499, Rejected, Rejected, None),
        (500, Failed, Failed, True),
        (501, Failed, Failed, True),
        (502, Unreachable, Unreachable, True),
        (503, Unreachable, Unreachable, False),
        (504, Unreachable, Unreachable, True),
        (507, Failed, Failed, True),
        (100, Failed, Failed, True),
        (600, Failed, Failed, True),
        (0, Failed, Failed, True),
        (-1, Failed, Failed, True),
    ],
)
@pytest.mark.parametrize("body", [REFUSED, b"", b"{", b"null", [], "text", {"success": True}, b"\xff\xfe"])
def test_status_decides(status, on_create, on_update, uncertain, body):
    for request, wanted in ((ONE, on_create), (TWO, on_create), (UPDATE, on_update)):
        outcome = read(request, status, body)
        assert type(outcome) is wanted
        assert getattr(outcome, "uncertain", None) is uncertain


@pytest.mark.parametrize("status", [500, 501, 502, 503, 520])
@pytest.mark.parametrize(("body", "content_type"), [(HTML, ""), (b" \n<?xml", ""), (b"oops", "text/html")])
def test_a_web_page_instead_of_a_5xx_means_fusion_is_away(status, body, content_type):
    outcome = read(ONE, status, body, Content_Type=content_type)
    assert outcome == Unreachable(f"Fusion is away: {status}", uncertain=status != 503)


def test_a_web_page_as_a_refusal_hints_at_the_address():
    outcome = read(ONE, 404, HTML)
    assert isinstance(outcome, Rejected)
    assert "base_url" in outcome.fix
    assert "<" not in outcome.reason


def test_a_redirect_hints_at_the_address():
    outcome = read(ONE, 307, b"", Location="https://elsewhere.example")
    assert isinstance(outcome, Failed)
    assert "base_url" in outcome.reason


@pytest.mark.parametrize("status", [200, 201, 299])
@pytest.mark.parametrize("body", [b"", b"{", b'{"data": {"id"', b"null", [], [1], 1, "x", {"success": False}])
def test_an_unreadable_success_is_uncertain(status, body):
    assert read(ONE, status, body) == Failed("Fusion's answer can't be read", uncertain=True)


def test_a_successful_web_page_is_uncertain():
    outcome = read(ONE, 200, HTML)
    assert isinstance(outcome, Unreachable)
    assert outcome.uncertain


LEAD = {"id": "lead-1", "phone": "+14155550101"}


@pytest.mark.parametrize(
    ("request_", "data", "wanted"),
    [
        (ONE, {"mode": "atomic", "inserted": 1, "leads": [LEAD]}, Delivered({"+14155550101": "lead-1"}, 1)),
        (
            TWO,
            {"inserted": 2, "leads": [{"id": "b", "phone": "+14155550102"}, LEAD]},
            Delivered({"+14155550102": "b", "+14155550101": "lead-1"}, 2),
        ),
        (UPDATE, LEAD, Delivered({"+14155550101": "lead-1"})),
        (UPDATE, {"lead": LEAD}, Delivered({"+14155550101": "lead-1"})),
        (UPDATE, {"lead": {"id": "lead-1"}}, Delivered({"+14155550101": "lead-1"})),
        (ONE, {"leads": [{**LEAD, "phone": "(415) 555-0101"}]}, Delivered({"+14155550101": "lead-1"})),
        (ONE, {"leads": [{**LEAD, "phone": "?"}]}, Delivered({"?": "lead-1"})),
        (ONE, {"inserted": 0, "leads": []}, Delivered({}, 0)),
        (ONE, {"inserted": True, "leads": {"a": 1}}, Delivered()),
        (ONE, {"inserted": -1, "lead": [LEAD]}, Delivered()),
        (ONE, {"inserted": "1", "leads": [None, 3, "x", [], {}, {"id": 7, "phone": 8}]}, Delivered()),
        (TWO, {"leads": [{"id": "a"}, {"id": ""}, {"id": None, "phone": None}]}, Delivered()),
        (ONE, [LEAD], Delivered()),
        (ONE, None, Delivered()),
        (ONE, "done", Delivered()),
    ],
)
@pytest.mark.parametrize("status", [200, 201])
def test_success(request_, data, wanted, status):
    assert read(request_, status, {"success": True, "data": data}) == wanted


@pytest.mark.parametrize(
    ("details", "index"),
    [
        ([{"index": 1, "errors": ["phone: Invalid"]}], 1),
        ([{"index": "1"}, {"index": True}, {"index": 2}, {"index": -1}, {"index": 0}], 0),
        ({"index": 1}, 1),
        ([3, None, "x"], None),
        ("phone", None),
        (None, None),
    ],
)
def test_the_culprit_of_a_batch(details, index):
    body = {"success": False, "error": "Validation failed", "details": details}
    assert read(TWO, 400, body).index == index
    assert read(TWO, 409, body).index == index


def test_words_are_folded_masked_and_short():
    body = {
        "success": False,
        "error": "Validation failed",
        "message": "Validation failed",
        "details": [
            {"index": 1, "errors": ["phone: +14155550101 is\ntaken by ann.lee@example.com"]},
            {"path": ["tags", 0], "message": "Invalid"},
            {"company": ["Too long"]},
        ],
    }
    assert read(TWO, 400, body).reason == (
        "Validation failed: lead 1: phone: +1415•••0101 is taken by a***@example.com"
        ": tags: Invalid: company Too long"
    )
    assert len(read(TWO, 422, {"error": "é" * 5000}).reason) == 300
    assert read(ONE, 400, b"plain  words").reason == "plain words"
    assert read(ONE, 400, b"").reason == "Fusion answered 400 without a reason"


def test_every_refusal_says_what_to_do():
    assert "campaign_id" in read(ONE, 404, REFUSED).fix
    assert "Default Feed" in read(ONE, 404, REFUSED).fix
    assert all(
        read(request, status, REFUSED).fix for request in (ONE, UPDATE) for status in (400, 413, 422, 451)
    )
    assert read(UPDATE, 409, REFUSED).fix


def test_quota_comes_with_every_answer():
    headers = {
        "X-RateLimit-Limit": "100",
        "x-ratelimit-remaining": "7",
        "X-RATELIMIT-RESET": str(int(NOW) + 9),
    }
    for status in (201, 400, 429, 500):
        assert read_answer(ONE, status, headers, b"", now=NOW)[1] == Quota(100, 7, NOW + 9)


_json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    "data",
                    "lead",
                    "leads",
                    "id",
                    "phone",
                    "inserted",
                    "details",
                    "index",
                    "errors",
                    "error",
                    "message",
                    "retryAfter",
                    "path",
                ]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)
_headers = st.dictionaries(
    st.sampled_from(
        ["Retry-After", "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset", "Content-Type"]
    ),
    st.text(max_size=30)
    | st.from_regex(r"[0-9eE+\-.,: GMT]{0,30}")
    | st.floats().map(str)
    | st.dates().map(str),
)


@settings(max_examples=400, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(
    request=st.sampled_from([ONE, TWO, UPDATE]),
    status=st.integers(-1, 1000) | st.sampled_from([200, 201, 400, 404, 409, 429, 500, 503]),
    headers=_headers,
    body=st.binary(max_size=60) | _json_values.map(lambda value: json.dumps(value).encode()),
)
def test_anything_becomes_an_outcome(request, status, headers, body):
    outcome, quota = read_answer(request, status, headers, body, now=NOW)
    assert type(outcome) in get_args(Outcome)
    assert isinstance(quota, Quota)
    if isinstance(outcome, Throttled):
        assert 1 <= outcome.retry_after_s <= 3600
    if hasattr(outcome, "reason"):
        assert 0 < len(outcome.reason) <= 300
        assert outcome.reason.isprintable()
