import math

import pytest

from bridge.inbound import values


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("  a ", "a"),
        ("a\r\n\tb", "a b"),
        ("a\0\x07b\x9f", "ab"),
        ("\u202a+1 415 555 0101\u202c\ufeff", "+1 415 555 0101"),
        ("👩‍👩‍👧 🏡", "👩‍👩‍👧 🏡"),
        ("null", ""),
        (" undefined ", ""),
        ("Null", "Null"),
        ("{{contact.phone}}", ""),
        ("{{ contact.first_name }} Smith", "Smith"),
        ("{{a}} {{b}}", ""),
        ("{{unfinished", "{{unfinished"),
        (4155550101, "4155550101"),
        (4155550101.0, "4155550101"),
        (1.5, "1.5"),
        (1e21, "1" + "0" * 21),
        (math.nan, ""),
        (math.inf, ""),
        (0, "0"),
        (True, ""),
        (None, ""),
        ({"a": 1}, ""),
        (object(), ""),
    ],
)
def test_text(value, text):
    assert values.text(value) == text


def test_a_number_longer_than_python_prints():
    assert values.text(10**5000) == ""


@pytest.mark.parametrize("value", [True, "true", "YES", " y ", 1, 1.0, "1", "on", "active", "permanent"])
def test_yes(value):
    assert values.flag(value) is True


@pytest.mark.parametrize("value", [False, "False", "no", "n", 0, "0", "off", "inactive"])
def test_no(value):
    assert values.flag(value) is False


@pytest.mark.parametrize("value", [None, "", "null", "maybe", 2, [], [True], {}, "{{contact.dnd}}"])
def test_neither(value):
    assert values.flag(value) is None


@pytest.mark.parametrize(
    "value",
    [
        "2026-09-14T15:04:05Z",
        "2026-09-14T15:04:05.000Z",
        "2026-09-14t15:04:05z",
        "2026-09-14 17:04:05+02:00",
        "2026-09-14T10:04:05-0500",
        1789398245,
        1789398245.0,
        1789398245000,
        "1789398245",
        "1789398245000",
        " 1789398245 ",
    ],
)
def test_moment(value):
    assert values.moment(value) == 1789398245


@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        "yesterday",
        "2026-09-14T15:04:05",  # no offset: whose time?
        "2026-09-14",
        "20260914",
        "0001-01-01T00:00:00+23:59",
        "9999-12-31T23:59:59-23:59",
        0,
        -1,
        1e300,
        10**400,
        "9" * 400,
        True,
        {"at": 1},
    ],
)
def test_no_moment(value):
    assert values.moment(value) is None


@pytest.mark.parametrize(
    ("value", "tags"),
    [
        ("a, b c ,,a,null", ("a", "b c")),
        (["a, b", "a", " a, b "], ("a, b", "a")),
        ([["a", "b"], "c", ["a"]], ("a", "b", "c")),
        (["x", None, True, {"y": 1}, 7, "{{contact.tags}}", "null"], ("x", "7")),
        (("a",), ("a",)),
        ("{{contact.tags}}", ()),
        (7, ("7",)),
        ("", ()),
        (None, ()),
        ({"a": 1}, ()),
    ],
)
def test_tags(value, tags):
    assert values.tags(value) == tags


def test_plain_keeps_kinds_and_drops_what_nobody_meant():
    sent = {"a": [" x\ny ", "null", None, 1, True], "b": {"c": "{{d}}"}, "n": math.inf, "o": object()}
    assert values.plain(sent) == {"a": ["x\ny", "", "", 1, True], "b": {"c": ""}, "n": "", "o": ""}


def test_plain_leaves_what_lies_deep_as_sent():
    assert values.plain([[[[[" x "]]]]]) == [[[[[" x "]]]]]
    assert values.plain([[[{"a": {"b": None}}]]]) == [[[{"a": {"b": None}}]]]


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        ([{"value": "1"}, {"value": "2", "primary": True}], "2"),
        ([{"number": "1", "isPrimary": "false"}, {"number": "2", "isPrimary": "true"}], "2"),
        ([{"value": "1", "primary": False}, {"value": "2", "primary": False}], "1"),
        ([{"value": "", "primary": True}, {"value": "2", "primary": False}], "2"),
        (["1", {"value": "2"}], "1"),
    ],
)
def test_of_several_the_primary_one_counts(items: list[object], expected: str) -> None:
    assert values.text(items) == expected
