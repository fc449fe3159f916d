"""The rules as compiled: what a lead's fields are made of, and the routes that decide where it goes.

Plain frozen values; `build` makes them from the configuration, `mapping` applies them. Rule for editors:
whatever a rule needs at run time is in here, so that applying never looks at the configuration.
"""

from dataclasses import dataclass

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
    account: str
    campaign_id: str  # empty: the account's Default Feed
    kind: Kind | None
    move: bool
    lead: LeadRules


@dataclass(frozen=True, slots=True)
class Rules:
    """Everything the YAML says about turning a reading into a lead."""

    lead: LeadRules
    routes: tuple[Route, ...]  # never empty: without any in the file, one takes everything
    do_not_call: Condition
    default_account: str
