"""Kinds of phones that people, forms and sheets send, and the number that is meant; or none.

Each table is one kind. The numbers are kept for fiction (555-01xx, Ofcom's and ACMA's drama numbers).
"""

import pytest

from bridge.errors import InvalidPhone
from bridge.rules.phone import normalize, plausible, read

NOT_SAID = ("", "", "US")
US = ("US", "", "US")


def number(text, regions):
    try:
        return normalize(text, regions)
    except InvalidPhone:
        return ""


@pytest.mark.parametrize(
    ("text", "country", "expected"),
    [
        ("030 23125 123", "Germany", "+493023125123"),
        ("030 23125 123", "DEU", "+493023125123"),
        ("030 23125 123", "Deutschland", "+493023125123"),
        ("0491 570 156", "Australia", "+61491570156"),
        ("0491 570 156", "australia ", "+61491570156"),
        ("07700 900123", "England", "+447700900123"),
        ("07700 900123", "U.K.", "+447700900123"),
        ("07700 900123", "GB - United Kingdom", "+447700900123"),
        ("(0)20 7946 0958", "Great Britain", "+442079460958"),
        ("020 910 1234", "Republic of Ireland", "+353209101234"),
        ("010 1234 5678", "South Korea", "+821012345678"),
        ("010 1234 5678", "Korea, Republic of", "+821012345678"),
        ("098765 43210", "IND", "+919876543210"),
        ("06 39 98 12 34", "France", "+33639981234"),
        ("202-555-0142", "United States of America", "+12025550142"),
        ("202-555-0142", "U.S.A.", "+12025550142"),
        ("647-555-0142", "canada", "+16475550142"),
        ("787-555-0142", "Puerto Rico", "+17875550142"),
        ("070-1740605", "Sverige", "+46701740605"),
        ("090-5555-0101", "日本", "+819055550101"),
        ("(11) 99999-0000", "Brasil", "+5511999990000"),
        ("07700 900123", "+44", "+447700900123"),
        ("07700 900123", "\U0001f1ec\U0001f1e7", "+447700900123"),
        ("202-555-0142", "n/a", "+12025550142"),
        ("202-555-0142", "Select country", "+12025550142"),
        ("+44 7700 900123", "Narnia", "+447700900123"),
        ("0044 7700 900123", "Narnia", "+447700900123"),
        # Said and not understood: never the default region.
        ("202-555-0142", "Narnia", ""),
        ("12025550142", "Untied Stats", ""),
        ("07700 900123", "Untied Kingdom", ""),
        ("51987654321", "Brasill", ""),
        ("202-555-0142", "Other", ""),
    ],
)
def test_a_country_is_read_as_people_write_it(text, country, expected):
    assert number(text, (country, "", "US")) == expected


def test_a_country_that_is_not_understood_is_named_with_a_fix():
    with pytest.raises(InvalidPhone, match="country 'Narnia' is not known") as error:
        normalize("202-555-0142", ("Narnia", "", "US"))
    assert "English name" in error.value.fix


@pytest.mark.parametrize(
    ("text", "regions", "expected"),
    [
        ("07700 900123", ("US", "GB", "US"), "+447700900123"),
        ("0491 570 156", ("US", "AU", "US"), "+61491570156"),
        ("01 99 00 12 34", ("US", "", "FR"), "+33199001234"),
        ("0171 3920012", ("US", "DE", "GB"), "+491713920012"),
        ("(202) 555-0142", ("FR", "", "US"), "+12025550142"),
        ("202-555-0142", ("US", "GB", "GB"), "+12025550142"),
    ],
)
def test_a_country_that_does_not_fit_gives_way_to_the_sources_region_with_a_warning(text, regions, expected):
    reading = read(text, regions)
    assert reading.number == expected
    assert bool(reading.warnings) == (regions[0] != "US" or expected[:2] != "+1")


@pytest.mark.parametrize(
    ("text", "country", "expected"),
    [
        ("1-800-555-CALL", "US", "+18005552255"),
        ("1-800-FLOWERS", "US", "+18003569377"),
        ("1 800 FLOWERS", "", "+18003569377"),
        ("(800) GO-FEDEX", "US", "+18004633339"),
        ("888-555-CASH", "CA", "+18885552274"),
        ("+1-800-555-CALL", "DE", "+18005552255"),
        ("212-555-CALL", "US", "+12125552255"),
        ("(212) 555-CALL", "US", "+12125552255"),
        ("212-MATTRES", "US", "+12126288737"),
        ("1-800-CONTACTS", "US", "+18002668228"),
        ("0491 570 156 (Max)", "AU", "+61491570156"),
        ("0491 570 156 Max", "AU", "+61491570156"),
        ("202-555-0142 Ann", "US", "+12025550142"),
        ("202-555-0142Ann", "US", "+12025550142"),
        ("0491570156 call ABC", "AU", "+61491570156"),
        ("555-0142 Ann", "US", ""),
        ("555-2142 Ann", "US", ""),
        ("555-2142-Ann", "US", ""),
        ("5552142 (fax)", "US", ""),
        ("555-0142 fax", "US", ""),
        ("555 2142 Max", "US", ""),
        ("202-555 call", "US", ""),
        ("202-555 (home)", "US", ""),
        ("800-5550 Ann", "US", ""),
        ("800-555 fax line", "US", ""),
        ("(202) 555-XXXX", "US", ""),
        ("202-555-01XX", "US", ""),
        ("800-555-xxxx", "US", ""),
        ("202 Ann", "US", ""),
        ("Call me", "US", ""),
        ("0491 570 Max", "AU", ""),
        ("07700 900 ABC", "GB", ""),
    ],
)
def test_letters_are_digits_only_in_a_vanity_number(text, country, expected):
    assert number(text, (country, "", "US")) == expected


@pytest.mark.parametrize(
    ("text", "regions", "expected", "warns"),
    [
        ("+2025550142", US, "+12025550142", True),
        ("+2025550142", NOT_SAID, "+12025550142", True),
        ("+6475550142", NOT_SAID, "+6475550142", False),  # valid in New Zealand
        ("+3105550142", NOT_SAID, "+13105550142", True),
        ("+ (415) 555-0142", US, "+14155550142", True),
        ("+415-555-0142", US, "+14155550142", True),
        ("+6475550142", ("CA", "", "US"), "+16475550142", True),
        ("+6475550142", ("", "NZ", "US"), "+6475550142", False),
        ("+2025550142", ("EG", "", "US"), "+2025550142", False),
        ("+4740000101", US, "+4740000101", False),
        ("+4740000101", NOT_SAID, "+4740000101", False),
        ("+6581234567", US, "+6581234567", False),  # an exchange that begins with 1
        ("+12025550142", US, "+12025550142", False),
        ("+4421555014", ("GB", "", "US"), "", False),
    ],
)
def test_a_plus_before_ten_digits(text, regions, expected, warns):
    assert number(text, regions) == expected
    if expected:
        assert bool(read(text, regions).warnings) == warns


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("(111) 111-1111", "one digit repeated"),
        ("202-555-0142 (wrong number)", "is called wrong"),
        ("fax 202-555-0142", "is called wrong"),
        ("0000000000", "one digit repeated"),
        ("+1 222 222 2222", "one digit repeated"),
        ("999-999-9999", "one digit repeated"),
        ("+5555555555", "one digit repeated"),
        ("1234567890", "what people type"),
        ("123-456-7890", "what people type"),
        ("+11234567890", "what people type"),
        ("0491 570 156", "area code begins with 0"),
        ("102-555-0142", "area code begins with 1"),
        ("+1 102 555 0142", "area code begins with 1"),
        ("202-155-0142", "exchange begins with 1"),
        ("202-055-0142", "exchange begins with 0"),
        ("1 202 055 0142", "exchange begins with 0"),
        ("555-0142", "seven digits: the area code is missing"),
        ("5550142 fax", "seven digits: the area code is missing"),
        ("1-555-0142", "no possible number"),
        ("202555014", "no possible number"),
        ("2.02555E+09", "lacks digits"),
        ("2.03E+09", "lacks digits"),
        ("call me", "no digits"),
        ("+1 202 555 0142 99999", "16 digits"),
    ],
)
def test_what_can_be_no_number_is_refused_in_words_that_fit(text, says):
    with pytest.raises(InvalidPhone) as error:
        normalize(text, US)
    assert says in error.value.message
    assert error.value.fix


@pytest.mark.parametrize("area", ["861", "436", "621", "679", "283", "645", "729"])
def test_area_codes_newer_than_the_tables_are_numbers(area):
    assert normalize(f"({area}) 555-0142", US) == f"+1{area}5550142"
    assert normalize(f"+1{area}5550142", ()) == f"+1{area}5550142"


AROUND = [
    "{} (cell)", "{} / home", "{} - work", "{}, mobile", "{} (Mother)", "{} Ann", "{}: Ann", "{} Ext",
    "{} ext.", "{} x", "{} #", "{} ext 5", "{} x5", "{}x5", "{} ext. 12345", "{} (ext 5)", "{};ext=5",
    "{}, ext 5", "{} #5", "{} extension: 7", "Tel: {}", "tel:{}", "Phone {}", "Cell - {}", "Mobile: {}",
    "M: {}", "c. {}", "WhatsApp {}", "call {}", "my number is {}", "Ann Lee {}", "({})", "[{}]", '"{}"',
    "'{}", '="{}"', "<{}>", "{}.", "{},", "{};", "{}\n", "\t{}", "\u200e{}", "\u202a{}\u202c", "\ufeff{}",
    "{}\u200b", "\U0001f4de {}", "{} \U0001f600", "**{}**", "{} call after 5pm", "{} after 17h", "5pm: {}",
    "{} 2nd floor", "{} (do not text!)", "~{}", "{} or n/a", "&nbsp;{}", "{}&#8236;", "&lt;{}&gt;", "{}%20",
    "tel://{}", "{} \u2013 Ann", "https://wa.me/{}", "{} (NEU)",
]  # fmt: skip


@pytest.mark.parametrize("around", AROUND)
@pytest.mark.parametrize(
    ("text", "regions", "expected"),
    [
        ("+12025550142", NOT_SAID, "+12025550142"),
        ("(202) 555-0142", US, "+12025550142"),
        ("+44 7700 900123", US, "+447700900123"),
        ("0491 570 156", ("AU", "", "US"), "+61491570156"),
        ("0171 3920012", ("DE", "", "US"), "+491713920012"),
    ],
)
def test_what_surrounds_a_number_is_taken_away(around, text, regions, expected):
    assert number(around.format(text), regions) == expected


@pytest.mark.parametrize(
    ("text", "regions", "expected"),
    [
        ("202_555_0142", US, "+12025550142"),
        ("202\u00b7555\u00b70142", US, "+12025550142"),
        ("202:555:0142", US, "+12025550142"),
        ("202~555~0142", US, "+12025550142"),
        ("202/555/0142", US, "+12025550142"),
        ("202,555,0142", US, "+12025550142"),
        ("202*555*0142", US, "+12025550142"),
        ("(202)/555-0142", US, "+12025550142"),
        ("(202)555\u20110142", US, "+12025550142"),
        ("(202)\u00a0555\u20130142", US, "+12025550142"),
        ("{202} 555-0142", US, "+12025550142"),
        ("030/23125-123", ("DE", "", "US"), "+493023125123"),
        ("0171 / 39 20 012", ("DE", "", "US"), "+491713920012"),
        ("+49/171/3920012", US, "+491713920012"),
        ("2025550142.0", US, "+12025550142"),
        ("2025550142.00", US, "+12025550142"),
        ("+12025550142.0", US, "+12025550142"),
        ("12025550142,0", US, "+12025550142"),
        ("2.025550142E9", US, "+12025550142"),
        ("4.47700900123E+11", US, "+447700900123"),
        ("%2B12025550142", US, "+12025550142"),
        ("%2B1%20(202)%20555-0142", US, "+12025550142"),
        ("&#43;12025550142", US, "+12025550142"),
        ("&amp;#43;12025550142", US, "+12025550142"),
        ("&plus;12025550142", US, "+12025550142"),
        ("+1+12025550142", US, "+12025550142"),
        ("+1 +1 (202) 555-0142", US, "+12025550142"),
        ("+1 1 202 555 0142", US, "+12025550142"),
        ("1 1 202 555 0142", US, "+12025550142"),
        ("+44 +44 7700 900123", US, "+447700900123"),
        ("+44 44 7700 900123", US, "+447700900123"),
        ("+44 0044 7700 900123", US, "+447700900123"),
        ("0044 44 7700 900123", US, "+447700900123"),
        ("+1 +44 7700 900123", US, "+447700900123"),
        ("++12025550142", US, "+12025550142"),
        ("+ 1 202 555 0142", US, "+12025550142"),
        ("+0044 7700 900123", US, "+447700900123"),
        ("+07700 900123", ("GB", "", "US"), "+447700900123"),
        ("+44 (0) 7700 900123", US, "+447700900123"),
        ("+34 (0) 612 345 678", US, "+34612345678"),
        ("011 44 7700 900123", ("GB", "", "US"), "+447700900123"),
        ("011 44 7700 900123", ("", "", "AU"), "+447700900123"),
        ("011 1 202 555 0142", ("DE", "", "US"), "+12025550142"),
        ("00 1 202 555 0142", US, "+12025550142"),
        ("001 (202) 555-0142", ("GB", "", "US"), "+12025550142"),
        ("00 55 11 99999-0000", ("BR", "", "US"), "+5511999990000"),
        ("0055 11 99999-0000", ("BR", "", "US"), "+5511999990000"),
        ("00 21 55 11 99999-0000", ("BR", "", "US"), "+5511999990000"),
        ("0 15 11 99999-0000", ("BR", "", "US"), "+5511999990000"),
        ("0xx11 99999-0000", ("BR", "", "US"), "+5511999990000"),
        ("011 15-5550-1234", ("AR", "", "US"), "+5491155501234"),
        ("+54 9 11 5550-1234", US, "+5491155501234"),
        ("+54 11 15 5550-1234", US, "+5491155501234"),
        ("+54 9 11 15 5550-1234", US, "+5491155501234"),
        (
            "\uff0b\uff11\u3000\uff12\uff10\uff12 \uff15\uff15\uff15 \uff10\uff11\uff14\uff12",
            US,
            "+12025550142",
        ),
        ("\u0662\u0660\u0662 \u0665\u0665\u0665 \u0660\u0661\u0664\u0662", US, "+12025550142"),
        ("202-555-0142 24/7", US, "+12025550142"),
        ("01 202 555 0142", US, "+12025550142"),
        ("091 98765 43210", ("IN", "", "US"), "+919876543210"),
        ("202-555-0142 12", US, ""),
        ("202-555-01424", US, ""),
        ("2O2-555-O142", US, "+12025550142"),
        ("202-555-O142", US, "+12025550142"),
        ("202 555 O142", US, "+12025550142"),
        ("O7700 900146", ("GB", "", "US"), "+447700900146"),
        ("202-555-0142 o 202-555-0143", US, "+12025550142"),
        ("+01 202 555 0142", US, "+12025550142"),
        ("+044 7700 900123", US, "+447700900123"),
        ("Fax: 202-555-0143 Tel: 202-555-0142", US, "+12025550142"),
        ("Tel/Fax: 202-555-0142", US, "+12025550142"),
        ("202-555-0142, fax 202-555-0143", US, "+12025550142"),
        ("old: 202-555-0143 new: 202-555-0142", US, "+12025550142"),
        ("Fax 030 23125124, Tel 030 23125123", ("DE", "", "US"), "+493023125123"),
        ("fax 202-555-0142", US, ""),
        ("202-555-0142 (fax)", US, ""),
        ("202-555-0142 (wrong number)", US, ""),
        ("202-555-0142 disconnected", US, ""),
        ("202-555-0142 - not in service", US, ""),
        ("91234-5607", ("BR", "", "US"), ""),
        ("1234-5706", ("BR", "", "US"), ""),
        ("98765 4320", ("IN", "", "US"), ""),
        ("Unit 3 (202) 555-0142", US, ""),
    ],
)
def test_how_it_is_written(text, regions, expected):
    assert number(text, regions) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("+12025550142; +12025550143", "+12025550142"),
        ("+12025550142 +12025550143", "+12025550142"),
        ("+12025550142,+12025550143", "+12025550142"),
        ("202-555-0142 ::: 202-555-0143", "+12025550142"),
        ("202-555-0142 / 202-555-0143", "+12025550142"),
        ("202-555-0142 or 202-555-0143", "+12025550142"),
        ("202-555-0142 (home) 202-555-0143 (work)", "+12025550142"),
        ("home 202-555-0142, work 202-555-0143", "+12025550142"),
        ("(202) 555-0142 (202) 555-0143", "+12025550142"),
        ("202-555-0142 - 202-555-0143", "+12025550142"),
        ("2025550142 2025550143", "+12025550142"),
        ("202-555-0142\n202-555-0143", "+12025550142"),
        ("202-555-0142|202-555-0143", "+12025550142"),
        ("555-0142; 202-555-0143", "+12025550143"),
        ("n/a; 202-555-0143", "+12025550143"),
        ("+44 7700 900123 / +44 7700 900124", "+447700900123"),
        ("202-555-0142/0143", "+12025550142"),
        ("202-555-0142, 5", "+12025550142"),
    ],
)
def test_of_two_numbers_the_first_usable_counts_with_a_warning(text, expected):
    reading = read(text, US)
    assert reading.number == expected
    if not text.startswith("n/a"):
        assert reading.warnings
    assert expected in plausible(text, US)


@pytest.mark.parametrize(
    ("text", "regions", "expected", "warns"),
    [
        ("447700900123", NOT_SAID, "+447700900123", True),
        ("44 7700 900123", NOT_SAID, "+447700900123", True),
        ("Tel 44 7700 900123", NOT_SAID, "+447700900123", True),
        ("919800000101", NOT_SAID, "+919800000101", True),
        ("380445550101", NOT_SAID, "+380445550101", True),
        ("491713920012", NOT_SAID, "+491713920012", True),
        ("33639981234", NOT_SAID, "+33639981234", True),
        ("61491570156", NOT_SAID, "+61491570156", True),
        ("61491570156", ("AU", "", "US"), "+61491570156", False),
        ("447700900123", ("GB", "", "US"), "+447700900123", False),
        ("447700900123", ("AU", "", "US"), "+447700900123", True),
        ("491713920012", ("DE", "", "US"), "+491713920012", False),
        ("5511999990000", ("BR", "", "US"), "+5511999990000", False),
        ("12025550142", ("GB", "", "GB"), "+12025550142", True),
        ("4740000101", NOT_SAID, "", False),
        ("4740000101", ("NO", "", "US"), "+4740000101", False),
        ("6175550142", ("", "", "US"), "+16175550142", False),
        ("9198765432", ("IN", "", "US"), "+919198765432", False),
        ("9999123456789", NOT_SAID, "", False),
        ("449999999999999", NOT_SAID, "", False),
        ("1 55 5555 0101", ("MX", "", "US"), "+525555550101", True),
        ("1 202 555 0142", ("MX", "", "US"), "+12025550142", True),
    ],
)
def test_a_full_number_without_its_plus(text, regions, expected, warns):
    assert number(text, regions) == expected
    if expected:
        assert bool(read(text, regions).warnings) == warns


@pytest.mark.parametrize(
    ("text", "country"),
    [
        ("+52 1 55 5555 0101", ""),
        ("+5215555550101", "MX"),
        ("+521 55 5555 0101", "US"),
        ("0052 1 55 5555 0101", ""),
        ("52 1 55 5555 0101", "MX"),
        ("5215555550101", ""),
        ("525555550101", ""),
        ("+52 55 5555 0101", ""),
        ("55 5555 0101", "Mexico"),
        ("(55) 5555-0101", "México"),
        ("044 55 5555 0101", "MX"),
        ("045 55 5555 0101", "MX"),
        ("01 55 5555 0101", "MEX"),
        ("015555550101", "MX"),
        ("+52 044 55 5555 0101", ""),
        ("+52 01 55 5555 0101", "MX"),
        ("044-55-5555-0101 (cel)", "MX"),
    ],
)
def test_a_mexican_number_is_one_lead_in_every_spelling(text, country):
    assert number(text, (country, "", "US")) == "+525555550101"


@pytest.mark.parametrize(
    ("text", "regions", "among"),
    [
        ("491713920012", NOT_SAID, "+491713920012"),
        ("6475550142", NOT_SAID, "+6475550142"),
        ("+2025550142", US, "+2025550142"),
        ("+49 49 171 3920012", US, "+491713920012"),
        ("07700 900123", ("Narnia", "GB", "US"), "+447700900123"),
        ("202-555-0142", ("Narnia", "", "US"), "+12025550142"),
        ("4740000101", NOT_SAID, "+4740000101"),
        ("202-555-0142; 202-555-0143", US, "+12025550143"),
        ("07700 900123", ("DE", "GB", "US"), "+447700900123"),
        ("0015 55 11 99999-0000", ("BR", "", "US"), "+5511999990000"),
    ],
)
def test_an_opt_out_reaches_every_number_that_can_be_meant(text, regions, among):
    found = plausible(text, regions)
    assert among in found
    assert len(found) <= 8
    if chosen := number(text, regions):
        assert found[0] == chosen
