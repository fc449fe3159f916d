"""Numbering plans: digits → E.164, where they are a number of the country or behind a plus.

Knows Google's tables (the phonenumbers library) and where they fall short: Mexico's old prefixes, the rules
of the +1 plan, the numbers that regulators keep for fiction. Knows no spelling: digits come in, bare ASCII.
Rule for editors: what is returned reads as itself behind a plus. A number is a lead's identity.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import phonenumbers
from phonenumbers import (
    COUNTRY_CODE_TO_REGION_CODE,
    NumberParseException,
    PhoneNumber,
    PhoneNumberFormat,
    PhoneNumberType,
)

# Fusion: 10 to 15 digits after normalization (facts/fusion.md §1); E.164 allows no more than 15 either.
MIN_DIGITS: Final = 10
MAX_DIGITS: Final = 15

PLAN: Final = frozenset(COUNTRY_CODE_TO_REGION_CODE[1])  # the countries that share +1
_IN_PLAN: Final = re.compile(r"[2-9][0-9]{2}[2-9][0-9]{6}")
_NO_NUMBER: Final = re.compile(r"(\d)\1*|1234567890")
# Mexico until 2019: a 1 behind +52 for mobiles, and 01, 044 or 045 before ten digits. The tables forgot them.
_MEXICO_ABROAD: Final = re.compile(r"52(?:0?1|04[45])(?=\d{10}$)")
_MEXICO_AT_HOME: Final = re.compile(r"0(?:1|4[45])(?=\d{10}$)")
# +54 9 11 15 …: the 9 of calls from abroad and the 15 of calls at home, both.
_ARGENTINA_TWICE: Final = re.compile(r"549(\d{2,4})15(?=\d{6,8}$)")
# Kept by Ofcom, ComReg and Arcep for fiction. The tables call them invalid, and demonstrations use them.
_FICTION: Final = re.compile(r"\+44(?:7700900|1632960|1154960)\d{3}|\+3532091\d{5}|\+3363998\d{4}")


@dataclass(frozen=True, slots=True)
class Found:
    """One way to read a text."""

    number: str  # E.164
    sure: bool  # valid by the tables, and not only possible; always in the +1 plan, where these lag
    warning: str = ""  # why it is a guess


def abroad(digits: str) -> Found | None:
    """What the digits are behind a plus."""
    if digits.startswith("52"):
        digits = _MEXICO_ABROAD.sub("52", digits)
    elif digits.startswith("549"):
        digits = _argentine(digits)
    elif digits.startswith("1") and len(digits) == 11:
        return _in_plan(digits[1:])
    return _found(f"+{digits}", None)


def at_home(digits: str, region: str) -> Found | None:
    """What the digits are in a country. Takes its prefixes, and its country code without a plus."""
    if region in PLAN and len(digits) == 10:
        return _in_plan(digits)
    if region == "MX":
        digits = _MEXICO_AT_HOME.sub("", digits)
        if len(digits) == 11 and digits[0] == "1" and not is_valid(f"+{digits}"):
            return _as_mobile_one(digits[1:])
    found = _found(digits, region)
    code = str(phonenumbers.country_code_for_region(region))
    # National numbers of eleven digits and more that begin with their own country code and not with a zero
    # ("491713920012" in Germany) are meant as international ones; ten digits may be a whole number.
    if len(digits) > 10 and digits.startswith(code) and (full := abroad(digits)) and full != found:
        return full if full.sure or not found else found
    return found


def repaired(digits: str) -> Iterator[Found]:
    """What the digits are behind a plus, first as they are, then less what people write there by mistake."""
    if found := abroad(digits):
        yield found
    code = code_of(digits)
    rest = digits[len(code) :]
    if not code or not rest:
        return
    if rest.startswith((code, f"00{code}")) and (found := abroad(rest.removeprefix("00"))) and found.sure:
        yield Found(found.number, sure=True, warning="the country code is there twice, one was dropped")
    if rest.startswith("0") and (found := abroad(code + rest.lstrip("0"))) and found.sure:
        yield Found(found.number, sure=True, warning="the zero behind the country code was dropped")


def is_valid(number: str) -> bool:
    """Whether the tables have E.164 in service. In the +1 plan they lag; elsewhere `sure` says it."""
    return phonenumbers.is_valid_number(phonenumbers.parse(number))


def code_of(digits: str) -> str:
    """The country code that the digits begin with; ''."""
    return next((digits[:n] for n in (1, 2, 3) if _is_code(digits[:n])), "")


def is_no_number(digits: str) -> bool:
    """Whether the digits are what people type for no number."""
    return _NO_NUMBER.fullmatch(digits) is not None


def fault_in_plan(national: str) -> str:
    """Why ten digits are no number of the +1 plan; ''."""
    for what, digit in (("area code", national[0]), ("exchange", national[3])):
        if digit in "01":
            return f"can be no number: its {what} begins with {digit}, and none does"
    return ""


def _is_code(digits: str) -> bool:
    return bool(digits) and digits[0] != "0" and int(digits) in COUNTRY_CODE_TO_REGION_CODE


def _in_plan(national: str) -> Found | None:
    if _IN_PLAN.fullmatch(national) and not is_no_number(national):
        return Found(f"+1{national}", sure=True)
    return None


def _as_mobile_one(national: str) -> Found | None:
    found = _found(national, "MX")
    return Found(found.number, found.sure, "the 1 before ten digits was dropped") if found else None


def _argentine(digits: str) -> str:
    return next(
        (
            short
            for found in _ARGENTINA_TWICE.finditer(digits)
            if (short := f"549{found[1]}{digits[found.end() :]}") and len(short) == 13
        ),
        digits,
    )


def _found(text: str, region: str | None) -> Found | None:
    """The library's reading, where it is possible, fits Fusion and reads as itself."""
    try:
        parsed = phonenumbers.parse(text, region)
    except NumberParseException:
        return None
    # "Possible" and not "valid": numbers newer than the library's tables must pass; but a local number
    # without its area code is possible, too, and can't be dialled from elsewhere.
    if phonenumbers.is_possible_number_with_reason(parsed) != phonenumbers.ValidationResult.IS_POSSIBLE:
        return None
    number = phonenumbers.format_number(parsed, PhoneNumberFormat.E164)
    national = number[1 + len(str(parsed.country_code)) :]
    if not MIN_DIGITS <= len(number) - 1 <= MAX_DIGITS or is_no_number(national):
        return None
    if parsed.country_code == 1:
        return _in_plan(national)
    valid = phonenumbers.is_valid_number(parsed)
    if region and not valid and not _long_enough(parsed):
        return None
    # A number with two trunk prefixes ("+44 00…") would lose the second one when read again, and so be two
    # leads: it can't be known which of the two is meant.
    if text != number and _reads_as(number) != parsed:
        return None
    return Found(number, sure=valid or bool(_FICTION.fullmatch(number)))


def _long_enough(parsed: PhoneNumber) -> bool:
    """Whether a line or a mobile may have so many digits: "91234-5607" in Brazil lacks its area code.

    Asked where no country code was given, because short numbers of other kinds make those possible, too.
    """
    kinds = (PhoneNumberType.FIXED_LINE, PhoneNumberType.MOBILE)
    possible = phonenumbers.ValidationResult.IS_POSSIBLE
    return any(
        phonenumbers.is_possible_number_for_type_with_reason(parsed, kind) == possible for kind in kinds
    )


def _reads_as(number: str) -> PhoneNumber | None:
    try:
        return phonenumbers.parse(number, None)
    except NumberParseException:
        return None
