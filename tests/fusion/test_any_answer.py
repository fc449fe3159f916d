"""Every part of an answer that Fusion, or a proxy before it, could have written: dates, quotas, leads."""

import math
from datetime import UTC, datetime
from email.utils import format_datetime

from hypothesis import example, given, settings
from hypothesis import strategies as st

from bridge.fusion import times
from bridge.fusion.listing import read_page
from bridge.fusion.look import judge
from bridge.fusion.quota import LONGEST_WAIT_S, SHORTEST_WAIT_S, read_quota, retry_after_s
from bridge.fusion.received import receive
from bridge.fusion.rows import e164, id_in, phone_in, rows
from bridge.outbox.outcome import Delivered, Exists, Rejected
from bridge.outbox.request import Request
from bridge.worker.reading import Reading

NOW = 1_800_000_000.0
NUMBERS = st.integers() | st.floats() | st.sampled_from([10**400, -(10**400), 2**64, 1e308, math.nan])
DATES = st.datetimes().map(lambda at: format_datetime(at.replace(tzinfo=UTC), usegmt=True))
TEXT = st.text(max_size=30) | DATES | st.datetimes().map(str) | NUMBERS.map(str)
TEXT |= st.from_regex(r"[A-Za-z]{0,5},? ?[0-9]{0,6} [A-Za-z]{0,5} [0-9]{0,9} [0-9:.]{0,12} ?[+-A-Z0-9]{0,6}")
SCALARS = st.none() | st.booleans() | NUMBERS | TEXT
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["phone", "id", "created_at", "leads", "lead", "retryAfter"]), inner
        )
    ),
    max_leaves=12,
)
HEADERS = st.dictionaries(
    st.sampled_from(["date", "retry-after"] + [f"x-ratelimit-{x}" for x in ("limit", "remaining", "reset")]),
    TEXT,
)


@settings(deadline=None)
@given(SCALARS)
@example(10**400)
@example("Sun, 06 Nov 1994 08:49:37 GMT, Sun, 06 Nov 1994 08:49:37 GMT")
def test_any_date_is_a_moment_or_none(value):
    found = times.moment(value)
    assert found is None or math.isfinite(found)
    if isinstance(value, str):
        date = times.http_date(value)
        assert date is None or math.isfinite(date)


@given(st.integers(0, 4_000_000_000))
def test_an_http_date_comes_back(at):
    assert times.http_date(format_datetime(datetime.fromtimestamp(at, UTC), usegmt=True)) == at


@settings(deadline=None)
@given(HEADERS, ANYTHING)
def test_any_quota_is_within_bounds_or_not_told(headers, answer):
    quota = read_quota(headers, now=NOW)
    assert quota.limit is None or 0 <= quota.limit < 1e9
    assert quota.remaining is None or 0 <= quota.remaining < 1e9
    assert quota.reset_at is None or abs(quota.reset_at - NOW) <= 86_400
    assert SHORTEST_WAIT_S <= retry_after_s(headers, answer, now=NOW) <= LONGEST_WAIT_S


@settings(deadline=None)
@given(ANYTHING)
def test_any_data_has_leads_or_none(data):
    for row in rows(data):
        assert isinstance(phone_in(row), str)
        assert isinstance(id_in(row), str)
        assert e164(phone_in(row)) in {None, phone_in(row)}


@settings(deadline=None)
@given(st.text(max_size=30) | st.from_regex("[+0-9 ()-]{0,20}"))
def test_any_phone_of_fusion_is_one_that_stays_itself(text):
    phone = e164(text)
    assert phone is None or (e164(phone) == phone and 11 <= len(phone) <= 16)


LOOK = Request("look", "", None, ({"phone": "+12025550101"},), since=NOW - 5)


@settings(deadline=None)
@given(HEADERS, ANYTHING, st.booleans())
def test_any_answer_to_a_look_up_is_ours_or_not(headers, data, ours):
    row = {"id": "1", "phone": "+12025550101", "created_at": data} if ours else data
    came = receive(200, headers, b"{}")
    came = type(came)(came.status, came.headers, b"", {"success": True, "data": {"lead": row}}, html=False)
    outcome = judge(LOOK, came, now=NOW)
    assert isinstance(outcome, Delivered | Exists | Rejected)
    if isinstance(outcome, Delivered):
        assert set(outcome.lead_ids) == {"+12025550101"}


@settings(deadline=None)
@given(st.lists(st.tuples(st.binary(max_size=40), st.integers(0, 300), st.none() | NUMBERS), max_size=40))
def test_any_list_of_pages_comes_to_its_end(pages):
    """However many pages there are to see, it asks for no more than there is reason to."""
    reading, asked = Reading(), 0
    for raw, count, total in pages:
        if reading.done:
            break
        asked += 1
        _, _, page = read_page(200, {}, raw, now=NOW)
        told = total if isinstance(total, int) and total >= 0 else page.total
        reading = reading.after([f"+{number}" for number in range(count)], told)
        assert reading.page >= 1
        assert reading.returns <= 10
    assert asked <= len(pages)
