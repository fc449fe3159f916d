"""Leads as they stand in Fusion's answers, in the spelling of either revision.

Knows where an answer keeps its leads, and phones and ids as they are compared. Doesn't know what was asked.
Rule for editors: an answer is a stranger's JSON, so nothing here may raise or take a field for granted.
"""

from typing import Any


def rows(data: Any) -> list[dict[str, Any]]:
    """The leads in data.leads[], in data itself where that is a list, in data.lead (July) or data (June)."""
    match data:
        case {"leads": list() as found}:
            pass
        case list() as found:
            pass
        case {"lead": dict() as lead}:
            found = [lead]
        case _:
            found = [data]
    return [row for row in found if isinstance(row, dict)]


def phone_in(row: dict[str, Any]) -> str:
    """E.164 where it is a phone, else as it stands; empty when the row has none."""
    phone = row.get("phone")
    return e164(phone) or phone if isinstance(phone, str) else ""


def id_in(row: dict[str, Any]) -> str:
    """The lead's id; empty when the row has none."""
    lead_id = row.get("id")
    return lead_id if isinstance(lead_id, str) else ""


def e164(text: str) -> str | None:
    """A phone as Fusion normalizes it: digits only, ten of them mean +1; None when it isn't one."""
    digits = "".join(char for char in text if char in "0123456789")
    if len(digits) == 10 and not text.lstrip().startswith("+"):
        digits = f"1{digits}"
    return f"+{digits}" if 10 <= len(digits) <= 15 else None
