"""Fitting to Fusion's limits, as tables; lengths are UTF-16 units."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.rules import fit

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.text(st.characters(codec=None)),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=30,
)
WORD = "x" * 60


def test_a_company_is_cut_to_100_and_may_be_short() -> None:
    assert fit.company("3") == ("3", "")
    assert fit.company(f"{WORD} {WORD}") == (WORD, "cut to 100 characters")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("New Lead!", ("New-Lead",)),
        (["vip", "VIP 2"], ("vip", "VIP-2")),
        ([["a"], ["b", ["c"]]], ("a", "b", "c")),
        ("a, b", ("a-b",)),
        ("caf\u00e9 \u0141\u00f3d\u017a stra\u00dfe", ("cafe-Lodz-strasse",)),
        ("new - lead", ("new-lead",)),
        ("a--b", ("a--b",)),
        ("  x_1  ", ("x_1",)),
        (["", None, "  ", {}], ()),
        ("x" * 51, ("x" * 50,)),
        ("y" * 49 + " z", ("y" * 49,)),
        (2026, ("2026",)),
    ],
)
def test_tags_are_spelt_as_fusion_takes_them(value: Any, expected: tuple[str, ...]) -> None:
    assert fit.spell_tags(value)[0] == expected


def test_a_tag_with_nothing_left_is_dropped_with_a_warning() -> None:
    tags, warning = fit.spell_tags(["\U0001f525", "hot", "\u4f60\u597d"])
    assert tags == ("hot",)
    assert "\U0001f525" in warning
    assert "\u4f60\u597d" in warning


def test_thousands_of_bad_tags_make_a_short_warning() -> None:
    assert len(fit.spell_tags(["\U0001f525" * 40] * 5000)[1]) < 1000


def test_tags_as_is_keep_their_spelling() -> None:
    assert fit.spell_tags([" New Lead! ", "\U0001f525", ""], as_is=True) == (("New Lead!", "\U0001f525"), "")


def test_repeated_tags_count_once_whatever_their_case_and_the_first_20_are_kept() -> None:
    assert fit.join_tags(("b", "A", "a", "B", "c")) == (("b", "A", "c"), "")
    many = tuple(f"t{n}" for n in range(25))
    kept, warning = fit.join_tags(many + many)
    assert kept == many[:20]
    assert "25" in warning


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("$95.50", "$95.50"),
        (" two\nlines ", "two\nlines"),
        (95.5, 95.5),
        (0, 0),
        (False, False),
        (["a", "", None, 5, 2.0], "a, 5, 2"),
        ("", None),
        (None, None),
        ([], None),
        ({}, None),
        ({"a": 1}, None),
        (float("nan"), None),
        (float("inf"), None),
        (2**53 - 1, 2**53 - 1),
        (2**63, str(2**63)),
        ("x" * 1001, "x" * 1000),
    ],
)
def test_a_custom_field_is_text_number_or_boolean(value: Any, expected: Any) -> None:
    fitted, _ = fit.custom_field(value)
    assert fitted == expected
    assert type(fitted) is type(expected)


@pytest.mark.parametrize("value", [{"a": 1}, float("inf"), "x" * 1001])
def test_a_custom_field_that_does_not_fit_says_so(value: Any) -> None:
    assert fit.custom_field(value)[1]


@given(JSON)
def test_whatever_json_comes_fits_or_is_left_out(value: Any) -> None:
    assert len(fit.company(value)[0].encode("utf-16-le")) // 2 <= 100
    tags = fit.join_tags(fit.spell_tags(value)[0])[0]
    assert len(tags) <= 20
    assert all(fit.CUSTOM_KEY.fullmatch(tag) and len(tag) <= 50 for tag in tags)
    assert fit.spell_tags(list(tags))[0] == tags
    custom = fit.custom_field(value)[0]
    assert not isinstance(custom, str) or 0 < len(custom.encode("utf-16-le")) // 2 <= 1000


def test_data_nested_without_end_does_no_harm() -> None:
    deep: Any = "x"
    for _ in range(10_000):
        deep = [deep]
    assert fit.spell_tags(deep) == (("x",), "")
    assert fit.custom_field(deep) == ("x", "")
    assert fit.custom_field(10**5000) == (None, "")
