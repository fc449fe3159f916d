"""Our filters beside Jinja2's own: `number`, `digits`, `phone`, `date`, `split`, `lookup`.

Each takes whatever a payload holds and gives Empty where nothing can be made of it, so that a rule
falls through to its next candidate. Rule for editors: a filter never raises because of its value.
The docstrings are quoted in the README.
"""

import math
import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import wraps
from typing import Any, Final

from jinja2 import pass_context
from jinja2.runtime import Context

from bridge import dates
from bridge.errors import InvalidPhone
from bridge.model import NOTES
from bridge.rules.phone import read, says_no_phone
from bridge.rules.values import EMPTY

# The variable that carries the reading's regions; no expression can name it.
REGIONS: Final = "_regions"
_NOTES_MAX: Final = 3  # they go with the event, and a payload may hold thousands of values
_SHOWN: Final = 40  # characters of a value in a note

# A sign or currency before, a currency, percent sign or ISO code after. Nothing else: "80k" isn't 80.
_CURRENCY: Final = r"(?:[A-Z]{0,3}[$€£¥₹₽₺₩₪₫฿₱]|[A-Z]{2,3}|Rs)\.?"
_NUMBER: Final = re.compile(
    rf"(?P<sign>[-+−]?)\s*(?:{_CURRENCY})?\s*(?P<inner>[-+−]?)"  # -$5 and $-5
    rf"(?P<figure>\d[\d.,' ]*|\.\d+)\s*(?:{_CURRENCY}|%)?"
)
_THOUSANDS: Final = re.compile(r"\d{1,3}(?:([,.' ])\d{3})(?:\1\d{3})*")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LONGEST: Final = 64  # of a text that is one number or one date


def number(value: Any) -> Any:
    """`"$1,234.50" | number` → 1234.5. Whole numbers stay whole; "80 USD", " 12 ", "1.234,50" and "-5%" work.

    Anything else ("80k", "n/a", a list of two, true) is empty, and comparing an empty value is false.
    """
    value = _alone(value)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return value if isinstance(value, int) or math.isfinite(value) else EMPTY
    if not isinstance(value, str) or len(value) > _LONGEST:
        return EMPTY
    found = _NUMBER.fullmatch(unicodedata.normalize("NFKC", value).strip())
    figure = _decimal(found["figure"].strip()) if found else ""
    if not found or not figure or (found["sign"] and found["inner"]):
        return EMPTY
    read = float(figure) if "." in figure else int(figure)
    return -read if (found["sign"] or found["inner"]) in ("-", "−") else read


def _decimal(figure: str) -> str:
    """The figure with a dot for decimals and nothing for thousands; '' where both readings fail."""
    last = max(figure.rfind("."), figure.rfind(","))
    whole, fraction = (figure[:last], figure[last + 1 :]) if last >= 0 else (figure, "")
    if _THOUSANDS.fullmatch(figure) and not (figure.count(".") == 1 and "," not in figure):
        whole, fraction = figure, ""  # "1,234" is a thousand; "1.234" alone stays a decimal, as in JSON
    if not (whole.isdecimal() or _THOUSANDS.fullmatch(whole) or (not whole and fraction)):
        return ""
    if fraction and not fraction.isdecimal():
        return ""
    return re.sub(r"[,.' ]", "", whole) + (f".{fraction}" if fraction else "")


def digits(value: Any) -> Any:
    """`"(415) 555-0101" | digits` → "4155550101": only the digits of a text or number; empty without any."""
    value = _alone(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, (str, int, float)) or isinstance(value, bool):
        return EMPTY
    return "".join(str(unicodedata.decimal(sign)) for sign in str(value) if sign.isdecimal()) or EMPTY


@pass_context
def phone(context: Context, value: Any, region: str = "") -> Any:
    """`"(415) 555-0101" | phone` → "+14155550101" (E.164); empty when nobody could dial it.

    Without a country code the contact's country decides, then the source's region, then the
    configuration's; `phone('GB')` decides otherwise.
    """
    value = _alone(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, (str, int)) or isinstance(value, bool):
        return EMPTY
    regions = (region,) if isinstance(region, str) and region else context.get(REGIONS, ())
    try:
        reading = read(str(value), regions)
    except InvalidPhone as error:
        if not says_no_phone(str(value)):
            _note(context, f"{error.message}, taken as empty")
        return EMPTY
    except ValueError:  # Python refuses to print a number of 4300 digits
        return EMPTY
    for warning in reading.warnings:
        _note(context, f"phone: {warning}")
    return reading.number


@pass_context
def date(context: Context, value: Any, form: Any = "%Y-%m-%d") -> Any:
    """`"10/05/2026" | date` → "2026-10-05"; another form is given in strftime's letters.

    `"10/05/2026" | date('%d %b %Y')` → "05 Oct 2026". Reads ISO 8601, Unix time in seconds or
    milliseconds (as UTC), and what people write (Oct 5, 2026 4:15pm, 5.10.2026, October 5th 2026); of
    10/05/2026 the first is the month where the source's region has it so. Anything else is empty.
    """
    value = _alone(value)
    # The contact's own country comes first; it isn't the contact who writes the date.
    written = next(filter(None, (context.get(REGIONS) or ())[1:]), "US")
    moment = _moment(value, day_first=written not in dates.MONTH_FIRST)
    if moment is None or not isinstance(form, str) or len(form) > _LONGEST:
        return EMPTY
    try:
        return moment.strftime(form)
    except ValueError:
        return EMPTY


def _alone(value: Any) -> Any:
    """A list of one as its item."""
    return value[0] if isinstance(value, (list, tuple)) and len(value) == 1 else value


def _moment(value: Any, *, day_first: bool) -> datetime | None:
    text = value.strip() if isinstance(value, str) else ""
    if re.fullmatch(r"-?\d{9,13}", text, re.ASCII):
        value = int(text)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return _from_epoch(value)
    found = dates.read(text, day_first=day_first)
    return found.at if found else None


def _from_epoch(value: float) -> datetime | None:
    # 1e11 seconds is the year 5138 and 1e11 ms is 1973: what is bigger can only be milliseconds.
    # Below 1e8 (1973) a number is more likely a year or an amount than a date.
    if not 1e8 <= abs(value) <= 1e14:  # false for nan, too
        return None
    try:
        return _EPOCH + timedelta(seconds=value / 1000 if abs(value) >= 1e11 else value)
    except OverflowError:  # before the year 1
        return None


def split(value: Any, separator: Any = ",") -> list[Any]:
    """`"a, b,,c" | split` → ["a", "b", "c"]; `split(';')` by another separator; a list stays as it is."""
    if isinstance(value, (list, tuple)):
        return list(value)
    if value is None or value == "" or isinstance(value, (Mapping, bool)):
        return []
    pieces = str(value).split(separator if isinstance(separator, str) and separator else None)
    return [piece.strip() for piece in pieces if piece.strip()]


def lookup(value: Any, table: Any, default: Any = EMPTY) -> Any:
    """What stands beside the value in a table: "CA" → "West".

    `contact.state | lookup({'CA': 'West', 'NY': 'East'}, 'Other')` gives "Other" for any other state.
    Upper and lower case don't matter unless the table holds both; without a match the default, else empty.
    """
    if not isinstance(table, Mapping) or not isinstance(value, (str, int, float)):
        return default
    if value in table:
        return table[value]
    wanted = str(value).strip().casefold()
    return next((found for key, found in table.items() if str(key).strip().casefold() == wanted), default)


def _noting(make: Callable[..., Any], what: str) -> Callable[..., Any]:
    """The filter, noting for the event's warnings which texts it could make nothing of."""
    of_context = hasattr(make, "jinja_pass_arg")

    @pass_context
    @wraps(make)
    def noted(context: Context, value: Any, *args: Any, **kwargs: Any) -> Any:
        made = make(context, value, *args, **kwargs) if of_context else make(value, *args, **kwargs)
        if made is EMPTY and isinstance(value, str) and value.strip():
            _note(context, f"{value.strip()[:_SHOWN]!r} is not a {what}, taken as empty")
        return made

    return noted


def _note(context: Context, note: str) -> None:
    notes = context.get(NOTES)
    if notes is not None and note not in notes and len(notes) < _NOTES_MAX:
        notes.append(note)


FILTERS: Final[Mapping[str, Callable[..., Any]]] = {
    "number": _noting(number, "number"),
    "digits": digits,
    "phone": phone,
    "date": _noting(date, "date"),
    "split": split,
    "lookup": lookup,
}
