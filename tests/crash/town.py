"""A small town whose people go through every situation once: what is sent of them, and what must come of it.

Some are known to the bridge and to Fusion (Eve, Fay, Gil), some to Fusion alone (Kay, Kim), one Fusion
refuses (Lou). Pure: makes webhooks and expectations, sends nothing. Rule for editors: an event has one fate,
whenever the bridge is killed; where it has two, the comment says why both are right.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

_NAMES = ("amy", "ben", "cal", "dee", "eve", "fay", "gil", "hal", "kay", "kim", "lou", "ned", "ola", "pia")
PHONES = {name: f"+120255501{number:02d}" for number, name in enumerate((*_NAMES, "gil-new"), start=10)}
KNOWN = ("eve", "fay", "gil")  # to the bridge, and to Fusion
FOUND = ("kay", "kim")  # to Fusion alone
REFUSED = "lou"

Source = Literal["app", "workflow"]
DELIVERED = frozenset({"delivered"})


@dataclass(frozen=True, slots=True)
class Act:
    """One event: who, the how manieth of theirs, and the fates it may have."""

    who: str
    number: int
    source: Source = "app"
    fates: frozenset[str] = DELIVERED
    says: Mapping[str, Any] = field(default_factory=dict, hash=False)  # beside what every event says
    phone: str | None = None  # another one than the person's own; "": none

    @property
    def name(self) -> str:
        return f"{self.who} {self.number}"

    @property
    def fields(self) -> dict[str, Any]:
        """What the lead holds once this was delivered."""
        return {
            "name": f"{self.who.title()} {self.number:06d}",
            "email": f"{self.who}{self.number}@example.com",
            "company": f"Company {self.number}",
            "tags": [f"t{self.number}", "gohighlevel"],
        }

    def payload(self, began: float) -> dict[str, Any]:
        """The webhook's body; `began` is when the first event of everybody happened."""
        phone = PHONES.get(self.who, "") if self.phone is None else self.phone
        fields = self.fields
        if self.source == "workflow":
            return {
                "contact_id": f"c-{self.who}",
                "full_name": fields["name"],
                "email": fields["email"],
                "company_name": fields["company"],
                "phone": phone,
                "tags": fields["tags"][0],
                "location": {"id": "location-1"},
                **self.says,
            }
        return {
            "type": "ContactCreate" if self.number == 1 else "ContactUpdate",
            "webhookId": f"webhook-{self.who}-{self.number}",
            "timestamp": datetime.fromtimestamp(began + self.number, UTC).isoformat(),
            "locationId": "location-1",
            "id": f"c-{self.who}",
            "name": fields["name"],
            "email": fields["email"],
            "companyName": fields["company"],
            "phone": phone,
            "tags": fields["tags"][:1],
            **self.says,
        }


_OPT_OUT = {"type": "ContactDndUpdate", "dnd": True}

BEFORE = tuple(Act(who, 1) for who in KNOWN)  # what made them known
AMY = Act("amy", 1)
# While Amy's request is under way these gather in a batch, which Fusion refuses for Kim's and Lou's sake.
BATCH = (
    Act("ben", 1),
    Act("cal", 1, source="workflow"),
    Act("dee", 1),
    Act("kim", 1),
    Act(REFUSED, 1, fates=frozenset({"dead"})),
)
# Hal opts out while he waits to be created. Who is quicker decides whether he is created and tagged, or never
# created; a kill in between makes it unknown, so that he is looked for.
HAL = Act("hal", 1, fates=frozenset({"delivered", "superseded", "skipped"}))
HAL_OUT = Act("hal", 2, fates=frozenset({"delivered", "skipped"}), says=_OPT_OUT)
CHANGES = (Act("eve", 2), Act("fay", 2, says=_OPT_OUT), Act("gil", 2, phone=PHONES["gil-new"]))
RESET = (Act("ned", 1, source="workflow"), Act("ola", 1), Act("pia", 1))
LATER = (
    Act("amy", 2),
    Act("kay", 1),
    Act("moe", 1, source="workflow", fates=frozenset({"skipped"}), phone=""),  # nobody to call
)
# One right after the other: whether the first is sent before the second comes is up to the machine.
BEN = (Act("ben", 2, fates=frozenset({"delivered", "superseded"})), Act("ben", 3))


# She demanded erasure in between.
EVE_AGAIN = Act("eve", 3, fates=frozenset({"skipped"}), says={"city": "Lisbon"})
CROWD = 230  # leads that Fusion has and the bridge doesn't know: three pages of a list


def known_leads() -> list[dict[str, Any]]:
    """What Fusion holds before, as it wants to be told."""
    acts = (*BEFORE, *(Act(who, 0) for who in FOUND))
    return [{**act.fields, "phone": PHONES[act.who]} for act in acts]


def crowd() -> list[dict[str, Any]]:
    """Many leads, Ben among them."""
    phones = [PHONES["ben"], *(f"+1303555{number:04d}" for number in range(CROWD - 1))]
    return [{"phone": phone, "name": f"Crowd {phone}", "tags": ["crowd"]} for phone in phones]


def wanted(acts: Iterable[Act]) -> dict[str, dict[str, Any] | str]:
    """By phone what these acts make of it: what the lead must hold, or how it is marked if it is there."""
    found: dict[str, dict[str, Any] | str] = {}
    for act in sorted(acts, key=lambda act: act.number):
        phone = PHONES.get(act.who, "") if act.phone is None else act.phone
        if act.says == _OPT_OUT:
            found[phone] = "do-not-call"
        elif phone and act.fates != frozenset({"dead"}):
            found[phone] = act.fields
            if phone != PHONES[act.who]:
                found[PHONES[act.who]] = "phone-changed"
    return found
