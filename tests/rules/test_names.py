"""Names, as tables: what is one, what programs and people write for none, and what every validator counts."""

import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.rules.names import fit_name
from bridge.rules.spelling import cut, decoded, signs

WORD = "x" * 60


@pytest.mark.parametrize(
    ("value", "expected", "warns"),
    [
        ("Jane Doe", "Jane Doe", False),
        ("  Jane \t\n Doe\x00 ", "Jane Doe", False),
        ("Jane\u200b\u202e Doe", "Jane Doe", False),
        ("", "", False),
        (None, "", False),
        ({"a": 1}, "", False),
        ("J", "", True),
        ("Jo", "Jo", False),
        ("J.", "J.", False),
        ("x" * 100, "x" * 100, False),
        ("x" * 101, "x" * 100, True),
        (f"{WORD} yy {WORD}", f"{WORD} yy", True),
        (["Jane", "Doe"], "Jane, Doe", False),
        (42, "42", False),
    ],
)
def test_a_name_has_2_to_100_characters_and_is_cut_at_a_word(value: Any, expected: str, warns: bool) -> None:  # noqa: FBT001
    name, warning = fit_name(value)
    assert name == expected
    assert bool(warning) is warns


@pytest.mark.parametrize(
    "written",
    [
        "null null",
        "undefined undefined",
        "None None",
        "Null Null",
        "NULL NULL",
        "null",
        "undefined",
        "None",
        "null, null",
        "(null) (null)",
        "<null>",
        "[object Object]",
        "N/A",
        "n/a n/a",
        "NA",
        "n.a.",
        "#N/A",
        "NaN",
        "nil",
        "null undefined",
        "null-null",
        "No Name",
        "Not provided",
        "'null'",
        "null None",
        "Unknown",
        "unknown unknown",
        "UNKNOWN CALLER",
        "Anonymous",
        "Wireless Caller",
        "No Caller ID",
        "(empty)",
        "false",
        "#REF!",
        "#NAME?",
        "+12025550142",
        "(202) 555-0142",
        "202.555.0142",
        "2025550142 null",
    ],
)
def test_the_words_for_no_name_are_none(written: str) -> None:
    assert fit_name(written) == ("", "says no name")


@pytest.mark.parametrize(
    "written",
    [
        "-",
        "--- ---",
        "\u2013 \u2014",
        ".",
        "... .",
        "_ _",
        "?",
        "???",
        "***",
        "\u201c\u201d",
        "()",
        "( )",
        ",",
        "\u200b",
        "\u200b \u200b",
        "\u3164",
        "\uffa0\u115f\u1160",
        "\u2800\u2800",
        "\u200c\u200d",
        "\xa0 \u2003",
        "\u034f\u034f",
        "\ufeff\u2060",
        "\ufe0f\ufe0f",
        "\U000e0020\U000e0021",
        "\u180e\u061c",
    ],
)
def test_dashes_dots_and_unseen_signs_are_no_name(written: str) -> None:
    assert fit_name(written) == ("", "")


@pytest.mark.parametrize(
    "name",
    [
        "Nil",
        "Na",
        "Na Li",
        "Nan Smith",
        "Jennifer Null",
        "Nullah Das",
        "Ann Blank",
        "Al",
        "O\u2019Neil",
        "AT&T",
        "Jos\u00e9 \u0141",
        "\u674e\u56db",
        "\u0645\u062d\u0645\u062f",
        "\u0915\u0940",
        "\u0936\u094d\u0930\u0940",
        "A & B",
        "D\u2019Arcy-Lee",
        "J\u00f8",
        "X \u00c6 A-12",
        "R&D &copy Co",
        "ann@example.com",
        "50 Cent",
    ],
)
def test_what_people_are_called_stays_as_it_is(name: str) -> None:
    assert fit_name(name) == (name, "")


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("Ann ", "Ann"),
        (" Lee", "Lee"),
        ("Ann null", "Ann"),
        ("null Lee", "Lee"),
        ("Ann undefined", "Ann"),
        ("None Lee", "Lee"),
        ("Ann N/A", "Ann"),
        ("Ann -", "Ann"),
        ("- Lee", "Lee"),
        (", Ann", "Ann"),
        ("Lee,", "Lee"),
        ("Lee, null", "Lee"),
        ("Ann ()", "Ann"),
        ("Ann (null)", "Ann"),
        ("Ann \u3164", "Ann"),
        ("{{contact.first_name}} Lee", "Lee"),
        ("{{contact.first_name}} {{contact.last_name}}", ""),
    ],
)
def test_a_missing_part_leaves_a_clean_name(written: str, name: str) -> None:
    assert fit_name(written)[0] == name


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("Ann O&#039;Neil", "Ann O'Neil"),
        ("Ann O&#39;Neil", "Ann O'Neil"),
        ("Ann O&apos;Neil", "Ann O'Neil"),
        ("Ann O&#x27;Neil", "Ann O'Neil"),
        ("Ann O&rsquo;Neil", "Ann O\u2019Neil"),
        ("Smith &amp; Sons", "Smith & Sons"),
        ("Jos&eacute; Lee", "Jos\u00e9 Lee"),
        ("Ann&nbsp;Lee", "Ann Lee"),
        ("&quot;Bo&quot; Lee", '"Bo" Lee'),
        ("A &amp;lt; B", "A &lt; B"),  # once
        ("Ann&#0; Lee", "Ann\ufffd Lee"),
        ("Tom &Jerry;", "Tom &Jerry;"),
        ("A&B; C", "A&B; C"),
        ("AT&T &copy 2026", "AT&T &copy 2026"),
    ],
)
def test_entities_are_read_once_as_what_they_mean(written: str, name: str) -> None:
    assert decoded(written).replace("\xa0", " ") == name
    assert decoded({"a": [written, 1, None, {"b": written}]}) == {
        "a": [one := decoded(written), 1, None, {"b": one}]
    }
    assert fit_name(decoded(written))[0] in {name, name.rstrip(";")}


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("\u00e9", 1),
        ("e\u0301", 1),
        ("a" + "\u0301" * 150, 1),
        ("\U0001f600", 1),  # one code point, two units
        ("\U0001f44d\U0001f3fd", 1),  # a thumb and its colour
        ("\U0001f1fa\U0001f1f8", 1),  # a flag
        ("\U0001f468\u200d\U0001f469\u200d\U0001f467", 1),  # a family
        ("A\u200d", 1),
        ("\u674e", 1),
        ("\U00020bb7", 1),
        ("\U0001f1fa\U0001f1f8\U0001f1ec\U0001f1e7", 2),
        ("\U00020bb7\u7530", 2),
        ("\u0e19\u0e4c\u0e01", 2),
    ],
)
def test_two_signs_that_are_seen_are_two_for_every_validator(text: str, seen: int) -> None:
    assert signs(text) == seen
    assert bool(fit_name(text)[0]) is (seen >= 2)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("\U0001f600" * 51, "\U0001f600" * 50),
        ("x" * 99 + "\U0001f600", "x" * 99),
        ("x" * 99 + "e\u0301", "x" * 99),
        ("x" * 98 + "\U0001f44d\U0001f3fd", "x" * 98),
        ("x" * 97 + "\U0001f1fa\U0001f1f8\U0001f1ec\U0001f1e7", "x" * 97),
        ("x" * 95 + "\U0001f468\u200d\U0001f469\u200d\U0001f467", "x" * 95),
        ("ab" + "\u0301" * 150, "ab" + "\u0301" * 98),
    ],
)
def test_a_cut_parts_no_sign_and_leaves_a_name(text: str, kept: str) -> None:
    assert cut(text, 100) == (kept, "cut to 100 characters")


MARKS = st.text(
    st.sampled_from("ab \u0301\u200d\ufe0f\U0001f44d\U0001f3fd\U0001f1fa\u0915\u0940\u3164&;#9-."),
    max_size=250,
)


@given(MARKS | st.text(max_size=150) | st.text(st.characters(codec=None)))
def test_every_name_is_one_however_it_is_counted(value: str) -> None:
    name, _ = fit_name(value)
    if not name:
        return
    assert name == name.strip()
    points = len(name), len(unicodedata.normalize("NFC", name)), len(name.encode("utf-16-le")) // 2
    assert min(*points, signs(name)) >= 2
    assert max(*points) <= 100
    assert fit_name(name)[0] == name or "&" in name or "{{" in value
