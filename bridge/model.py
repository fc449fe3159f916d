"""The nouns that travel between the rooms: plain frozen values, no behaviour, no I/O.

inbound makes Incoming (at accept) and Reading (at resolve); rules turn a Reading into Mapped;
outbox decides what Mapped means; store and fusion write it down. Rule for editors: a field is here
only if two rooms need it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal["call", "sms"]

# The variable of an evaluation in which expressions note what the operator should know (a list of texts);
# no expression can name it.
NOTES = "_notes"


@dataclass(frozen=True, slots=True)
class ContactKey:
    """Who a contact is in its own system. GHL's workflow and app events share `system` "ghl"."""

    system: str
    location_id: str
    contact_id: str


@dataclass(frozen=True, slots=True)
class Incoming:
    """What must be known of an event to store it; the payload itself is stored raw."""

    type: str  # "contact.created", "contact.updated", "contact.deleted", "contact.tags", "contact.dnd"
    external_id: str | None = None  # the sender's own id of the event (GHL: webhookId)
    contact: ContactKey | None = None
    occurred_at: float | None = None  # Unix seconds by the sender's clock
    urgent: bool = False  # do-not-call or deletion: resolved ahead of everything that waits


@dataclass(frozen=True, slots=True)
class Ignored:
    """A genuine delivery that the bridge has no use for; answered 200 so that nobody repeats it."""

    reason: str


@dataclass(frozen=True, slots=True)
class Contact:
    """A person as a source describes them, in the words of GHL's merge fields. Empty: not said."""

    id: str = ""
    first_name: str = ""
    last_name: str = ""
    name: str = ""
    email: str = ""
    phone: str = ""
    tags: tuple[str, ...] = ()
    company: str = ""
    address1: str = ""
    city: str = ""
    state: str = ""
    postal_code: str = ""
    country: str = ""
    timezone: str = ""
    source: str = ""
    type: str = ""
    website: str = ""
    date_of_birth: str = ""
    assigned_to: str = ""
    do_not_call: bool = False  # as this event says; what earlier events said is the outbox's business
    custom: Mapping[str, Any] = field(default_factory=dict)  # by label (workflow) or id (app), as sent


@dataclass(frozen=True, slots=True)
class Reading:
    """An event in words that mean the same whichever source it came from."""

    contact: Contact
    type: str = "contact.updated"
    source: str = ""  # the source's name in the configuration
    location_id: str = ""
    location_name: str = ""
    workflow_name: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)  # a workflow's custom data
    payload: Mapping[str, Any] = field(default_factory=dict)
    key: ContactKey | None = None  # None: the phone stands for the contact
    occurred_at: float | None = None
    deleted: bool = False
    # GHL's two ways of do-not-disturb, each None when the event doesn't say: an event that is silent
    # about a block must not lift it.
    dnd_all: bool | None = None
    dnd_call: bool | None = None
    tags_said: bool = False  # whether the event speaks of tags, also to say that there are none
    warnings: tuple[str, ...] = ()  # what the sender seems to have meant and didn't say


@dataclass(frozen=True, slots=True)
class Lead:
    """A lead that fits Fusion's limits. Empty optional fields are never sent."""

    phone: str  # E.164
    name: str = ""  # empty only in a lead that may not be created, only tagged
    email: str = ""
    company: str = ""
    tags: tuple[str, ...] = ()
    custom_fields: Mapping[str, str | int | float | bool] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a route sends a lead."""

    account: str
    campaign_id: str = ""  # empty: the account's Default Feed
    kind: Kind | None = None
    move: bool = False  # a lead that is in another campaign is created anew here
    clear_emptied: bool = False  # a field that became empty is cleared in Fusion, not left as it was


@dataclass(frozen=True, slots=True)
class FieldTrace:
    """How one field of a lead came about, for `bridge preview`."""

    field: str  # "name", "tags", "custom_fields.bill"
    rule: str  # the rule's text: "{{ contact.name }}"
    at: str  # its place in the file: "lead.name[0]", "routes[1].lead.tags[0]"
    before: Any  # what the rule gave
    after: Any  # what fits Fusion; None where it was left out


@dataclass(frozen=True, slots=True)
class Mapped:
    """What the rules make of one reading. Exactly one of lead, skip and error is set."""

    phone: str = ""  # E.164; empty when there is none or it is unusable
    lead: Lead | None = None
    destination: Destination | None = None  # set with lead
    skip: str = ""  # "no phone", "filtered: already a customer"
    error: str = ""  # why it can't become a lead, and …
    fix: str = ""  # … what to do about it
    route: str = ""  # the name of the route taken (its place when it has none); empty before any matched
    # The do_not_call rule, decided both ways: what this event says may be less than what is known.
    blocked_if_flagged: bool = True
    blocked_if_not: bool = False
    warnings: tuple[str, ...] = ()
    trace: tuple[FieldTrace, ...] = ()
    # E.164 of each number that the phone can mean, the chosen one first: an opt-out must reach the person
    # under each. May hold numbers where `phone` is empty.
    plausible: tuple[str, ...] = ()
