"""Every answer becomes the outcome that its status means, whatever its body looks like."""

import json
from typing import get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.fusion.leads import read_answer
from bridge.fusion.listing import read_page
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
WHOLE = "what is said about the whole batch"


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
        # As told, however odd: fewer leads, others, without ids, inserted without leads.
        (TWO, {"inserted": 1, "leads": [LEAD]}, Delivered({"+14155550101": "lead-1"}, 1)),
        (
            TWO,
            {"inserted": 2, "leads": [{"id": "z", "phone": "+19995550199"}]},
            Delivered({"+19995550199": "z"}, 2),
        ),
        (
            TWO,
            {"inserted": 2, "leads": [{"phone": "+14155550101"}, {"id": 7, "phone": "4155550102"}]},
            Delivered({"+14155550101": "", "+14155550102": ""}, 2),
        ),
        (TWO, {"leads": [LEAD, {"phone": LEAD["phone"]}]}, Delivered({"+14155550101": "lead-1"})),
        (TWO, {"inserted": 2}, Delivered({}, 2)),
        (TWO, {"inserted": 2, "leads": None}, Delivered({}, 2)),
        (ONE, {"inserted": True, "leads": {"a": 1}}, Delivered()),
        (ONE, {"inserted": -1, "lead": [LEAD]}, Delivered()),
        (ONE, {"inserted": "1", "leads": [None, 3, "x", [], {}, {"id": 7, "phone": 8}]}, Delivered()),
        (TWO, {"leads": [{"id": "a"}, {"id": ""}, {"id": None, "phone": None}]}, Delivered()),
        (ONE, [LEAD], Delivered({"+14155550101": "lead-1"})),
        (ONE, None, Delivered()),
        (ONE, "done", Delivered()),
    ],
)
@pytest.mark.parametrize("status", [200, 201])
def test_success(request_, data, wanted, status):
    assert read(request_, status, {"success": True, "data": data}) == wanted


@pytest.mark.parametrize(
    ("details", "reasons"),
    [
        ([{"index": 1, "errors": ["phone: Invalid"]}], {1: "phone: Invalid"}),
        (
            [
                {"index": 1, "errors": ["phone: Invalid", "name: Required"]},
                {"index": 0, "message": "Blocked"},
            ],
            {0: "Blocked", 1: "phone: Invalid: name: Required"},
        ),
        ([{"index": 1, "errors": ["a"]}, {"index": 1, "errors": ["b", "a"]}], {1: "a: b"}),
        ([{"index": 0, "errors": {"phone": ["Invalid"]}}], {0: "phone Invalid"}),
        ([{"index": 0, "errors": [{"path": ["phone"], "message": "Invalid"}]}], {0: "phone: Invalid"}),
        ([{"index": 1, "errors": "taken by ann.lee@example.com"}], {1: "taken by a***@example.com"}),
        ([{"index": 0, "errors": []}], {0: WHOLE}),
        ([{"index": "1"}, {"index": True}, {"index": 2}, {"index": -1}, {"index": 0}], {0: WHOLE}),
        ({"index": 1, "errors": ["x"]}, {1: "x"}),
        ([{"index": 1, "errors": ["x"]}] * 5000, {1: "x"}),
        ([3, None, "x"], {}),
        ("phone", {}),
        (None, {}),
    ],
)
def test_the_culprits_of_a_batch(details, reasons):
    body = {"success": False, "error": "Validation failed", "details": details}
    refused = read(TWO, 400, body)
    assert refused.reason.startswith("Validation failed")
    assert refused.reasons == {
        index: refused.reason if words is WHOLE else words for index, words in reasons.items()
    }
    assert list(refused.reasons) == sorted(reasons)
    assert read(TWO, 409, body).indexes == tuple(sorted(reasons))


def test_every_culprit_of_a_full_batch_is_named():
    hundred = Request("create", "", None, tuple({"phone": f"+1202555{n:04}"} for n in range(100)))
    details = [{"index": n, "errors": [f"problem {n}"]} for n in reversed(range(100))]
    refused = read(hundred, 400, {"error": "Validation failed", "details": details})
    assert refused.reasons == {n: f"problem {n}" for n in range(100)}
    assert len(refused.reason) <= 300


@pytest.mark.parametrize(
    ("status", "whole"),
    [
        *((status, False) for status in (400, 413, 422)),
        *((s, True) for s in (402, 404, 405, 410, 415, 431, 451)),
    ],
)
def test_a_refusal_of_the_request_is_none_of_a_lead(status, whole):
    for request in (ONE, TWO):
        assert read(request, status, REFUSED).whole is whole
        assert read(request, status, HTML).whole is whole
    assert read(UPDATE, 409, REFUSED).whole is False


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
    assert "campaign" in read(ONE, 404, REFUSED).fix
    assert "Default Feed" in read(ONE, 404, REFUSED).fix
    assert all(
        read(request, status, REFUSED).fix for request in (ONE, UPDATE) for status in (400, 413, 422, 451)
    )
    assert read(UPDATE, 409, REFUSED).fix


@pytest.mark.parametrize("content_type", ["text/plain", "application/octet-stream", "", "application/json"])
def test_json_is_read_whatever_it_is_called(content_type):
    body = {"success": True, "data": {"inserted": 1, "leads": [LEAD]}}
    assert read(ONE, 201, body, Content_Type=content_type) == Delivered({"+14155550101": "lead-1"}, 1)


def test_quota_comes_with_every_answer():
    headers = {
        "X-RateLimit-Limit": "100",
        "x-ratelimit-remaining": "7",
        "X-RATELIMIT-RESET": str(int(NOW) + 9),
    }
    for status in (201, 400, 429, 500):
        assert read_answer(ONE, status, headers, b"", now=NOW)[1] == Quota(100, 7, NOW + 9)


LOOK = Request("look", "", None, ({"phone": "+14155550101"},), since=NOW - 20)

_json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 5)
    | st.floats(allow_nan=False)
    | st.text(max_size=20)
    | st.sampled_from(["+14155550101", "lead-1", "2026-05-28T20:26:35.000Z", NOW, 1e400]),
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
                    "created_at",
                    "total",
                    "success",
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
        [
            "Retry-After",
            "X-RateLimit-Limit",
            "X-RateLimit-Remaining",
            "X-RateLimit-Reset",
            "Content-Type",
            "Date",
        ]
    ),
    st.text(max_size=30)
    | st.from_regex(r"[0-9eE+\-.,: GMT]{0,30}")
    | st.floats().map(str)
    | st.dates().map(str),
)


_statuses = st.integers(-1, 1000) | st.sampled_from([200, 201, 400, 404, 409, 429, 500, 503])
_bodies = st.binary(max_size=60) | _json_values.map(lambda value: json.dumps(value).encode())


def check(outcome: Outcome, quota: Quota) -> None:
    assert type(outcome) in get_args(Outcome)
    assert isinstance(quota, Quota)
    if isinstance(outcome, Throttled):
        assert 1 <= outcome.retry_after_s <= 3600
    if hasattr(outcome, "reason"):
        assert 0 < len(outcome.reason) <= 300
        assert outcome.reason.isprintable()
    if isinstance(outcome, Rejected):
        assert all(outcome.reasons.values())


@settings(max_examples=600, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(
    request=st.sampled_from([ONE, TWO, UPDATE, LOOK]),
    status=_statuses,
    headers=_headers,
    body=_bodies,
    data=st.none() | st.booleans() | _json_values,
)
def test_anything_becomes_an_outcome(request, status, headers, body, data):
    if data is not None:
        body = json.dumps({"success": True, "data": data}).encode()
    outcome, quota = read_answer(request, status, headers, body, now=NOW)
    check(outcome, quota)
    if request is LOOK:
        assert not getattr(outcome, "uncertain", False)
    if isinstance(outcome, Delivered) and request is LOOK:
        assert set(outcome.lead_ids) == {"+14155550101"}


@settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(status=_statuses, headers=_headers, body=_bodies, data=_json_values)
def test_anything_becomes_a_page(status, headers, body, data):
    for raw in (body, json.dumps({"data": data}).encode()):
        outcome, quota, page = read_page(status, headers, raw, now=NOW)
        check(outcome, quota)
        assert not getattr(outcome, "uncertain", False)
        assert all(phone.startswith("+") for phone, _ in page.leads)
