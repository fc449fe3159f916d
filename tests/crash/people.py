"""What happens to the people of a run, by one seed, and what Fusion must hold of them at the end.

A *family* is a few contacts who share a few phones; its events arrive in order, those of different families
side by side. The reference model is the table of situations in a few lines, and shares no code with the
bridge. Every event says everything (name, e-mail, company, tags), so that the newest one is the whole truth.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

OPT_OUT_TAGS = frozenset({"do-not-call", "deleted-in-crm"})
OWN_TAGS = OPT_OUT_TAGS | {"phone-changed"}

Kind = Literal["create", "update", "phone", "dnd", "lift", "delete", "stale"]

# Of a hundred events of a contact that is there already.
_MIX: dict[Kind, int] = {"update": 45, "phone": 11, "dnd": 9, "lift": 20, "delete": 6, "stale": 9}
_REPEATED = 0.12  # the sender says the same once more, later
_TWICE = 0.06  # and at the same moment, on another connection


@dataclass(slots=True)
class Person:
    """A contact, as its CRM knows it."""

    id: str
    phone: str
    at: float = 0.0  # of its newest event
    dnd: bool = False
    deleted: bool = False
    may_opt_out: bool = True


@dataclass(frozen=True, slots=True)
class Happening:
    """One event to send: what it says, and when it happened by the sender's clock."""

    number: int
    family: int
    kind: Kind
    contact_id: str
    phone: str
    spelling: str
    at: float
    twice: bool = False

    @property
    def fields(self) -> dict[str, Any]:
        """What the lead holds once this event was delivered."""
        word = "Stale" if self.kind == "stale" else "Name"
        return {
            "name": f"{word} {self.number:06d}",
            "email": f"p{self.number}@example.com",
            "company": f"Company {self.number}",
            "tags": [f"t{self.number % 7}", "gohighlevel"],
            "custom_fields": {"city": f"City {self.number}"},
        }


@dataclass(slots=True)
class Expected:
    """What Fusion must hold under one phone at the end."""

    state: Literal["live", "blocked", "left"]
    fields: dict[str, Any] = field(default_factory=dict)
    opted_out: Happening | None = None


class Family:
    """A few contacts with a few phones between them: makes events, and keeps the model of their leads."""

    def __init__(self, number: int, source: Literal["app", "workflow"], chance: random.Random) -> None:
        self.number = number
        self.source = source
        self._chance = chance
        self._phones = [
            f"+1{area}{200 + number // 1000}{number % 1000:03d}{i}"
            for i, area in enumerate((212, 305, 415, 617, 702))
        ]
        self._people: list[Person] = []
        self._size = chance.randint(1, 4)
        self.expected: dict[str, Expected] = {}
        self.last: Happening | None = None

    def happen(self, number: int, at: float) -> Happening:
        """The next event of this family."""
        if len(self._people) < self._size and (not self._people or self._chance.random() < 0.4):
            person = Person(f"contact-{self.number}-{len(self._people)}", self._chance.choice(self._phones))
            self._people.append(person)
            kind: Kind = "create"
        else:
            person = self._chance.choice(self._people)
            kind = self._chance.choices(list(_MIX), list(_MIX.values()))[0]
            kind = self._fitting(person, kind)
        if kind == "phone":
            before = person.phone
            person.phone = self._chance.choice([phone for phone in self._phones if phone != before])
            self._leave(person, before)
        if kind == "stale":
            at = person.at - 0.5
        happening = Happening(
            number,
            self.number,
            kind,
            person.id,
            person.phone,
            self._spelt(person.phone),
            at,
            twice=self._chance.random() < _TWICE,
        )
        if kind != "stale":
            self._apply(person, happening)
        self.last = happening
        return happening

    def repeats(self) -> bool:
        """Whether the sender repeats its last event now."""
        return self.last is not None and self._chance.random() < _REPEATED

    def _fitting(self, person: Person, kind: Kind) -> Kind:
        if kind == "lift":
            return "lift" if person.dnd and not person.deleted else "update"
        if kind in ("dnd", "delete") and not person.may_opt_out:
            return "update"
        if kind == "stale" and self.source == "workflow":  # their events have no time of their own
            return "update"
        return kind

    def _leave(self, person: Person, phone: str) -> None:
        others = [p for p in self._people if p is not person and p.phone == phone]
        if others:
            # The bridge resolves an opt-out ahead of what waits. One that overtook this event and an update
            # before it would leave the old phone with the other's last words: right, but another model.
            person.may_opt_out = False
        if not any(not other.deleted for other in others):
            self.expected[phone].state = "left"

    def _apply(self, person: Person, happening: Happening) -> None:
        person.at = happening.at
        person.dnd = {"dnd": True, "lift": False}.get(happening.kind, person.dnd)
        person.deleted = happening.kind == "delete"
        known = self.expected.setdefault(person.phone, Expected("live"))
        if any(p.phone == person.phone and (p.dnd or p.deleted) for p in self._people):
            if known.state != "blocked":
                known.opted_out = happening
            known.state = "blocked"
        else:
            self.expected[person.phone] = Expected("live", happening.fields)

    def _spelt(self, phone: str) -> str:
        area, exchange, line = phone[2:5], phone[5:8], phone[8:]
        spellings = (
            phone,
            f"({area}) {exchange}-{line}",
            f"{area}.{exchange}.{line}",
            f"+1 {area} {exchange} {line}",
        )
        return self._chance.choice(spellings)


@dataclass(slots=True)
class Story:
    """All events of a run in the order of sending; the same object twice is a repeat."""

    seed: int
    families: list[Family]
    happenings: list[Happening]

    def expected(self) -> Iterator[tuple[str, Expected]]:
        """Every phone that was ever heard of."""
        for family in self.families:
            yield from family.expected.items()

    def unique(self) -> int:
        """How many different events there are."""
        return len({happening.number for happening in self.happenings})


def tell(seed: int, count: int, *, began: float) -> Story:
    """`count` webhooks to send. `began` is when the first of them happened."""
    chance = random.Random(seed)
    families = [
        Family(number, chance.choices(("app", "workflow"), (7, 3))[0], chance)
        for number in range(max(2, count // 8))
    ]
    happenings: list[Happening] = []
    for number in range(count):
        family = chance.choice(families)
        # A workflow's repeat is known by its body for a minute only: the one just sent.
        recent = family.last is not None and (family.source == "app" or number - family.last.number < 200)
        if recent and family.repeats():
            happenings.append(family.last)
        else:
            happenings.append(family.happen(number, began + number))
    return Story(seed, families, happenings)
