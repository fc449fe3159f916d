"""Phone numbers: whatever people write → E.164, the one spelling by which Fusion knows a lead.

Knows numbering plans (by the phonenumbers library) and Fusion's 10 to 15 digits; knows nothing of rules.
Rule for editors: the result is a lead's identity, so normalising a result again must change nothing.
"""

import re
import unicodedata
from collections.abc import Sequence
from typing import Final

import phonenumbers

from bridge.errors import InvalidPhone
from bridge.masking import mask_phone

# Fusion: 10 to 15 digits after normalization (facts/fusion.md §1); E.164 allows no more than 15 either.
MIN_DIGITS: Final = 10
MAX_DIGITS: Final = 15

_READINGS: Final = 8
_LONGEST: Final = 300  # characters that are looked at; the library refuses what has more than 250
# What GHL sends nearly always, and what people in its main market write. Every ten-digit number that
# begins with 2 to 9 is possible in the North American plan, so the library has nothing to add.
_NORTH_AMERICAN: Final = re.compile(r"\+1[2-9][0-9]{9}")
_TEN_DIGITS: Final = re.compile(r"(?:1[ .-]?)?\(?([2-9][0-9]{2})\)?[ .-]?([0-9]{3})[ .-]?([0-9]{4})")
_PLAN_REGIONS: Final = frozenset({"US", "CA"})
_REGION_NAMES: Final = {  # what a contact's `country` says when it isn't a two-letter code
    "USA": "US",
    "UNITED STATES": "US",
    "UNITED STATES OF AMERICA": "US",
    "CANADA": "CA",
    "UK": "GB",
    "UNITED KINGDOM": "GB",
    "AUSTRALIA": "AU",
    "NEW ZEALAND": "NZ",
}
_NO_PHONE: Final = frozenset(
    {"na", "none", "null", "nil", "no", "nophone", "unknown", "notprovided", "undefined"}
)
_FIX: Final = "correct the phone in the CRM, with its country code, then replay the event"


def normalize(text: str, regions: Sequence[str]) -> str:
    """E.164 ("+14155550101") of a number as people write it, 10 to 15 digits in all.

    `regions` are two-letter codes, the most telling first: the first one that exists is used for a
    number without country code. Takes brackets, dots, full-width digits, "tel:", a leading "+" or
    "00"; drops an extension. Possible numbers pass, assigned or not. Raises InvalidPhone, its message
    with the number masked, for everything else ('' included).
    """
    if _NORTH_AMERICAN.fullmatch(text):
        return text
    region = next((code for name in regions if (code := _region(name))), "")
    if region in _PLAN_REGIONS and (found := _TEN_DIGITS.fullmatch(text)):
        return f"+1{found[1]}{found[2]}{found[3]}"
    spelt = unicodedata.normalize("NFKC", text[:_LONGEST]).strip()
    spelt = spelt.removeprefix("tel:").removeprefix("TEL:").lstrip()
    international = re.sub(r"^\(?00(?=[\s().-]*[1-9])", "+", spelt)
    if international != spelt and (number := _e164(international, "")):
        return number
    if number := _e164(spelt, region):
        return number
    if not region and not spelt.startswith("+"):
        reason, fix = (
            "has no country code and no region is known",
            "set default_region, or write +country code",
        )
    else:
        reason, fix = _reason(spelt, region), _FIX
    raise InvalidPhone(f"phone {mask_phone(spelt)} {reason}", field="phone", fix=fix)


def plausible(text: str, regions: Sequence[str]) -> tuple[str, ...]:
    """E.164 of each number that the text can mean, the chosen one first; at most 8. Never raises.

    For opt-outs: each region's reading counts, and the one with a plus where that is valid.
    """
    if _NORTH_AMERICAN.fullmatch(text):
        return (text,)
    digits = "".join(str(unicodedata.decimal(sign)) for sign in text[:_LONGEST] if sign.isdecimal())
    found = [_or_nothing(text, regions), *(_or_nothing(text, [name]) for name in regions)]
    for national in (digits, digits.lstrip("0")):
        abroad = _or_nothing(f"+{national}", [])
        if abroad and phonenumbers.is_valid_number(phonenumbers.parse(abroad)):
            found.append(abroad)
    return tuple(dict.fromkeys(filter(None, found)))[:_READINGS]


def _or_nothing(text: str, regions: Sequence[str]) -> str:
    try:
        return normalize(text, regions)
    except InvalidPhone:
        return ""


def says_no_phone(text: str) -> bool:
    """True for '' and what people type instead of a number: "n/a", "none", "-"."""
    letters = "".join(sign for sign in text[:_LONGEST].casefold() if sign.isalnum())
    return not letters or letters in _NO_PHONE


def _region(name: str) -> str:
    code = name.strip().upper()
    code = _REGION_NAMES.get(code, code)
    return code if code in phonenumbers.SUPPORTED_REGIONS else ""


def _e164(text: str, region: str) -> str:
    """E.164, or '' when the text is no possible number that Fusion takes."""
    number = _possible(text, region)
    # A number with two trunk prefixes ("0020…") would lose the second one when read again, and so be
    # two leads: nobody can say which of the two is meant.
    stable = number == text or (number and _possible(number, "") == number)
    if stable and MIN_DIGITS <= len(number) - 1 <= MAX_DIGITS:
        return number
    return ""


def _possible(text: str, region: str) -> str:
    try:
        parsed = phonenumbers.parse(text, region or None)
    except phonenumbers.NumberParseException:
        return ""
    # "Possible" and not "valid": numbers newer than the library's tables must pass; but a local
    # number without its area code is possible, too, and can't be dialled from elsewhere.
    if phonenumbers.is_possible_number_with_reason(parsed) != phonenumbers.ValidationResult.IS_POSSIBLE:
        return ""
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def _reason(text: str, region: str) -> str:
    count = sum(sign.isdecimal() for sign in text)
    if count == 0:
        return "holds no digits"
    if count > MAX_DIGITS:
        return f"has {count} digits; Fusion takes {MIN_DIGITS} to {MAX_DIGITS}"
    return f"with {count} digits is no possible number" + (
        f" in {region}" if not text.startswith("+") else ""
    )
