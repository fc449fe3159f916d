"""What would become of a payload: the same calls as the web, the resolver and the lane make, in their order.

Without a `memory` the event is taken as the first there ever was, or with `known` as one of a lead that
Fusion has. Rule for editors: nothing is decided here; what a room doesn't tell is found by asking it again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import yaml

from bridge.cli.preview_memory import Memory, Stored
from bridge.config import Config
from bridge.errors import BridgeError, InvalidSignature, MalformedPayload
from bridge.fusion.leads import HttpRequest, encode
from bridge.inbound import GhlApp, GhlWorkflow, JsonSource, Source
from bridge.inbound.events import GHL_TYPES
from bridge.inbound.request_body import read_body
from bridge.model import ContactKey, Ignored, Mapped, Reading
from bridge.outbox.compose import Due, compose
from bridge.outbox.facts import Decision, Facts, KnownLead
from bridge.outbox.identity import Arrival, contact_key, decide
from bridge.rules.mapping import Route, apply
from bridge.store.entries import REUSED_ID
from bridge.web.webhooks import MAX_BODY

# The id of an event that comes after all that are stored.
_NEXT = 2**62

# What only a workflow's body has at its root; an app's delivery has `type` and none of these.
_WORKFLOW_WORDS = ("contact_id", "customData", "workflow")


@dataclass(frozen=True, slots=True)
class Answer:
    """What the webhook route would say."""

    code: int
    status: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Tried:
    """A route that was asked, and what it said."""

    number: int
    route: Route
    when: str  # as the file has it; empty: always
    verdict: Literal["taken", "when was false", "when failed"]


@dataclass(frozen=True, slots=True)
class Sent:
    """A request that would go out."""

    account: str
    request: HttpRequest


@dataclass(frozen=True, slots=True)
class Foresight:
    """All that can be told; from the first step that stopped it on, the rest is empty."""

    answer: Answer
    source: Source | None = None
    why: str = ""  # this source
    reading: Reading | None = None
    mapped: Mapped | None = None
    routes: tuple[Tried, ...] = ()
    decision: Decision | None = None
    sent: tuple[Sent, ...] = ()
    facts: Facts | None = None  # of the database; None: it wasn't read

    @property
    def known(self) -> bool:
        """Whether the database has a lead that the event is about."""
        return bool(self.facts and self.facts.leads)

    @property
    def warnings(self) -> tuple[str, ...]:
        """As the service writes them on the event."""
        return (
            *(self.mapped.warnings if self.mapped else ()),
            *(self.decision.warnings if self.decision else ()),
        )

    @property
    def failed(self) -> bool:
        """Whether the sender is refused or the event would be dead."""
        return self.answer.code >= 400 or (self.decision is not None and self.decision.state == "dead")


def foresee(
    config: Config,
    body: bytes,
    *,
    source: str,
    known: bool,
    now: float,
    memory: Memory | None = None,
    stored: Stored | None = None,
) -> Foresight:
    """Follow a body through the rooms. Raises BridgeError for a source that isn't configured."""
    chosen, why = (
        (_named(config, source), "as it came" if stored else "as you said") if source else (None, "")
    )
    try:
        if len(body) > MAX_BODY:
            return Foresight(Answer(413, "too large", f"a body may have {MAX_BODY} bytes"), chosen, why)
        payload, _ = read_body(body, limit=MAX_BODY)
        if chosen is None:
            chosen, why = guess(config, payload)
        incoming = chosen.receive(payload)
    except InvalidSignature as refusal:
        return Foresight(Answer(401, "unauthorized", refusal.message), chosen, why)
    except MalformedPayload as refusal:
        return Foresight(Answer(400, "malformed", refusal.message), chosen, why)
    if isinstance(incoming, Ignored):
        return Foresight(Answer(200, "ignored", incoming.reason), chosen, why)
    reading = chosen.read(payload)
    regions = (chosen.default_region, config.default_region)
    mapped = apply(config.rules, reading, regions=regions)
    known_of = memory.know(chosen.name, reading, mapped) if memory else None
    facts, mapped = (known_of.facts, known_of.mapped) if known_of else (None, mapped)
    if stored and stored.reused_id:
        mapped = replace(mapped, warnings=(REUSED_ID, *mapped.warnings))
    key = contact_key(chosen.name, reading, mapped.phone)
    arrival = Arrival(_NEXT, min(reading.occurred_at or now, now))
    if stored:
        arrival = Arrival(stored.id, min(stored.occurred_at, now), replayed=True)
    supposed = facts if facts is not None else _supposed(config, mapped, known=known)
    decision = _decide(config, arrival, reading, mapped, key, supposed)
    return Foresight(
        answer=Answer(200, "accepted"),
        source=chosen,
        why=why,
        reading=reading,
        mapped=mapped,
        routes=tuple(_tried(config, reading, regions)),
        decision=decision,
        sent=tuple(_sent(decision, supposed)),
        facts=facts,
    )


def _named(config: Config, name: str) -> Source:
    if name not in config.sources:
        fix = f"choose one of {', '.join(config.sources)}"
        raise BridgeError(f"there is no source {name!r} in {config.path}", fix=fix)
    return config.sources[name]


def guess(config: Config, payload: Mapping[str, Any]) -> tuple[Source, str]:
    """The source that most likely sends such a body, and why."""
    wanted: tuple[type, ...]
    mark = next((word for word in _WORKFLOW_WORDS if word in payload), None)
    event_type = payload.get("type")
    if mark:
        wanted, because = (GhlWorkflow,), f"the body has {mark!r}, as GHL's workflows send"
    elif event_type in GHL_TYPES or (event_type and {"appId", "webhookId", "locationId"} & {*payload}):
        wanted, because = (GhlApp, GhlWorkflow), f"the body is a GHL app's {event_type!s:.40}"
    elif "contactId" in payload or isinstance(payload.get("contact"), dict):
        wanted, because = (
            (GhlWorkflow, JsonSource),
            "the body has a contact, as GHL's Custom Webhook may",
        )
    else:
        wanted, because = (JsonSource, GhlWorkflow), "the body has no marks of GHL's"
    sources = tuple(config.sources.values())
    if len(sources) == 1:
        return sources[0], "the only source"
    for kind in wanted:
        found = [source for source in sources if isinstance(source, kind)]
        if found:
            others = f"; also possible: {', '.join(each.name for each in found[1:])}" if found[1:] else ""
            return found[0], because + others
    return sources[0], "no source fits better: name one with --source"


def _supposed(config: Config, mapped: Mapped, *, known: bool) -> Facts:
    """Return the facts without a database: none, or with `known` that Fusion has the lead."""
    where = mapped.destination
    account = where.account if where else config.rules.default_account
    lead = KnownLead(account, where.campaign_id if where else "", mapped.phone)
    return Facts(leads=(lead,) if known and mapped.phone else ())


def _decide(
    config: Config,
    arrival: Arrival,
    reading: Reading,
    mapped: Mapped,
    key: ContactKey | None,
    facts: Facts,
) -> Decision:
    return decide(
        arrival,
        reading,
        mapped,
        key=key,
        facts=facts,
        accounts=config.fusion.accounts,
        tags=config.tags,
    )


def _sent(decision: Decision, facts: Facts) -> list[Sent]:
    places = {(lead.account, lead.campaign_id, lead.phone) for lead in facts.leads}
    sent: list[Sent] = []
    for put in decision.puts:
        due = Due(
            put.campaign_id,
            put.phone,
            put.kind,
            put.body,
            event_id=1,
            priority=put.priority,
            known=(put.account, put.campaign_id, put.phone) in places,
            uncertain=False,
            only_existing=put.only_existing,
        )
        requests = compose([due], lambda row: [row], places=1, urgent=1).requests
        sent += [Sent(put.account, encode(composed.request)) for composed in requests]
    return sent


def _tried(config: Config, reading: Reading, regions: Sequence[str]) -> list[Tried]:
    """Each route up to the one that was taken, asked alone."""
    tried: list[Tried] = []
    texts = _conditions(config)
    for number, route in enumerate(config.rules.routes):
        alone = apply(replace(config.rules, routes=(route,)), reading, regions=regions)
        when = texts[number] if number < len(texts) else ""
        failed = not alone.route and f"{route.at}.when: " in alone.error
        taken = bool(alone.route)
        verdict: Literal["taken", "when was false", "when failed"]
        verdict = "taken" if taken else "when failed" if failed else "when was false"
        tried.append(Tried(number + 1, route, when, verdict))
        if taken or failed:
            break
    return tried


def _conditions(config: Config) -> list[str]:
    """Each route's `when` as it is written; compiled ones don't tell."""
    try:
        written = yaml.load(config.path.read_text("utf-8-sig"), Loader=yaml.BaseLoader)  # noqa: S506 -- texts only
    except (OSError, ValueError, yaml.YAMLError):
        return []  # changed since it was loaded
    routes = written.get("routes") if isinstance(written, dict) else None
    return [str(route.get("when", "")) if isinstance(route, dict) else "" for route in routes or ()]
