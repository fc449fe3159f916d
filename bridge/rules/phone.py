"""Phone numbers: whatever people write → E.164, the one spelling by which Fusion knows a lead.

Decides which of the ways to read a text counts; `phone_spelling` finds the digits, `phone_plans` knows what
is a number, `countries` reads the contact's country. Rule for editors: when in doubt there is no number. The
result is a lead's identity, so normalising it again must change nothing.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, NamedTuple

from phonenumbers import country_code_for_region

from bridge.errors import InvalidPhone
from bridge.masking import mask_phone
from bridge.rules.countries import region_of
from bridge.rules.phone_plans import (
    MIN_DIGITS,
    PLAN,
    Found,
    abroad,
    at_home,
    code_of,
    is_no_number,
    is_valid,
    repaired,
)
from bridge.rules.phone_refusal import refusal
from bridge.rules.phone_spelling import Piece, clean, has_letter_zero, is_cut_off, is_disowned, pieces, vanity

_READINGS: Final = 8
_LONGEST: Final = 300  # characters that are looked at
_SAID: Final = 100  # of a country
# What GHL sends nearly always, and what people in its main market write: here the plans have nothing to add.
_NORTH_AMERICAN: Final = re.compile(r"\+1(?!([2-9])\1{9})[2-9][0-9]{2}[2-9][0-9]{6}")
_TEN_DIGITS: Final = re.compile(r"(?:1[ .-]?)?\(?([2-9][0-9]{2})\)?[ .-]?([2-9][0-9]{2})[ .-]?([0-9]{4})")
_AMERICA: Final = frozenset({"US", "CA"})
# Three, three and four digits, and one or a group too many: that is no country code.
_ONE_TOO_MANY: Final = re.compile(r"\W*[0-9]{3}\)?[\s.-]+[0-9]{3}[\s.-]+[0-9]{4}(?:[0-9]?$|\D)")
_SHORT_START: Final = re.compile(r"\W*[0-9]{1,3}\b")
_NO_PHONE: Final = frozenset(
    {"na", "none", "null", "nil", "no", "nophone", "unknown", "notprovided", "undefined"}
)


_Reading = tuple[Found, Piece | None]  # and where in the text it is, but for a vanity number


class PhoneReading(NamedTuple):
    """A number and what is doubtful about it."""

    number: str  # E.164
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the number was written down."""

    home: str  # the region by which a number without country code is read; ''
    said: bool  # whether the contact's country says it
    others: tuple[str, ...]  # tried where no number of `home` can be meant
    unclear: str  # a country that is said and not understood: no region counts then


def normalize(text: str, regions: Sequence[str]) -> str:
    """E.164 ("+14155550101") of a number as people write it, 10 to 15 digits in all.

    The first of `regions` is the contact's country as it says it ('' where it doesn't), the others are the
    source's region and the default. Possible numbers pass, assigned or not. Raises InvalidPhone, its message
    with the number masked, for everything else ('' included).
    """
    if _NORTH_AMERICAN.fullmatch(text):
        return text
    return _ten_digits(text, regions) or read(text, regions).number


def read(text: str, regions: Sequence[str]) -> PhoneReading:
    """`normalize`, with a warning wherever the number is a guess."""
    if _NORTH_AMERICAN.fullmatch(text):
        return PhoneReading(text)
    if american := _ten_digits(text, regions):
        return PhoneReading(american)
    place = _place(regions)
    spelt = clean(text)
    if is_disowned(spelt):
        readings: Iterable[_Reading] = ()
    else:
        readings = (each for each in _readings(spelt, place) if not (each[1] and each[1].disowned))
    best = _chosen(readings, place)
    if best:
        zero = ("a letter O was read as a zero",) if has_letter_zero(text) else ()
        return PhoneReading(best[0].number, (*_warnings(*best), *zero))
    reason, fix = refusal(spelt, home=place.home, unclear=place.unclear)
    raise InvalidPhone(f"phone {mask_phone(spelt)} {reason}", field="phone", fix=fix)


def plausible(text: str, regions: Sequence[str]) -> tuple[str, ...]:
    """E.164 of each number that the text can mean, the chosen one first; at most 8. Never raises.

    For opt-outs: every region's reading counts, and the one with a plus where that is valid.
    """
    if _NORTH_AMERICAN.fullmatch(text):
        return (text,)
    place = _place(regions)
    spelt = clean(text)
    readings = list(_readings(spelt, place))
    best = _chosen(readings, place)
    found = [*([best[0]] if best else []), *(reading for reading, _ in readings)]
    for code in dict.fromkeys(region_of(name[:_SAID]) for name in regions):
        if code and code != place.home:
            found += [
                reading for reading, _ in _readings(spelt, _Place(code, said=False, others=(), unclear=""))
            ]
    with_plus = (abroad(piece.digits.lstrip("0")) for piece in pieces(spelt) if not piece.plus)
    found += [reading for reading in with_plus if reading and reading.sure]
    return tuple(dict.fromkeys(reading.number for reading in found))[:_READINGS]


def says_no_phone(text: str) -> bool:
    """True for '' and what people type instead of a number: "n/a", "none", "-"."""
    letters = "".join(sign for sign in text[:_LONGEST].casefold() if sign.isalnum())
    return not letters or letters in _NO_PHONE


def _ten_digits(text: str, regions: Sequence[str]) -> str:
    """The number of the +1 plan where it is spelt as nearly always there; ''."""
    if (found := _TEN_DIGITS.fullmatch(text)) and _place(regions).home in _AMERICA:
        area, exchange, line = found.groups()
        if area != exchange or len(set(area + line)) > 1:
            return f"+1{area}{exchange}{line}"
    return ""


def _place(regions: Sequence[str]) -> _Place:
    known = regions if type(regions) is tuple else tuple(regions)
    if known and len(known[0]) > _SAID:  # a stranger's text, which may have a megabyte, isn't kept
        known = (known[0][:_SAID], *known[1:])
    return _known_place(known)


@lru_cache(maxsize=1024)
def _known_place(regions: tuple[str, ...]) -> _Place:
    country = region_of(regions[0]) if regions else ""
    if country is None:
        return _Place("", said=True, others=(), unclear=regions[0].strip())
    configured = [code for name in regions[1:] if (code := region_of(name))]
    home, *others = dict.fromkeys([*([country] if country else []), *configured]) or [""]
    return _Place(home, said=bool(country), others=tuple(others), unclear="")


def _chosen(readings: Iterable[_Reading], place: _Place) -> _Reading | None:
    """The first sure one, else the first; none where it would be another number when read again."""
    best: _Reading | None = None
    for each in readings:
        if each[0].sure:
            best = each
            break
        best = best or each
    return best if best and _reads_as_itself(best[0], place) else None


def _readings(spelt: str, place: _Place) -> Iterator[_Reading]:
    """Every way to read the text, the likeliest first."""
    if is_cut_off(spelt):
        return
    for piece in pieces(spelt):
        if is_no_number(piece.digits):
            continue
        for found in _with_plus(piece, place) if piece.plus else _without_plus(piece, place):
            if found.sure or not piece.doubtful:
                yield found, piece
    if place.home in PLAN or re.match(r"\W*1", spelt):
        digits, whole = vanity(spelt)
        if digits and (number := at_home(digits, "US")):
            warning = "" if whole else "letters behind the tenth digit were left out"
            yield Found(number.number, sure=True, warning=warning), None


def _with_plus(piece: Piece, place: _Place) -> Iterator[Found]:
    digits = piece.digits
    if digits.startswith("0"):
        for prefix in ("00", "011"):  # +0044, +01144
            if digits.startswith(prefix) and (found := abroad(digits.removeprefix(prefix))) and found.sure:
                yield found
        yield from _guessed(_national(digits, place), "a plus stands before a number without country code")
        if (found := abroad(digits.lstrip("0"))) and found.sure:  # +01, +044
            yield Found(found.number, sure=True, warning="the zero before the country code was dropped")
        return
    if number := _forgotten_one(digits, place):
        yield Found(number, sure=True, warning="a plus before ten digits was read as +1")
    yield from repaired(digits)


def _without_plus(piece: Piece, place: _Place) -> Iterator[Found]:
    digits = piece.digits
    if digits.startswith("00") and digits[2:3] != "0":
        yield from repaired(digits[2:])
    elsewhere = digits.startswith("011") and place.home not in PLAN
    home = at_home(digits, place.home) if place.home else None
    if home and (home.sure or not elsewhere):
        # Ten digits stay the region's, in service by the tables or not.
        yield Found(home.number, sure=home.sure or len(digits) == 10, warning=home.warning)
    if elsewhere and (found := abroad(digits[3:])) and found.sure:
        yield Found(found.number, sure=True, warning="011 was read as the prefix of a call abroad")
    if home and elsewhere and not home.sure:
        yield home
    if place.home and _may_lack_plus(piece, place):
        other = (found for found in repaired(digits) if found.sure and found != home)
        full = (found for found in other if not found.number.startswith("+1") or is_valid(found.number))
        yield from _guessed(full, "its country code was read without a plus")
    if piece.doubtful or (home and home.sure):
        return
    code = str(country_code_for_region(place.home)) if place.home else ""
    if code and digits.startswith(f"0{code}") and (found := abroad(digits[1:])) and found.sure:
        yield Found(found.number, sure=True, warning="the zero before the country code was dropped")
    for region in () if home else place.others:
        found = at_home(digits, region)
        if found and (found.sure or digits[0] == "0"):
            reason = f"can be no number of {place.home}, was read by {region}"
            yield Found(found.number, found.sure, found.warning or reason)


def _national(digits: str, place: _Place) -> Iterator[Found]:
    for region in filter(None, (place.home, *place.others)):
        if found := at_home(digits, region):
            yield found


def _may_lack_plus(piece: Piece, place: _Place) -> bool:
    if len(piece.digits) <= MIN_DIGITS or piece.digits[0] == "0":
        return False
    if piece.doubtful and _SHORT_START.match(piece.text):  # "Unit 32 …"
        return False
    return not (place.home in PLAN and _ONE_TOO_MANY.match(piece.text))


def _guessed(found: Iterable[Found], warning: str) -> Iterator[Found]:
    for each in found:
        yield Found(each.number, sure=each.sure, warning=each.warning or warning)


def _forgotten_one(digits: str, place: _Place) -> str:
    """+1 and the ten digits behind a plus, where these are meant to be of the +1 plan; ''."""
    if len(digits) != 10 or place.home not in PLAN or not (american := at_home(digits, "US")):
        return ""
    if not (place.said and place.home in _AMERICA) and (found := abroad(digits)) and found.sure:
        return ""
    return american.number


def _reads_as_itself(found: Found, place: _Place) -> bool:
    """Whether the number, read again, stays what it is: else it would be two leads."""
    digits = found.number[1:]
    if len(digits) == 10 and _forgotten_one(digits, place):
        return False
    return found.sure or not any(other.sure for other in repaired(digits))


def _warnings(found: Found, piece: Piece | None) -> Iterator[str]:
    if found.warning:
        yield found.warning
    for digits in piece.left_out if piece else ():
        if len(digits) >= 7 and not found.number.endswith(digits.lstrip("0")):
            yield "there are two numbers in the text, the first one counts"
            return
    left = [
        each
        for each in (piece.left_out if piece else ())
        if len(each) < 7 and each != code_of(found.number[1:])
    ]
    if left:
        yield "digits beside the number were left out"
