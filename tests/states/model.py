"""The reference model: the table of situations in a few lines, told event by event in the order of resolving.

Shares no code with the bridge. Every event says everything (name, e-mail, company, tags), so that the newest
one is the whole truth about its phone.
"""

from dataclasses import dataclass, field
from typing import Any

PHONES = [f"+1202555010{digit}" for digit in range(1, 9)]  # everybody's own, to begin with
# Without a plus it is American or Belgian.
DOUBTFUL, AMERICAN, BELGIAN = "3214567890", "+13214567890", "+3214567890"
READINGS = {DOUBTFUL: (AMERICAN, BELGIAN)}
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
    email: str = ""  # empty: one that nobody else has
    no_tags: bool = False  # it says that there are none
    timed: bool = False  # it has a time of its own
    readings: tuple[str, ...] = ()  # every number that its phone can mean

    @property
    def address(self):
        return self.email or f"p{self.number}@example.com"

    @property
    def fields(self):
        """What the lead holds once this event was delivered."""
        return {
            "name": f"Name {self.number}",
            "email": self.address,
            "company": f"Company {self.number}",
            "tags": [] if self.no_tags else [f"t{self.number % 3}", "crm"],
            "custom_fields": {"city": f"City {self.number}"},
        }


@dataclass
class Person:
    """What is known of a contact."""

    phone: str = ""
    at: tuple[float, int] = (0.0, 0)
    stated: float = 0.0  # the newest time of a sender
    dnd: bool = False
    dnd_at: float = 0.0
    blocked: bool = False
    deleted: bool = False
    seen: bool = False  # by more than an opt-out that reached nobody, or that meant another
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
    owners: dict[str, set[str]] = field(default_factory=dict)  # by address, who ever had it
    addresses: dict[str, Person] = field(default_factory=dict)  # what was said of an address
    in_vain: set[int] = field(default_factory=set)  # events that may be dead: their opt-out reached nobody

    def blocked(self, phone):
        """Whether anybody with this phone must not be called."""
        return any(p.phone == phone and (p.blocked or p.deleted) for p in self.people.values())

    def resolve(self, event_id, occurred_at, *, again=False):
        """An event takes effect."""
        said, at = self.said[event_id], (occurred_at, event_id)
        self.in_vain.discard(event_id)
        if said.dnd is False and not said.deleted:
            self._lift(said, occurred_at)
        if not (said.contact or said.phone):
            self._of_an_address(said, at)
            return
        name = said.contact or f"phone:{said.phone}"
        person = self.people.setdefault(name, Person())
        before, late, was_blocked = person.phone, at < person.at, person.blocked
        was_seen = person.seen
        self._flag(person, said, at, late=late)
        person.seen = True
        self.phones.setdefault(event_id, set()).update({before, person.phone, said.phone} - {""})
        if before not in ("", person.phone) and not self._alive(before):
            self.wishes[before] = Wish("left")
        if person.phone and self.blocked(person.phone):
            self.wishes[person.phone] = Wish("blocked")
        elif said.phone and said.phone == person.phone and not (late and before):
            self._want(person, said, at)
        kin = self._kin(said, name)
        if said.dnd and person.blocked:
            self._numbers(said, person, at)
            if not was_blocked or again or said.address not in self.addresses:
                self._of_an_address(said, at, but=name)
            if not (was_seen or kin or said.phone or person.phone):
                self.in_vain.add(event_id)
                person.seen, person.at, person.stated = False, (0.0, event_id), 0.0
                return
        self.owners.setdefault(said.address, set()).add(name)

    def _lift(self, said, at):
        """An opt-in counts for the address and the numbers that it names."""
        numbers = (said.readings or (said.phone,)) if said.phone else ()
        named = [self.people.get(f"phone:{each}") for each in numbers if said.contact or each != said.phone]
        for each in (*named, self.addresses.get(said.address)):
            if each and each.dnd and each.dnd_at <= at:
                each.dnd, each.dnd_at, each.blocked = False, at, False

    def _numbers(self, said, person, at):
        """Every number that the phone can mean is blocked."""
        if said.phone and said.phone != person.phone:
            return  # it is late: that phone may be somebody else's
        for each in said.readings:
            if each != person.phone:
                self._block(self.people.setdefault(f"phone:{each}", Person(phone=each)), at)

    def _kin(self, said, but=""):
        return [self.people[name] for name in self.owners.get(said.address, ()) if name != but]

    def _of_an_address(self, said, at, but=""):
        """Who has it is blocked, and whoever comes with it later."""
        if not said.dnd:
            return
        kin = self._kin(said, but)
        for each in (*kin, self.addresses.setdefault(said.address, Person())):
            self._block(each, at)
        self.phones.setdefault(at[1], set()).update({each.phone for each in kin} - {""})
        if not (kin or said.contact or said.phone):
            self.in_vain.add(at[1])

    def _block(self, person, at):
        if person.dnd_at <= at[0]:
            person.dnd, person.dnd_at, person.blocked = True, at[0], True
            person.at = (person.at[0], max(person.at[1], at[1]))
        if person.phone and self.blocked(person.phone):
            self.wishes[person.phone] = Wish("blocked")

    def _flag(self, person, said, at, *, late):
        had = person.dnd
        if said.dnd is not None and at[0] >= person.dnd_at:
            person.dnd, person.dnd_at = said.dnd, at[0]
        if late:  # it blocks, but what it lifts the next event applies; and it tells a phone if none is known
            person.blocked = person.blocked or (person.dnd and not had)
            person.phone = person.phone or said.phone
            if said.deleted and said.timed and at[1] >= person.at[1] and at[0] >= person.stated:
                # Only events without a time overtook it, and they don't say when they happened.
                person.deleted, person.at, person.stated = True, (person.at[0], at[1]), at[0]
        else:
            person.at, person.blocked, person.deleted = at, person.dnd, said.deleted
            person.stated = at[0] if said.timed else person.stated
            person.phone = said.phone or person.phone
        heard = self.addresses.get(said.address)
        if heard and heard.dnd and heard.dnd_at > person.dnd_at:
            person.dnd, person.dnd_at, person.blocked = True, heard.dnd_at, True

    def _alive(self, phone):
        return any(p.phone == phone and not p.deleted for p in self.people.values())

    def _want(self, person, said, at):
        others = (p for p in self.people.values() if p is not person and p.phone == said.phone)
        if all(p.at <= at for p in others if p.wanted):
            person.wanted = True
            self.wishes[said.phone] = Wish("live", said.fields)
