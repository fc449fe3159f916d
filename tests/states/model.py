"""The reference model: the table of situations in a few lines, told event by event in the order of resolving.

Shares no code with the bridge. Every event says everything (name, e-mail, company, tags), so that the newest
one is the whole truth about its phone.
"""

from dataclasses import dataclass, field
from typing import Any

PHONES = [f"+1202555010{digit}" for digit in range(1, 9)]  # everybody's own, to begin with
OPT_OUT_TAGS = frozenset({"do-not-call", "deleted-in-crm"})
OWN_TAGS = OPT_OUT_TAGS | {"phone-changed"}


@dataclass(frozen=True)
class Said:
    """What one event says."""

    number: int
    contact: str
    phone: str  # empty: it doesn't say
    dnd: bool | None = None
    deleted: bool = False

    @property
    def fields(self):
        """What the lead holds once this event was delivered."""
        return {
            "name": f"Name {self.number}",
            "email": f"p{self.number}@example.com",
            "company": f"Company {self.number}",
            "tags": [f"t{self.number % 3}", "crm"],
            "custom_fields": {"city": f"City {self.number}"},
        }


@dataclass
class Person:
    """What is known of a contact."""

    phone: str = ""
    at: tuple[float, int] = (0.0, 0)
    dnd: bool = False
    dnd_at: float = 0.0
    blocked: bool = False
    deleted: bool = False
    wanted: bool = False  # a lead was wanted for it: from then on its word counts on its phone


@dataclass
class Wish:
    """What Fusion must hold under one phone."""

    state: str  # "live", "blocked": tagged if it is there, "left": its contact has another phone now
    fields: dict[str, Any] = field(default_factory=dict)


@dataclass
class Model:
    """Everybody, and what Fusion must hold of them."""

    people: dict[str, Person] = field(default_factory=dict)
    wishes: dict[str, Wish] = field(default_factory=dict)
    said: dict[int, Said] = field(default_factory=dict)  # by the event's id
    phones: dict[int, set[str]] = field(default_factory=dict)  # that an event had to do with

    def blocked(self, phone):
        """Whether anybody with this phone must not be called."""
        return any(p.phone == phone and (p.blocked or p.deleted) for p in self.people.values())

    def resolve(self, event_id, occurred_at):
        """An event takes effect."""
        said, at = self.said[event_id], (occurred_at, event_id)
        person = self.people.setdefault(said.contact, Person())
        before, late = person.phone, at < person.at
        self._flag(person, said, at, late=late)
        self.phones.setdefault(event_id, set()).update({before, person.phone, said.phone} - {""})
        if before not in ("", person.phone) and not self._alive(before):
            self.wishes[before] = Wish("left")
        if person.phone and self.blocked(person.phone):
            self.wishes[person.phone] = Wish("blocked")
        elif said.phone and said.phone == person.phone and not (late and before):
            self._want(person, said, at)

    def _flag(self, person, said, at, *, late):
        had = person.dnd
        if said.dnd is not None and at[0] >= person.dnd_at:
            person.dnd, person.dnd_at = said.dnd, at[0]
        if late:  # it blocks, but what it lifts the next event applies; and it tells a phone if none is known
            person.blocked = person.blocked or (person.dnd and not had)
            person.phone = person.phone or said.phone
        else:
            person.at, person.blocked, person.deleted = at, person.dnd, said.deleted
            person.phone = said.phone or person.phone

    def _alive(self, phone):
        return any(p.phone == phone and not p.deleted for p in self.people.values())

    def _want(self, person, said, at):
        others = (p for p in self.people.values() if p is not person and p.phone == said.phone)
        if all(p.at <= at for p in others if p.wanted):
            person.wanted = True
            self.wishes[said.phone] = Wish("live", said.fields)
