"""Phone numbers in the spellings of people, forms and sheets, each with the number that is meant.

150 numbers of 50 countries (the library's examples, varied) in 50 spellings: what is right is known by
construction. A national spelling comes with its country, an international one with another default region,
as a bridge in one country gets the numbers of another.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import phonenumbers
from phonenumbers import PhoneNumber, PhoneNumberFormat, PhoneNumberType

COUNTRIES = (
    "US", "CA", "DO", "JM", "MX", "BR", "AR", "CL", "CO", "PE", "EC", "VE", "GB", "IE", "DE", "AT", "CH",
    "FR", "BE", "NL", "LU", "ES", "PT", "IT", "GR", "PL", "CZ", "SK", "HU", "RO", "BG", "HR", "UA", "TR",
    "SE", "NO", "DK", "FI", "IL", "AE", "SA", "EG", "ZA", "NG", "KE", "IN", "PK", "PH", "AU", "NZ",
)  # fmt: skip
NAMES = {"DE": "Germany", "GB": "United Kingdom", "FR": "France", "MX": "Mexico", "IN": "India", "BR": "BRA"}
NUMBERS_EACH = 3


@dataclass(frozen=True)
class Spelling:
    """A text, where it was written, and the number that it means."""

    kind: str
    text: str
    country: str  # as the contact's country says it; '' where it doesn't
    region: str  # of the source
    meant: str
    code: str  # the two letters of its country, or of the region where none is said


@cache
def spellings() -> tuple[Spelling, ...]:
    """All of them, the same in every run."""
    return tuple(
        each
        for country in COUNTRIES
        for number in _numbers(country)
        for each in (*_international(number, country), *_national(number, country))
    )


def _numbers(country: str) -> list[PhoneNumber]:
    """A mobile number, one of the fixed network, and a mobile one that differs in its last digits."""
    found: dict[str, PhoneNumber] = {}
    kinds = (PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE, PhoneNumberType.MOBILE)
    for nth, kind in enumerate(kinds):
        base = _e164(phonenumbers.example_number_for_type(country, kind))
        if len(base) <= 10:  # Sweden's example is too short for Fusion
            base = _e164(phonenumbers.example_number_for_type(country, PhoneNumberType.MOBILE))
        for step in range(1000):
            varied = f"{base[:-4]}{(int(base[-4:]) + 137 * nth + 31 * step) % 10_000:04}"
            number = phonenumbers.parse(varied)
            if varied not in found and phonenumbers.region_code_for_number(number) == country:
                found[varied] = number
                break
    assert len(found) == NUMBERS_EACH, country
    return list(found.values())


def _international(number: PhoneNumber, country: str) -> Iterator[Spelling]:
    e164 = _e164(number)
    digits, code = e164[1:], str(number.country_code)
    spaced = phonenumbers.format_number(number, PhoneNumberFormat.INTERNATIONAL)
    rest = spaced.removeprefix(f"+{code} ")
    other = f"{e164[:-1]}{(int(e164[-1]) + 1) % 10}"
    abroad = "GB" if code == "1" else "US"
    trunk = f"+{code} (0){rest}" if _has_zero(country) else f"(+{code}) {rest}"
    old = f"+52 1 {rest}" if country == "MX" else f"+{code}{rest}"
    # Ten digits without a plus are the region's: there they come with their country.
    bare_country = "" if len(digits) > 10 else country
    texts = {
        "E.164": e164,
        "spaced": spaced,
        "rfc 3966": phonenumbers.format_number(number, PhoneNumberFormat.RFC3966),
        "00": f"00{digits}",
        "00 spaced": f"00 {code} {rest}",
        "trunk zero or brackets": trunk,
        "hyphens": f"+{code}-{rest.replace(' ', '-')}",
        "dots": f"+{code}.{rest.replace(' ', '.').replace('-', '.')}",
        "low lines": spaced.replace(" ", "_"),
        "middle dots": spaced.replace(" ", "\u00b7"),
        "blank behind the plus": f"+ {code} {rest}",
        "old mobile 1 or no blank": old,
        "code twice": f"+{code} +{code} {rest}",
        "code twice, bare": f"+{code}{e164}",
        "percent": f"%2B{digits}",
        "entity": f"&#43;{digits}",
        "full width": "".join(chr(ord(sign) + 0xFEE0) for sign in e164),
        "unseen marks": f"\u202a{spaced}\u202c",
        "sheet": f"{e164}.0",
        "sheet's apostrophe": f"'{e164}",
        "sheet's formula": f'="{e164}"',
        "label": f"Tel: {spaced}",
        "label with hyphen": f"Cell - {spaced}",
        "whose": f"{spaced} (Mother)",
        "which": f"{spaced} / home",
        "empty extension": f"{spaced} Ext",
        "extension": f"{spaced} ext. 5",
        "short extension": f"{spaced} x12",
        "two with semicolon": f"{e164}; {other}",
        "two with slash": f"{spaced} / {other}",
        "two with a word": f"{spaced} or {other}",
    }
    for kind, text in texts.items():
        yield Spelling(kind, text, "", abroad, e164, abroad)
    yield Spelling("without plus", digits, bare_country, abroad, e164, bare_country or abroad)
    yield Spelling(
        "without plus, spaced", f"{code} {rest}", bare_country, abroad, e164, bare_country or abroad
    )
    shown = f"{digits[0]}.{digits[1:]}E+{len(digits) - 1}"
    yield Spelling("exact floating point", shown, country, abroad, e164, country)
    if abroad == "US":
        yield Spelling("011", f"011 {code} {rest}", "", "US", e164, "US")
    else:
        yield Spelling("001", f"001 {rest}", "", "GB", e164, "GB")


def _national(number: PhoneNumber, country: str) -> Iterator[Spelling]:
    e164 = _e164(number)
    text = phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL)
    digits = "".join(filter(str.isdecimal, text))
    other = text[:-1] + str((int(text[-1]) + 1) % 10)
    texts = {
        "national": text,
        "national digits": digits,
        "national dots": text.replace(" ", ".").replace("-", "."),
        "national low lines": text.replace(" ", "_"),
        "national and whose": f"{text} (Max)",
        "national and which": f"{text} / home",
        "national and empty extension": f"{text} Ext",
        "national label": f"Phone: {text}",
        "national label with hyphen": f"Mobile - {text}",
        "national remark": f"{text} call after five",
        "two national with colons": f"{text} ::: {other}",
        "two national with a word": f"{text} or {other}",
        "national sheet": f"{digits}.0",
    }
    for kind, spelt in texts.items():
        yield Spelling(kind, spelt, country, "US", e164, country)
    yield Spelling("national, country's name", text, NAMES.get(country, country.lower()), "US", e164, country)
    yield Spelling("national, source's region", text, "", country, e164, country)


def _e164(number: PhoneNumber) -> str:
    return str(phonenumbers.format_number(number, PhoneNumberFormat.E164))


def _has_zero(country: str) -> bool:
    metadata = phonenumbers.PhoneMetadata.metadata_for_region(country)
    return metadata is not None and metadata.national_prefix == "0"
