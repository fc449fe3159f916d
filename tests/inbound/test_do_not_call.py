"""What people write for do-not-disturb: what blocks, what doesn't, and what must be told."""

import pytest

from bridge.inbound import do_not_call


@pytest.mark.parametrize(
    "value",
    [
        True,
        "true",
        "active",
        "permanent",
        1,
        "all",
        "All Channels",
        "all_channels",
        "Call",
        "calls",
        "enabled",
        "blocked",
        "Opted Out",
        "opted-out",
        "dnd",
        "DND enabled",
        "SMS, Call",
        ["SMS", "Call"],
        ["maybe", True],
        [["Call"]],
        {"status": "active", "message": "STOP"},
        [{"channel": "Call", "status": "active"}],
        {"channels": [{"type": "phone", "enabled": True}]},
        '{"Call":{"status":"active","message":"STOP"}}',
        '[{"channel": "call", "status": "permanent"}]',
        "Please do not call me",
        "opt-out",
        "✓",
        "2026-11-03T10:00:00Z",
        "11/03/2026",
        {"Call": {"status": "active"}},
        {"call": "permanent", "SMS": {"status": "inactive"}},
        {"all": True},
    ],
)
def test_a_block(value):
    assert do_not_call.block(value) is True
    assert do_not_call.doubt("dnd", value) == ""


@pytest.mark.parametrize("value", [False, "no", 0, "disabled", "Opted In", [False], {"Call": "inactive"}])
def test_no_block(value):
    assert do_not_call.block(value) is False
    assert do_not_call.doubt("dnd", value) == ""


@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        "  ",
        "null",
        "none",
        "N/A",
        "SMS",
        ["SMS", "Email"],
        {"SMS": {"status": "active"}},
        {"Call": {}},
        [],
        {},
        object(),
    ],
)
def test_nothing_said_of_calls_neither_blocks_nor_lifts(value):
    assert do_not_call.block(value) is None
    assert do_not_call.doubt("dnd", value) == ""


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("maybe", "'maybe'"),
        ("Call me later", "'Call me later'"),
        ("{{contact.dnd", "'{{contact.dnd'"),
        ("x" * 500, f"'{'x' * 40}'"),
        (2, "'2'"),
        ([False, "perhaps"], "a list"),
        ([[["perhaps"]]], "a list"),
        ({"x": 1}, "an object"),
        ({"Call": {"status": {"is": "on"}}}, "an object"),
    ],
)
def test_what_is_not_understood_blocks_and_is_told(value, shown):
    assert do_not_call.block(value) is True
    said = f"dnd: {shown} isn't understood, so it counts as true: write true or false"
    assert do_not_call.doubt("dnd", value) == said


def test_an_unfilled_merge_field_says_nothing_and_is_told():
    assert do_not_call.block("{{ contact.dnd }}") is None
    assert do_not_call.doubt("dnd", "{{ contact.dnd }}") == "dnd: the merge field wasn't filled"
