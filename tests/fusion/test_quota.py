"""The forms of Retry-After and X-RateLimit-*, and what is made of garbage."""

from email.utils import formatdate

import pytest

from bridge.fusion.quota import read_quota, retry_after_s
from bridge.outbox.outcome import Quota

NOW = 1_780_000_000.0


@pytest.mark.parametrize(
    ("header", "wait"),
    [
        ("47", 47),
        (" 47 ", 47),
        ("1.5", 1.5),
        ("47, 50", 47),
        ("0", 1),
        ("86400", 3600),
        ("315360000", 3600),  # ten years
        ("-1", 60),
        ("1e3", 1000),
        (formatdate(NOW + 90, usegmt=True), 90),
        (formatdate(NOW + 90, usegmt=True).replace("GMT", "-0000"), 90),
        (formatdate(NOW - 90, usegmt=True), 1),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 3600),
        *(
            (garbage, 60)
            for garbage in ("", "-5", "nan", "inf", "-inf", "1e999", "soon", "Fri", "9" * 400, ",")
        ),
        ("Fri, 99 Dec 2026 99:99:99 GMT", 60),
    ],
)
def test_retry_after(header, wait):
    assert retry_after_s({"retry-after": header}, None, now=NOW) == wait


@pytest.mark.parametrize(
    ("headers", "answer", "wait"),
    [
        ({"retry-after": "5"}, {"retryAfter": 47}, 5),
        ({"retry-after": "soon"}, {"retryAfter": 47}, 47),
        ({}, {"retryAfter": "47"}, 47),
        ({}, {"retryAfter": 0.2}, 1),
        *(({}, {"retryAfter": odd}, 60) for odd in (True, None, -1, "x", [], {}, 1 << 2000)),
        ({}, [47], 60),
        ({"x-ratelimit-reset": str(NOW + 20)}, {"retryAfter": "x"}, 20),
        ({"x-ratelimit-reset": str(NOW - 20)}, None, 1),
        ({"x-ratelimit-reset": str((NOW + 20) * 1000)}, None, 20),
        ({"x-ratelimit-reset": "20"}, None, 20),
        ({"x-ratelimit-reset": "1704067200"}, None, 60),
        ({}, None, 60),
    ],
)
def test_the_next_source_when_one_cannot_be_believed(headers, answer, wait):
    assert retry_after_s(headers, answer, now=NOW) == pytest.approx(wait)


@pytest.mark.parametrize(
    ("limit", "remaining", "reset", "quota"),
    [
        ("100", "99", "1780000060", Quota(100, 99, NOW + 60)),
        ("100", "99", "1780000060000", Quota(100, 99, NOW + 60)),
        ("100, 100;w=60", "99;w=60", "60", Quota(100, 99, NOW + 60)),
        ("100", "0", "1780000001", Quota(100, 0, NOW + 1)),  # the next place
        ("0", "0", "0", Quota(0, 0, NOW)),
        ("-1", "x", "nan", Quota()),
        ("1e12", "inf", "99999999999", Quota()),
    ],
)
def test_quota(limit, remaining, reset, quota):
    names = ("x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset")
    assert read_quota(dict(zip(names, (limit, remaining, reset), strict=True)), now=NOW) == quota


@pytest.mark.parametrize("ahead_s", [-7200, -30, -3, 3, 30, 7200])
def test_fusions_clock_may_be_another(ahead_s):
    """The places free in 20 s are free in 20 s, whatever Fusion's clock says it is then."""
    date, reset = formatdate(NOW + ahead_s, usegmt=True), str(int(NOW + ahead_s + 20))
    headers = {"date": date, "x-ratelimit-reset": reset}
    assert read_quota(headers, now=NOW).reset_at == NOW + 20
    assert read_quota({**headers, "x-ratelimit-reset": "20"}, now=NOW).reset_at == NOW + 20
    until = formatdate(NOW + ahead_s + 20, usegmt=True)
    assert retry_after_s({"date": date, "retry-after": until}, None, now=NOW) == 20


@pytest.mark.parametrize(
    "date", ["", "soon", "Thu, 01 Jan 1970 00:00:00 GMT", formatdate(NOW - 1, usegmt=True)]
)
def test_a_date_that_says_nothing(date):
    headers = {"date": date, "x-ratelimit-reset": str(NOW + 20)}
    assert read_quota(headers, now=NOW).reset_at == NOW + 20


def test_no_headers_no_quota():
    assert read_quota({}, now=NOW) == Quota()
