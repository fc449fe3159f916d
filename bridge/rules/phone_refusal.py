"""Why a phone is refused, in words that fit, and what to do about it.

Is asked when nothing usable was found. Rule for editors: no digit of the number is in the words.
"""

from typing import Final

from bridge.masking import mask_text
from bridge.rules.phone_plans import MAX_DIGITS, MIN_DIGITS, PLAN, fault_in_plan, is_no_number
from bridge.rules.phone_spelling import figures, is_cut_off, is_disowned, pieces

_FIX: Final = "correct the phone in the CRM, with its country code: the contact's next event brings it"
_COUNTRY_FIX: Final = (
    "write the country's English name or its two letters in the CRM, or +country code before the number"
)


def refusal(spelt: str, *, home: str, unclear: str) -> tuple[str, str]:
    """Why it is no number, and what to do."""
    digits = figures(spelt)
    count = len(digits)
    if not count:
        return "holds no digits", _FIX
    if is_disowned(spelt) or all(piece.disowned for piece in pieces(spelt)):
        return "is called wrong, old or a fax by the text itself", _FIX
    if is_cut_off(spelt):
        return (
            "is a sheet's short form and lacks digits",
            "format the sheet's column as text, and send it again",
        )
    first = next(pieces(spelt), None)
    number = first.digits if first else digits
    plus = bool(first and first.plus)
    if is_no_number(number):
        repeated = len(set(number)) == 1
        return ("is one digit repeated" if repeated else "is what people type for no number"), _FIX
    if not plus and unclear:
        return f"has no country code, and the country {mask_text(unclear[:40])!r} is not known", _COUNTRY_FIX
    if not plus and not home:
        return "has no country code and no region is known", "set default_region, or write +country code"
    national = number.removeprefix("1") if len(number) == 11 and (plus or home in PLAN) else number
    if len(national) == 10 and (national != number if plus else home in PLAN):
        if is_no_number(national):
            return "is one digit repeated" if len(
                set(national)
            ) == 1 else "is what people type for no number", _FIX
        if fault := fault_in_plan(national):
            return fault, _FIX
    if len(number) == 7 and not plus and home in PLAN:
        return "has seven digits: the area code is missing", _FIX
    if count > MAX_DIGITS:
        return f"has {count} digits; Fusion takes {MIN_DIGITS} to {MAX_DIGITS}", _FIX
    where = "" if plus or not home else f" in {home}"
    return f"with {count} digits is no possible number{where}", _FIX
