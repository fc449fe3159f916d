"""Who is in a bulk import, and what each webhook of it says.

By the number of the event alone, so that every run is alike and nothing has to be remembered. Of a hundred
events 65 are new people, 10 are repeats, 16 updates of people who came before, 1 is the opt-out of one, 4
have no phone, and 4 are other contacts with the phone of somebody who is there. Rule for editors: whoever
opts out does so once, and nobody says anything of them afterwards.
"""

from dataclasses import dataclass, field
from typing import Any

# Updates are of people so far back at most: some of them aren't even through the rules, some are in Fusion.
_HUNDREDS_BACK = 400

# Every other opt-out is of somebody who came just before, the rest are of people so early in the import that
# they are leads by then: that share of the way.
_EARLY = 40

_REPEATS = range(65, 75)
_UPDATES = range(75, 91)
_OPT_OUT = 91
_NO_PHONE = range(92, 96)
_SHARED = range(96, 100)


@dataclass(frozen=True, slots=True)
class Happening:
    """Whose webhook it is, and what it says besides."""

    contact: int
    said: dict[str, Any] = field(default_factory=dict)
    phone_of: int | None = None  # None: the contact's own


def happening(number: int, *, opt_outs: bool) -> Happening:
    """The event with this number; without opt-outs there is a new person in place of each."""
    hundred, place = divmod(number, 100)
    if place in _REPEATS:
        return happening(number - 50, opt_outs=opt_outs)  # word for word
    if place in _NO_PHONE:
        return Happening(number, {"phone": ""})
    if place in _SHARED:
        return Happening(number, phone_of=number - 40)
    before = _before(hundred)
    if before is None:
        return Happening(number)
    if place in _UPDATES:
        return Happening(before * 100 + place - 30, {"company_name": f"Example Studio {number}"})
    if place == _OPT_OUT and opt_outs:
        early = hundred // _EARLY * 100 + hundred % _EARLY
        return Happening(early if hundred % 2 else hundred * 100 - 100, {"dnd": True})
    return Happening(number)


def _before(hundred: int) -> int | None:
    """One of the hundreds before this one, some near and some far; None in the first."""
    return hundred - 1 - hundred * 7919 % min(hundred, _HUNDREDS_BACK) if hundred else None
