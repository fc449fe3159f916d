"""A look-up tells whether the batch in doubt was carried out: by the lead's age, on Fusion's own clock."""

import json
from datetime import UTC, datetime, timedelta, timezone
from email.utils import formatdate

import pytest

from bridge.fusion.leads import read_answer
from bridge.outbox.outcome import (
    Delivered,
    Exists,
    Failed,
    Gone,
    Rejected,
    Throttled,
    Unauthorized,
    Unreachable,
)
from bridge.outbox.request import Request

NOW = 1_780_000_000.0
LEFT = NOW - 20.0
PHONE = "+12025550101"
LOOK = Request("look", "", None, ({"phone": PHONE, "name": "Ann"},), since=LEFT)
OURS = Delivered({PHONE: "lead-1"})


def iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def look(status: int = 200, body: object = None, **headers: str):
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return read_answer(LOOK, status, headers, raw, now=NOW)[0]


def found(created_at: object, *, ahead_s: float | None = None, **fields: object):
    headers = {} if ahead_s is None else {"Date": formatdate(NOW + ahead_s, usegmt=True)}
    lead = {"id": "lead-1", "phone": PHONE, "created_at": created_at, **fields}
    return look(body={"success": True, "data": lead}, **headers)


@pytest.mark.parametrize("ahead_s", [None, 0, 3600, -3600, 2.5])
@pytest.mark.parametrize(
    ("after_s", "ours"),
    [(0, True), (0.5, True), (10, True), (20, True), (-1, True), (-3.1, False), (-60, False), (-1e7, False)],
)
def test_younger_than_the_batch_is_ours(ahead_s, after_s, ours):
    outcome = found(iso(LEFT + after_s + (ahead_s or 0)), ahead_s=ahead_s)
    if ours:
        assert outcome == OURS
    else:
        assert isinstance(outcome, Exists)
        assert "before" in outcome.reason


def test_without_a_date_our_own_clock_must_do():
    assert isinstance(found(iso(LEFT - 3600)), Exists)
    assert found(iso(LEFT - 3600), ahead_s=-3600) == OURS
    assert found(iso(LEFT + 3)) == OURS
    lead = {"id": "lead-1", "created_at": iso(LEFT - 3600)}
    assert isinstance(look(body={"data": lead}, Date="soon"), Exists)


def test_a_date_that_came_twice():
    date = formatdate(NOW - 3600, usegmt=True)
    assert look(body={"data": {"created_at": iso(LEFT - 3600)}}, Date=f"{date}, {date}") == Delivered(
        {PHONE: ""}
    )


@pytest.mark.parametrize(
    ("created_at", "wanted"),
    [
        (datetime.fromtimestamp(LEFT, UTC).isoformat(), OURS),
        (datetime.fromtimestamp(LEFT, UTC).replace(tzinfo=None).isoformat(), OURS),  # without an offset: UTC
        (datetime.fromtimestamp(LEFT, timezone(timedelta(hours=-7))).isoformat(), OURS),
        (datetime.fromtimestamp(LEFT, UTC).isoformat(" ").replace("+00:00", "Z"), OURS),
        (LEFT, OURS),
        (int(LEFT), OURS),
        (LEFT * 1000, OURS),
        (LEFT - 60, Exists),
        (LEFT * 1000 - 60_000, Exists),
        (iso(NOW + 60), OURS),  # a database's clock may be a little ahead
        (iso(NOW + 3600), Rejected),  # but not as much as a zone
        (iso(LEFT)[:10], Rejected),
        ("20260528", Rejected),
        ("yesterday: noon", Rejected),
        ("0001-01-01T00:00:00+14:00", Exists),
        ("9999-12-31T23:59:59-14:00", Rejected),
        *((odd, Rejected) for odd in ("", None, True, 0, -1, 5, 1e300, [], {}, "1780000000")),
    ],
)
def test_forms_of_created_at(created_at, wanted):
    outcome = found(created_at)
    assert outcome == wanted if wanted is OURS else isinstance(outcome, wanted)


LEAD = {"id": "lead-1", "phone": PHONE, "created_at": iso(LEFT + 1)}
OTHER = {"id": "lead-2", "phone": "+12025550102", "created_at": iso(LEFT - 999)}


@pytest.mark.parametrize(
    ("data", "wanted"),
    [
        (LEAD, OURS),
        ({"lead": LEAD}, OURS),
        ({"leads": [LEAD]}, OURS),
        ({"leads": [OTHER, LEAD], "total": 2}, OURS),
        ([LEAD], OURS),
        ({**LEAD, "phone": "(202) 555-0101"}, OURS),
        ({**LEAD, "phone": "hidden"}, OURS),
        ({**LEAD, "phone": None}, OURS),
        ({**LEAD, "id": None}, Delivered({PHONE: ""})),
        (OTHER, Rejected),
        ({"lead": OTHER}, Rejected),
        ({"leads": [OTHER]}, Rejected),
        ({"leads": []}, Rejected),
        ({"lead": {}}, Rejected),
        ({}, Rejected),
        (None, Rejected),
        ("lead-1", Rejected),
    ],
)
def test_where_the_lead_may_stand(data, wanted):
    outcome = look(body={"success": True, "data": data})
    assert outcome == wanted if isinstance(wanted, Delivered) else isinstance(outcome, wanted)
    if isinstance(outcome, Rejected):
        assert outcome.fix


@pytest.mark.parametrize(
    ("status", "wanted"),
    [
        (301, Failed),
        (400, Rejected),
        (401, Unauthorized),
        (403, Unauthorized),
        (404, Gone),
        (405, Rejected),
        (408, Failed),
        (409, Rejected),
        (422, Rejected),
        (429, Throttled),
        (500, Failed),
        (502, Unreachable),
        (503, Unreachable),
        (504, Unreachable),
    ],
)
@pytest.mark.parametrize("body", [b"", b"<html>", b"{", {"success": False, "error": "Nothing doing"}])
def test_a_look_up_that_failed_changed_nothing(status, wanted, body):
    outcome = look(status, body)
    html = body == b"<html>" and status == 500
    assert isinstance(outcome, Unreachable if html else wanted)
    assert not getattr(outcome, "uncertain", False)
    if isinstance(outcome, Rejected):
        assert outcome.fix


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        (b"", Failed),
        (b'{"data": {"id"', Failed),
        ({"success": False}, Failed),
        ([], Failed),
        (b"<p>", Unreachable),
    ],
)
def test_an_unreadable_answer(body, wanted):
    outcome = look(200, body)
    assert isinstance(outcome, wanted)
    assert not outcome.uncertain
