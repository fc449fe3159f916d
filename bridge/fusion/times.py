"""Moments as Fusion writes them: HTTP dates, ISO 8601, Unix seconds or milliseconds. All become Unix seconds.

Knows forms. Doesn't know what a moment is compared with. Rule for editors: what can't be read is None, and
nothing here may raise.

Source: RFC 9110 §5.6.7 for HTTP dates; Fusion's API reference shows `created_at` as 2026-06-17T12:00:00.000Z.
"""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

MILLISECONDS_FROM = 1e11  # in seconds this would be the year 5138
_SECONDS_FROM = 1e9  # 2001: whatever is older was no moment in the life of a lead
_SECONDS_BELOW = 1e10  # 2286
_HTTP_DATE_LENGTH = len("Sun, 06 Nov 1994 08:49:37 GMT")


def http_date(value: str | None) -> float | None:
    """The moment of a Date or Retry-After header. Of a header that came twice the first counts."""
    if value is None:
        return None
    first = value[:_HTTP_DATE_LENGTH] if value[_HTTP_DATE_LENGTH:].startswith(",") else value
    try:
        return _utc(parsedate_to_datetime(first))  # "-0000" has no zone: HTTP knows only GMT
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def moment(value: Any) -> float | None:
    """The moment of a field like `created_at`; without an offset UTC is meant. A day alone is no moment."""
    match value:
        case bool():
            return None
        case int() | float():
            # Not what is more: no float may be able to hold it.
            seconds = value / 1000 if MILLISECONDS_FROM <= value < _SECONDS_BELOW * 1000 else value
            return float(seconds) if _SECONDS_FROM <= seconds < _SECONDS_BELOW else None
        case str() if ":" in value:
            try:
                return _utc(datetime.fromisoformat(value.strip()))
            except (ValueError, OverflowError):
                return None
        case _:
            return None


def _utc(at: datetime) -> float:
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
