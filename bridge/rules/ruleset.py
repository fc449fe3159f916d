"""The rules as compiled: what a lead's fields are made of, and the routes that decide where it goes.

Plain frozen values; `build` makes them from the configuration, `mapping` applies them. Rule for editors:
whatever a rule needs at run time is in here, so that applying never looks at the configuration.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from bridge.model import Kind
from bridge.rules.expression import Condition, Value


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of the YAML that fills one field of a lead, or offers a candidate for it."""

    field: str  # "name", "custom_fields.bill"
    at: str  # its place in the file: "lead.name[0]"; "default" where the file says nothing
    text: str
    value: Value


@dataclass(frozen=True, slots=True)
class LeadRules:
    """All rules of a lead. Of a field's rules the first usable one counts; of tags, all."""

    name: tuple[Rule, ...] = ()
    phone: tuple[Rule, ...] = ()
    email: tuple[Rule, ...] = ()
    company: tuple[Rule, ...] = ()
    tags: tuple[Rule, ...] = ()
    custom_fields: tuple[tuple[str, tuple[Rule, ...]], ...] = ()
    tags_as_is: bool = False
    clear_emptied: bool = False


@dataclass(frozen=True, slots=True)
class Route:
    """Where leads go that meet a condition; its `lead` is complete, the base rules included."""

    name: str  # its place when the file gives none: "routes[1]"
    at: str
    when: Condition | None  # None: always
    skip: str  # why such leads are not wanted; empty: they are
    account: str  # empty: its rule's, else the location's, else the default
    campaign_id: str  # empty: its rule's, else the location's, else the account's Default Feed
    kind: Kind | None
    move: bool
    lead: LeadRules
    account_rule: Rule | None = None  # an expression, evaluated for each event
    campaign_rule: Rule | None = None


@dataclass(frozen=True, slots=True)
class Location:
    """A sub-account of GHL: what holds for its events where a route says nothing."""

    name: str = ""  # `location.name`, also for events that don't tell it
    account: str = ""  # empty: the default
    campaign_id: str = ""  # of that account; empty: its Default Feed
    default_region: str = ""


@dataclass(frozen=True, slots=True)
class Rules:
    """Everything the YAML says about turning a reading into a lead."""

    lead: LeadRules
    routes: tuple[Route, ...]  # never empty: without any in the file, one takes everything
    do_not_call: Condition
    default_account: str
    accounts: tuple[str, ...] = ()
    campaigns: Mapping[str, str] = field(default_factory=dict)  # by name, Fusion's UUID
    locations: Mapping[str, Location] = field(default_factory=dict)  # by GHL's id
