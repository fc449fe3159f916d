"""One lead, field by field: evaluate the rules, fit what they give, note how each came about.

Knows which fields a lead can't do without; knows nothing of routes. Rule for editors: only a missing name
or an unusable phone may stop a lead. Whatever else goes wrong costs a field and leaves a warning.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from bridge.errors import InvalidPhone, MappingError, MissingField
from bridge.model import FieldTrace, Lead
from bridge.rules import fit
from bridge.rules.emails import fit_email
from bridge.rules.filters import REGIONS
from bridge.rules.names import NAME_MIN, fit_name
from bridge.rules.phone import PhoneReading, plausible, read, says_no_phone
from bridge.rules.ruleset import LeadRules, Rule
from bridge.rules.values import flat, plain_text

_NUMBERS_TRIED: Final = 20  # of a list; each takes up to 0.1 ms
_READINGS: Final = 8

Fitted = TypeVar("Fitted")


@dataclass(frozen=True, slots=True)
class Phone:
    """What the rules for the phone give."""

    number: str = ""  # E.164; '' where none is usable
    plausible: tuple[str, ...] = ()  # each number that it can mean, the usable one first
    failure: MappingError | None = None  # why none is usable; None where none was given


@dataclass(frozen=True, slots=True)
class Tracer:
    """What is told of an evaluation: one trace for each rule evaluated, and the warnings."""

    trace: list[FieldTrace] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def tell(self, rule: Rule, before: Any, after: Any, *, warning: str = "") -> None:
        self.trace.append(FieldTrace(rule.field, rule.text, rule.at, before, after))
        if warning:
            self.warnings.append(f"{rule.field} ({rule.at}): {warning}")


def build_phone(rules: LeadRules, variables: Mapping[str, Any], tracer: Tracer) -> Phone:
    """The first usable phone of the rules, and every number that what they gave can mean."""
    regions = variables[REGIONS]
    failures: list[tuple[Rule, MappingError]] = []
    refused: list[str] = []
    for rule in rules.phone:
        before: Any = None
        numbers: list[str] = []
        try:
            before = rule.value(variables)
            numbers = _numbers(before)
            reading = _dialable(numbers, regions)
        except MappingError as error:
            tracer.tell(rule, before, None)
            failures.append((rule, error))
            refused += numbers
            continue
        tracer.tell(rule, before, reading.number or None)
        if reading.number:
            tracer.warnings.extend(f"phone ({bad.at}): {error.message}" for bad, error in failures)
            tracer.warnings.extend(f"phone ({rule.at}): {warning}" for warning in reading.warnings)
            return Phone(reading.number, _plausible([reading.number], numbers, regions))
    return Phone(plausible=_plausible([], refused, regions), failure=failures[0][1] if failures else None)


def build_lead(rules: LeadRules, variables: Mapping[str, Any], tracer: Tracer, *, phone: str) -> Lead:
    """The lead for a phone that is known to be usable. Raises MissingField without a usable name."""
    name = _first(rules.name, variables, tracer, fitting=fit_name)
    if not name:
        places = ", ".join(rule.text for rule in rules.name)
        raise MissingField(
            f"no usable name: {places} gave nothing of {NAME_MIN} characters or more",
            field="name",
            fix="give the contact a name in the CRM: its next event brings it; "
            "or end lead.name with a fixed text, then replay the event",
        )
    fields = {
        key: _first(each, variables, tracer, fitting=fit.custom_field) for key, each in rules.custom_fields
    }
    return Lead(
        phone=phone,
        name=name,
        email=_first(rules.email, variables, tracer, fitting=fit_email) or "",
        company=_first(rules.company, variables, tracer, fitting=fit.company) or "",
        tags=_tags(rules, variables, tracer),
        custom_fields={key: value for key, value in fields.items() if value is not None},
    )


def _first(
    rules: Iterable[Rule],
    variables: Mapping[str, Any],
    tracer: Tracer,
    *,
    fitting: Callable[[Any], tuple[Fitted, str]],
) -> Fitted | None:
    """The first of a field's candidates that fits; later ones aren't evaluated."""
    for rule in rules:
        try:
            before = rule.value(variables)
        except MappingError as error:
            tracer.tell(rule, None, None, warning=error.message)
            continue
        after, warning = fitting(before)
        usable = after is not None and after != ""
        tracer.tell(rule, before, after if usable else None, warning=warning)
        if usable:
            return after
    return None


def _tags(rules: LeadRules, variables: Mapping[str, Any], tracer: Tracer) -> tuple[str, ...]:
    found: tuple[str, ...] = ()
    for rule in rules.tags:
        try:
            before = rule.value(variables)
        except MappingError as error:
            tracer.tell(rule, None, None, warning=error.message)
            continue
        spelt, warning = fit.spell_tags(before, as_is=rules.tags_as_is)
        tracer.tell(rule, before, list(spelt) or None, warning=warning)
        found += spelt
    tags, warning = fit.join_tags(found)
    if warning:
        tracer.warnings.append(f"tags: {warning}")
    return tags


def _numbers(value: Any) -> list[str]:
    """The texts of a rule's value that are numbers to try."""
    return [text for text in map(plain_text, flat(value)[:_NUMBERS_TRIED]) if not says_no_phone(text)]


def _dialable(numbers: Iterable[str], regions: tuple[str, ...]) -> PhoneReading:
    """The first usable number; '' without any to try."""
    failure: InvalidPhone | None = None
    for number in numbers:
        try:
            return read(number, regions)
        except InvalidPhone as error:
            failure = failure or error
    if failure:
        raise failure
    return PhoneReading("")


def _plausible(chosen: list[str], numbers: list[str], regions: tuple[str, ...]) -> tuple[str, ...]:
    each = [reading for text in numbers[:_READINGS] for reading in plausible(text, regions)]
    return tuple(dict.fromkeys([*chosen, *each]))[:_READINGS]
