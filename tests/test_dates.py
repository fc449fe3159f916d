"""What people and programs write for a time; read alike whichever machine, whichever day."""

# ruff: noqa: DTZ001 - what says no zone has none
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge import dates

AT = datetime(2026, 11, 3, 16, 15)
MARCH, APRIL = datetime(2026, 3, 4, 17, 4), datetime(2026, 4, 3, 17, 4)
EASTERN = timezone(timedelta(hours=-5))


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-03 16:15:00",
        "2026-11-03T16:15",
        "2026/11/03 04:15 PM",
        "2026.11.03 16:15",
        "Nov 3, 2026 4:15pm",
        "November 3rd, 2026 at 4:15 PM",
        "Tuesday, November 3, 2026 4:15 p.m.",
        "3 Nov 2026 16:15",
        "3-Nov-26 16:15",
        "03-Nov-2026 16:15:00",
        "3.11.2026 16:15",
        "03. 11. 2026 16:15",
        "3 Nov 2026 at 4.15pm",
        "Tue Nov  3 16:15:00 2026",
        " 3rd of November 2026, 16h15 ",
        "November 3, 2026 @ 4:15 pm",
        "3.11.2026, 16:15 Uhr",
        "3.11.2026 um 16:15 Uhr",
    ],
)
@pytest.mark.parametrize("day_first", [True, False])
def test_a_time_that_can_be_read_in_one_way(text, day_first):
    assert dates.read(text, day_first=day_first) == dates.Read(AT, clock=True)


@pytest.mark.parametrize(
    "text", ["03/04/2026 5:04 PM", "03-04-2026 17:04", "3/4/26 5:04pm", "03/04/2026, 17:04"]
)
def test_what_the_region_decides(text):
    assert dates.read(text) == dates.Read(MARCH, clock=True)
    assert dates.read(text, day_first=True) == dates.Read(APRIL, clock=True)


@pytest.mark.parametrize("text", ["25/12/2026 10:00", "12/25/2026 10:00"])
@pytest.mark.parametrize("day_first", [True, False])
def test_there_is_no_25th_month(text, day_first):
    assert dates.read(text, day_first=day_first).at == datetime(2026, 12, 25, 10)


@pytest.mark.parametrize(
    ("text", "zone"),
    [
        ("2026-11-03T16:15:00Z", UTC),
        ("2026-11-03 16:15 UTC", UTC),
        ("Tue, 03 Nov 2026 16:15:00 GMT", UTC),
        ("Tue, 03 Nov 2026 16:15:00 -0500", EASTERN),
        ("11/3/2026 4:15 PM EST", EASTERN),
        ("Nov 3, 2026 4:15pm ET", EASTERN),
        ("2026-11-03 16:15 America/New_York", EASTERN),
        ("2026-11-03T16:15:00[America/New_York]", EASTERN),
        ("2026-11-03T16:15:00-05:00[America/New_York]", EASTERN),
        ("Tue Nov 03 2026 16:15:00 GMT-0500 (Eastern Standard Time)", EASTERN),
        ("3.11.2026 16:15 MEZ", timezone(timedelta(hours=1))),
        ("11/3/2026 16:15 UTC+3", timezone(timedelta(hours=3))),
        ("2026-11-03 16:15 +05:30", timezone(timedelta(hours=5.5))),
        ("2026-11-03T16:15:00 05:30", timezone(timedelta(hours=5.5))),  # its plus became a blank
        ("2026-11-03T16:15:00.000 0530", timezone(timedelta(hours=5.5))),
        ("2026-11-03T16:15 00:00", UTC),
    ],
)
def test_zones(text, zone):
    read = dates.read(text)
    assert (read.at, read.clock) == (AT.replace(tzinfo=zone), True)


@pytest.mark.parametrize("text", ["11/03/2026 16:15 - 17:15", "Nov 3, 2026 4:15 PM 5:15 PM"])
def test_two_times_are_no_time(text):
    assert dates.read(text) is None


@pytest.mark.parametrize("text", ["2026-11-03", "11/03/2026", "Nov 3, 2026", "3 November 2026", "20261103"])
def test_a_date_without_a_time(text):
    assert dates.read(text) == dates.Read(datetime(2026, 11, 3), clock=False)


@pytest.mark.parametrize(
    "text",
    [
        *("", "soon", "12", "16:15", "Nov 2026", "Nov 3 4:15pm", "3 Nov", "tomorrow 4pm", "99/99/2026 10:00"),
        *("2026-11-03 16:15 XYZ", "next Tuesday, Nov 3 2026", "2026-13-45", "4155550101", "+1 415 555 0101"),
        *("Bus stop 12", "3 novembre 2026", "1 2 3 4 5 6", "11/03/2026 " * 20, "0000-00-00 00:00:00"),
    ],
)
def test_what_says_no_date_or_not_in_words_that_are_known(text):
    assert dates.read(text) is None


@settings(deadline=None)
@given(st.text(max_size=90) | st.from_regex("[0-9a-zA-Z /:.,+()-]{0,60}", fullmatch=True), st.booleans())
def test_any_text(text, day_first):
    read = dates.read(text, day_first=day_first)
    assert read is None or isinstance(read.at, datetime)


FORMS = ["%Y-%m-%d %H:%M", "%b %d, %Y %I:%M %p", "%d %B %Y %H:%M", "%A, %B %d, %Y %I:%M%p", "%d.%m.%Y %H:%M"]


@settings(deadline=None)
@given(st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1)), st.sampled_from(FORMS), st.booleans())
def test_any_time_in_forms_that_say_all(at, form, day_first):
    at = at.replace(second=0, microsecond=0)
    assert dates.read(at.strftime(form), day_first=day_first) == dates.Read(at, clock=True)


@settings(deadline=None)
@given(st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)), st.booleans())
def test_any_time_in_the_forms_of_the_region(at, day_first):
    at = at.replace(second=0, microsecond=0)
    form = "%d/%m/%Y %H:%M" if day_first else "%m/%d/%Y %I:%M %p"
    assert dates.read(at.strftime(form), day_first=day_first) == dates.Read(at, clock=True)
