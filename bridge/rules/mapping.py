"""The front door of the rules: a reading and the compiled rules → Mapped, which says what to do with it.

Decides route, do-not-call, and what each failure means; evaluating one lead's fields is in `lead`.
Rule for editors: apply never raises, and fills `phone` and `plausible` whenever it can: do-not-call needs
them even where no lead is wanted.
"""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any, Final

from bridge.errors import MappingError
from bridge.model import NOTES, Contact, Mapped, Reading
from bridge.rules.build import DEFAULT_LEAD, compile_rules
from bridge.rules.destination import destination
from bridge.rules.filters import REGIONS
from bridge.rules.lead import Phone, Tracer, build_lead, build_phone
from bridge.rules.ruleset import LeadRules, Location, Route, Rule, Rules
from bridge.rules.spelling import decoded
from bridge.rules.values import CustomFields, Tag, plain_text

__all__ = ["DEFAULT_LEAD", "LeadRules", "Location", "Route", "Rule", "Rules", "apply", "compile_rules"]

_CONTACT_FIELDS: Final = tuple(each.name for each in fields(Contact))


def apply(rules: Rules, reading: Reading, *, regions: Sequence[str]) -> Mapped:
    """What the rules make of the reading. Never raises, whatever it holds.

    `regions` are two-letter codes, the source's before the configuration's; the contact's country and
    its location's region go before both. An error in do-not-call outranks the rest, then route, filter,
    phone, destination, name.
    """
    location = rules.locations.get(reading.location_id, Location())
    variables = _variables(reading, location, regions)
    tracer = Tracer()
    outcome: dict[str, Any] = {}
    flagged, silent, failure = _blocked(rules, variables)
    route, route_failure = _route(rules, variables)
    failure = failure or route_failure
    phone = build_phone(route.lead if route else rules.lead, variables, tracer)
    if failure:
        outcome = {"error": failure.message, "fix": failure.fix}
    elif route is None:
        outcome = {"skip": "filtered: no route matches"}
    elif route.skip:
        outcome = {"skip": f"filtered: {route.skip}"}
    else:
        outcome = _wanted(rules, route, variables, tracer, phone=phone)
    return Mapped(
        phone=phone.number,
        plausible=phone.plausible,
        route=route.name if route else "",
        blocked_if_flagged=flagged,
        blocked_if_not=silent,
        warnings=(*reading.warnings, *tracer.warnings, *variables[NOTES]),
        trace=tuple(tracer.trace),
        **outcome,
    )


def _wanted(
    rules: Rules, route: Route, variables: Mapping[str, Any], tracer: Tracer, *, phone: Phone
) -> dict[str, Any]:
    """Mapped's fields for a reading that should become a lead."""
    if phone.failure:
        return {"error": phone.failure.message, "fix": phone.failure.fix}
    if not phone.number:
        return {"skip": "no phone"}
    try:
        where = destination(rules, route, variables)
        lead = build_lead(route.lead, variables, tracer, phone=phone.number)
    except MappingError as error:
        return {"error": error.message, "fix": error.fix}
    return {"lead": lead, "destination": where}


def _blocked(rules: Rules, variables: Mapping[str, Any]) -> tuple[bool, bool, MappingError | None]:
    """do_not_call for a contact that is flagged, for one that isn't, and what kept it from deciding."""
    decided = {True: True, False: False}  # where the rule fails: as the flag says
    failure: MappingError | None = None
    for flag in decided:
        contact = {**variables["contact"], "do_not_call": flag}
        try:
            decided[flag] = rules.do_not_call({**variables, "contact": contact})
        except MappingError as error:
            failure = MappingError(f"do_not_call.when: {error.message}", field="", fix=error.fix)
    return decided[True], decided[False], failure


def _route(rules: Rules, variables: Mapping[str, Any]) -> tuple[Route | None, MappingError | None]:
    """The first route that matches; an error when it can't be told whether an earlier one does."""
    for route in rules.routes:
        try:
            if route.when is None or route.when(variables):
                return route, None
        except MappingError as error:
            return None, MappingError(f"{route.at}.when: {error.message}", field="", fix=error.fix)
    return None, None


def _variables(reading: Reading, location: Location, regions: Sequence[str]) -> dict[str, Any]:
    """The reading in the words of RULE_SCOPE, and what the filters need."""
    contact: dict[str, Any] = {name: getattr(reading.contact, name) for name in _CONTACT_FIELDS}
    contact["custom"] = CustomFields(reading.contact.custom)
    contact["tags"] = tuple(map(Tag, reading.contact.tags))
    contact["name"] = contact["name"] or f"{contact['first_name']} {contact['last_name']}".strip()
    return {
        "contact": contact,
        "location": {"id": reading.location_id, "name": location.name or reading.location_name},
        "workflow": {"name": reading.workflow_name},
        "event": {"type": reading.type, "source": reading.source},
        "data": reading.data,
        "payload": decoded(reading.payload),  # the rest was, when it was read
        REGIONS: (plain_text(reading.contact.country), location.default_region, *regions),
        NOTES: [],
    }
