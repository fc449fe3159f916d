"""What the demo sends, and what must come of it: fictional people, numbers that nobody has.

Knows payloads as GHL and web forms send them; `demo_stage` has the configuration they meet. Rule for editors:
every case says its whole outcome (answer, fate, leads), because `bridge demo --once` is also a test.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

APP_ID: Final = "0123456789abcdef01234567"
LOCATION: Final = "LocOakFitness00000001"


@dataclass(frozen=True, slots=True)
class Case:
    """One webhook, and all that must come of it."""

    title: str
    source: str
    body: Mapping[str, Any]
    answer: str = "200 accepted"
    fate: str = "delivered"  # where the event ends, and why; where nothing is stored, why not
    phones: tuple[str, ...] = ()  # whose leads are shown …
    leads: tuple[str, ...] = ()  # … and must be these: "Name (tags)"
    forged: bool = False  # signed by somebody else
    outage: bool = False  # Fusion is down when it comes
    known: Mapping[str, Any] = field(default_factory=dict)  # a lead that Fusion has before


def phone(last: int) -> str:
    """One of the numbers that are kept for fiction."""
    return f"+1202555{last:04d}"


def _workflow(who: str, name: str, last: int | None, tags: str = "", **more: Any) -> dict[str, Any]:
    first, _, family = name.partition(" ")
    return {
        "contact_id": f"Ct{who:0<18}",
        "first_name": first,
        "last_name": family,
        "full_name": name,
        "email": f"{first.lower()}@example.com",
        **({"phone": f"(202) 555-{last:04d}"} if last else {}),
        "tags": tags,
        "country": "US",
        "location": {"id": LOCATION, "name": "Oak Fitness"},
        "workflow": {"id": "7b0c0000-0000-4000-8000-000000000001", "name": "New leads to the dialer"},
        **more,
    }


def _app(number: int, event: str, who: str, name: str, last: int, **more: Any) -> dict[str, Any]:
    first, _, family = name.partition(" ")
    return {
        "type": event,
        "locationId": LOCATION,
        "appId": APP_ID,
        "webhookId": f"5d1f0c3a-0000-4000-8000-{number:012d}",
        "id": f"Ct{who:0<18}",
        "firstName": first,
        "lastName": family,
        "email": f"{first.lower()}@example.com",
        "phone": phone(last),
        "country": "US",
        **more,
    }


def _form(number: int, name: str, number_as_typed: str) -> dict[str, Any]:
    email = f"{name.partition(' ')[0].lower()}@example.com"
    return {"submission_id": f"sub-{number}", "name": name, "phone": number_as_typed, "email": email}


MIA: Final = _workflow("Mia", "Mia Santos", 101, "solar")

CASES: Final[tuple[Case, ...]] = (
    Case("A new contact", "workflow", MIA, phones=(phone(101),), leads=("Mia Santos (solar)",)),
    Case(
        "The same once more",
        "workflow",
        MIA,
        answer="200 duplicate",
        fate="is event 1",
        phones=(phone(101),),
        leads=("Mia Santos (solar)",),
    ),
    Case(
        "One more tag",
        "workflow",
        MIA | {"tags": "solar, hot"},
        phones=(phone(101),),
        leads=("Mia Santos (solar, hot)",),
    ),
    Case(
        "No change for Fusion",
        "workflow",
        MIA | {"tags": "solar, hot", "website": "https://example.com"},
        fate="skipped: unchanged",
        phones=(phone(101),),
        leads=("Mia Santos (solar, hot)",),
    ),
    Case(
        "Another, same phone",
        "workflow",
        _workflow("Leo", "Leo Santos", 101, "vip"),
        phones=(phone(101),),
        leads=("Leo Santos (vip)",),
    ),
    Case("No phone yet", "workflow", _workflow("Noah", "Noah Price", None), fate="skipped: no phone"),
    Case(
        "An existing customer",
        "workflow",
        _workflow("Carla", "Carla Diaz", 102, "customer"),
        fate="skipped: filtered: already a customer",
        phones=(phone(102),),
    ),
    Case(
        "New, but do-not-call",
        "workflow",
        _workflow("Dana", "Dana Cole", 103, dnd=True),
        fate="skipped: do not call",
        phones=(phone(103),),
    ),
    Case(
        "A signed app event",
        "app",
        _app(1, "ContactCreate", "Priya", "Priya Shah", 104),
        phones=(phone(104),),
        leads=("Priya Shah",),
    ),
    Case(
        "  her phone changes",
        "app",
        _app(2, "ContactUpdate", "Priya", "Priya Shah", 105),
        phones=(phone(105), phone(104)),
        leads=("Priya Shah", "Priya Shah (phone-changed)"),
    ),
    Case(
        "  she opts out",
        "app",
        _app(3, "ContactDndUpdate", "Priya", "Priya Shah", 105, dnd=True),
        phones=(phone(105),),
        leads=("Priya Shah (do-not-call)",),
    ),
    Case(
        "A forged signature",
        "app",
        _app(4, "ContactCreate", "Eve", "Eve Mallory", 106),
        answer="401 unauthorized",
        fate="not stored",
        phones=(phone(106),),
        forged=True,
    ),
    Case(
        "An event not used",
        "app",
        {"type": "NoteCreate", "locationId": LOCATION, "appId": APP_ID, "id": "Note1", "body": "Hello"},
        answer="200 ignored",
        fate="event type NoteCreate is not used",
    ),
    Case(
        "Already in Fusion",
        "workflow",
        _workflow("Tom", "Tom Becker", 107),
        phones=(phone(107),),
        leads=("Tom Becker",),
        known={"name": "T. Becker", "phone": phone(107)},
    ),
    Case(
        "  he is deleted",
        "app",
        _app(5, "ContactDelete", "Tom", "Tom Becker", 107),
        phones=(phone(107),),
        leads=("Tom Becker (deleted-in-crm)",),
    ),
    Case(
        "A web form",
        "forms",
        _form(1, "Flo Werner", "202.555.0108"),
        phones=(phone(108),),
        leads=("Flo Werner",),
    ),
    Case(
        "A phone with a typo",
        "forms",
        _form(2, "Gus Typo", "555-01"),
        fate="dead: phone •••01 with 5 digits is no possible number in US",
    ),
    Case(
        "Fusion down: new",
        "workflow",
        _workflow("Ali", "Ali Reza", 109),
        fate="superseded by event 17",
        phones=(phone(109),),
        leads=("Ali Reza (vip)",),
        outage=True,
    ),
    Case(
        "Fusion down: another",
        "workflow",
        _workflow("Ben", "Ben Okoro", 110, "solar"),
        phones=(phone(110),),
        leads=("Ben Okoro (solar)",),
        outage=True,
    ),
    Case(
        "Fusion down: update",
        "workflow",
        _workflow("Ali", "Ali Reza", 109, "vip"),
        phones=(phone(109),),
        leads=("Ali Reza (vip)",),
        outage=True,
    ),
)
