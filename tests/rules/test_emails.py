"""E-mail addresses, as tables: taken by email-validator and by Zod, repaired, or left out with a warning."""

from typing import Any

import pytest
from email_validator import validate_email
from hypothesis import given
from hypothesis import strategies as st

from bridge.fusion.sandbox_rules import check
from bridge.rules.emails import ZOD, fit_email

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.text(st.characters(codec=None)),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=30,
)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("jane@example.com", "jane@example.com"),
        (" Jane.Doe+x@EXAMPLE.com ", "Jane.Doe+x@example.com"),
        ("o'neil@example.com", "o'neil@example.com"),
        ("_-@example.com", "_-@example.com"),
        ("jane@b\u00fccher.example", "jane@xn--bcher-kva.example"),
        (["jane@example.com"], "jane@example.com"),
        ("", ""),
        (None, ""),
        ("null", ""),
        ("N/A", ""),
        ("-", ""),
    ],
)
def test_a_valid_address_stays_and_none_is_none(value: Any, expected: str) -> None:
    assert fit_email(value) == (expected, "")


@pytest.mark.parametrize(
    "value",
    [
        "Ann <ann@example.com>",
        '"Lee, Ann" <ann@example.com>',
        "<ann@example.com>",
        "ann@example.com.",
        "ann@example.com,",
        "ann@example.com;",
        "mailto:ann@example.com",
        "MAILTO:ann@example.com?subject=Hello",
        "[ann@example.com](mailto:ann@example.com)",
        "ann @ example.com",
        "ann@ example.com",
        "'ann@example.com",
        '"ann@example.com"',
        "ann@example.com (work)",
        "E-Mail: ann@example.com",
        "\uff41\uff4e\uff4e\uff20\uff45\uff58\uff41\uff4d\uff50\uff4c\uff45\uff0e\uff43\uff4f\uff4d",
        "\u200bann@example.com\u3164",
        "ann@example.com\n",
        "ann@example.com, ann@example.com",
    ],
)
def test_what_stands_around_an_address_is_taken_away(value: str) -> None:
    assert fit_email(value) == ("ann@example.com", "")


@pytest.mark.parametrize("between", [", ", ";", " ", " / ", "|", " or ", " and ", " & ", "\n", " ; "])
def test_of_two_addresses_the_first_is_kept_with_a_warning(between: str) -> None:
    address, warning = fit_email(f"ann@example.com{between}bo@example.com")
    assert address == "ann@example.com"
    assert "2 addresses" in warning


@pytest.mark.parametrize(
    "value",
    [
        "jane",
        "jane@",
        "@example.com",
        "jane@localhost",
        "jane doe@example.com",  # it may be jane.doe, or doe alone
        "j\u00e4ne@example.com",
        "jane@@example.com",
        "jane@example,com",
        "jane at example.com",
        "jane..doe@example.com",
        ".jane@example.com",
        "jane.@example.com",
        "jane@-example.com",
        "jane@127.0.0.1",
        "jane@example.c",
        '"jane doe"@example.com',
        "none@none",
        "<@>",
        "Ann <.@.>",
        "a@b <@>",
        f"jane@{'x' * 60}.{'x' * 60}.{'x' * 60}.{'x' * 60}.example.com",
        "x" * 250 + "@example.com",
        # Mail takes these, and email-validator; Zod doesn't.
        "smith&sons@example.com",
        "jane!x@example.com",
        "jane/x@example.com",
        "jane=x@example.com",
        "jane'@example.com",
        "{jane}@example.com",
        "jane@xn--e1afmkfd.xn--p1ai",
        "jane@\u043f\u0440\u0438\u043c\u0435\u0440.\u0440\u0444",
        # Zod takes these, email-validator doesn't.
        "jane@example-.com",
        "jane@example.test",
    ],
)
def test_what_one_of_the_two_refuses_is_left_out_with_a_warning(value: str) -> None:
    address, warning = fit_email(value)
    assert address == ""
    assert warning.endswith("left out")


LOCAL = st.text(st.sampled_from("aZ09_'+-.!#$%&*/=?^`{|}~ \"()<>,:;@\u00e9"), max_size=12)
DOMAIN = st.text(st.sampled_from("aZ09-._ @\u00fc"), max_size=14)


@given(JSON | st.builds("{}@{}.com".format, LOCAL, DOMAIN) | st.builds("{}@{}".format, LOCAL, DOMAIN))
def test_every_address_that_is_sent_is_taken_by_both(value: Any) -> None:
    address, _ = fit_email(value)
    if not address:
        return
    assert address.isascii()
    assert len(address) <= 254
    assert ZOD.fullmatch(address)
    assert validate_email(address, check_deliverability=False).normalized
    for rules in ("june", "july"):
        assert check({"phone": "+12025550142", "email": address}, rules=rules, patch=True)[1] == []
    assert fit_email(address) == (address, "")
