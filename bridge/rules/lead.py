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
from bridge.rules.filters import REGIONS
from bridge.rules.phone import normalize, says_no_phone
from bridge.rules.ruleset import LeadRules, Rule
from bridge.rules.values import flat, plain_text

_NUMBERS_TRIED: Final = 20  # of a list; each takes up to 0.1 ms

Fitted = TypeVar("Fitted")


@dataclass(frozen=True, slots=True)
class Tracer:
    """What is told of an evaluation: one trace for each rule evaluated, and the warnings."""

    trace: list[FieldTrace] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def tell(self, rule: Rule, before: Any, after: Any, *, warning: str = "") -> None:
        self.trace.append(FieldTrace(rule.field, rule.text, rule.at, before, after))
        if warning:
            self.warnings.append(f"{rule.field} ({rule.at}): {warning}")


def build_phone(
    rules: LeadRules, variables: Mapping[str, Any], tracer: Tracer
) -> tuple[str, MappingError | None]:
    """The first usable phone in E.164; '' without one, with the error when there was one to dial."""
    failures: list[tuple[Rule, MappingError]] = []
    for rule in rules.phone:
        before: Any = None
        try:
            before = rule.value(variables)
            phone = _dialable(before, variables[REGIONS])
        except MappingError as error:
            tracer.tell(rule, before, None)
            failures.append((rule, error))
            continue
        tracer.tell(rule, before, phone or None)
        if phone:
            tracer.warnings.extend(f"phone ({bad.at}): {error.message}" for bad, error in failures)
            return phone, None
    return "", failures[0][1] if failures else None


def build_lead(rules: LeadRules, variables: Mapping[str, Any], tracer: Tracer, *, phone: str) -> Lead:
    """The lead for a phone that is known to be usable. Raises MissingField without a usable name."""
    name = _first(rules.name, variables, tracer, fitting=fit.name)
    if not name:
        places = ", ".join(rule.text for rule in rules.name)
        raise MissingField(
            f"no usable name: {places} gave nothing of {fit.NAME_MIN} characters or more",
            field="name",
            fix="give the contact a name, or end lead.name with a fixed text; then replay the event",
        )
    fields = {
        key: _first(each, variables, tracer, fitting=fit.custom_field) for key, each in rules.custom_fields
    }
    return Lead(
        phone=phone,
        name=name,
        email=_first(rules.email, variables, tracer, fitting=fit.email) or "",
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


def _dialable(value: Any, regions: tuple[str, ...]) -> str:
    """E.164 of the first usable number of a rule's value; '' when it holds none to try."""
    numbers = [text for text in map(plain_text, flat(value)[:_NUMBERS_TRIED]) if not says_no_phone(text)]
    failure: InvalidPhone | None = None
    for number in numbers:
        try:
            return normalize(number, regions)
        except InvalidPhone as error:
            failure = failure or error
    if failure:
        raise failure
    return ""
