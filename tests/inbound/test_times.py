"""The time of an event as senders write it: read with the source's region and zone, or told why not."""

from zoneinfo import ZoneInfo

import pytest

from bridge.inbound import GhlWorkflow, JsonSource, values
from bridge.inbound.values import Zone

NEW_YORK = Zone(ZoneInfo("America/New_York"))
BERLIN = Zone(ZoneInfo("Europe/Berlin"), day_first=True)
AT = 1793740500.0  # 2026-11-03T16:15:00-05:00


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("11/03/2026 4:15 PM", NEW_YORK),
        ("Nov 3, 2026 4:15pm", NEW_YORK),
        ("2026-11-03 16:15:00", NEW_YORK),
        ("2026-11-03T16:15", NEW_YORK),
        ("3.11.2026 22:15", BERLIN),
        ("03/11/2026 22:15", BERLIN),
        ("03/11/2026 22:15 CET", Zone(None, day_first=True)),
        ("11/3/2026 4:15 PM EST", Zone()),
        ("2026-11-03 21:15:00 UTC", BERLIN),
        ("Tue Nov 03 2026 16:15:00 GMT-0500 (Eastern Standard Time)", Zone()),
        ("2026-11-03T21:15:00.000Z", NEW_YORK),
        (["2026-11-03T21:15:00Z"], Zone()),
        (1793740500, NEW_YORK),
        ("1793740500000", NEW_YORK),
    ],
)
def test_a_moment(value, written):
    assert values.moment(value, written) == AT
    assert values.time_doubt("occurred_at", value, written) == ""


@pytest.mark.parametrize(
    ("value", "written", "words"),
    [
        ("11/03/2026 4:15 PM", Zone(), "says no time zone"),
        ("2026-11-03 16:15", Zone(day_first=True), "says no time zone"),
        ("soon", NEW_YORK, "isn't understood as a time"),
        ("2026-11-03 16:15 XYZ", NEW_YORK, "isn't understood as a time"),
        ("heute um 16:15", BERLIN, "isn't understood as a time"),
        ("2026-11-03", NEW_YORK, "is a date without a time of day"),
        ("11/03/2026", NEW_YORK, "is a date without a time of day"),
        ("1926-11-03 16:15", NEW_YORK, "can't be the time of an event"),
        ("12", NEW_YORK, "isn't understood as a time"),
        ("{{right_now}}", NEW_YORK, "the merge field wasn't filled"),
    ],
)
def test_what_is_no_moment_is_told_and_counts_by_arrival(value, written, words):
    assert values.moment(value, written) is None
    source = JsonSource(
        "forms", "t", {}, occurred_at=lambda words: words["payload"].get("at"), written=written
    )
    reading = source.read({"at": value})
    assert reading.occurred_at is None
    assert [warning for warning in reading.warnings if words in warning]
    flow = GhlWorkflow("flow", "t", written=written).read({"contact_id": "c", "timestamp": value})
    assert [warning for warning in flow.warnings if words in warning]


@pytest.mark.parametrize("value", [None, "", "null", [], {}])
def test_what_is_not_there_is_not_told(value):
    source = JsonSource("forms", "t", {}, occurred_at=lambda _: value)
    assert source.read({"a": 1}).warnings == ()


def test_a_workflow_s_zone_is_its_source_s_or_the_location_s():
    body = {"contact_id": "c", "timestamp": "11/03/2026 4:15 PM", "location": {"id": "L1"}}
    zones = {"L1": ZoneInfo("America/New_York")}
    assert GhlWorkflow("flow", "t", zones=zones).read(body).occurred_at == AT
    assert GhlWorkflow("flow", "t", zones=zones).receive(body).occurred_at == AT
    assert GhlWorkflow("flow", "t", zones=zones, written=BERLIN).read(body).occurred_at != AT
    assert GhlWorkflow("flow", "t", zones={"L2": zones["L1"]}).read(body).occurred_at is None


def test_one_readable_time_is_enough():
    body = {"contact_id": "c", "timestamp": "soon", "occurred_at": "2026-11-03T21:15:00Z"}
    reading = GhlWorkflow("flow", "t").read(body)
    assert (reading.occurred_at, reading.warnings) == (AT, ())
