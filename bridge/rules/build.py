"""From the configuration's `lead`, `routes` and `do_not_call.when` to compiled rules.

The shapes were validated by the configuration; what is found here is what only expressions and Fusion's
limits can tell. Rule for editors: every problem is collected with its place in the file, none raised.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Final, TypeVar

from bridge.errors import ExpressionError, Problem
from bridge.rules.destination import campaign_id, is_expression
from bridge.rules.expression import RULE_SCOPE, Condition, Value, compile_condition, compile_value
from bridge.rules.fit import CUSTOM_FIELDS_MAX, CUSTOM_KEY
from bridge.rules.ruleset import LeadRules, Location, Route, Rule, Rules

# What a lead is made of when the file has no `lead`; name and phone also where `lead` leaves them out.
DEFAULT_LEAD: Final[Mapping[str, Sequence[str]]] = {
    "name": ["{{ contact.name }}", "{{ contact.company }}", "{{ contact.email }}"],
    "phone": ["{{ contact.phone }}"],
    "email": ["{{ contact.email }}"],
    "company": ["{{ contact.company }}"],
    "tags": ["{{ contact.tags }}"],
}
_NEVER_OMITTED: Final = ("name", "phone")  # Fusion takes no lead without them
_FIELDS: Final = ("name", "phone", "email", "company", "tags")

Compiled = TypeVar("Compiled")


@dataclass(frozen=True, slots=True)
class _Build:
    """The problems found so far; the only thing that changes while rules are built."""

    problems: list[Problem] = field(default_factory=list)

    def compiled(self, compile_text: Callable[[], Compiled], fallback: Compiled, *, at: str) -> Compiled:
        try:
            return compile_text()
        except ExpressionError as error:
            self.problems.append(Problem(at, error.message, error.fix))
            return fallback

    def condition(self, text: str, *, at: str, fallback: Condition) -> Condition:
        return self.compiled(lambda: compile_condition(text, RULE_SCOPE), fallback, at=at)

    def rules(self, name: str, texts: Any, *, at: str) -> tuple[Rule, ...]:
        """A field's rules, from a text or a list of texts."""
        if not isinstance(texts, (list, tuple)):
            return (self.rule(name, texts, at=at),)
        return tuple(self.rule(name, text, at=f"{at}[{i}]") for i, text in enumerate(texts))

    def rule(self, name: str, text: Any, *, at: str) -> Rule:
        if not isinstance(text, str):  # a number or true, as YAML reads them: a literal
            return Rule(name, at, str(text), _constant(text))
        value = self.compiled(lambda: compile_value(text, RULE_SCOPE), _constant(""), at=at)
        return Rule(name, at, text, value)

    def lead(self, written: Mapping[str, Any], base: LeadRules, *, at: str) -> LeadRules:
        """The base rules with what is written in place of them, field by field (custom fields key by key)."""
        changes: dict[str, Any] = {
            key: self.rules(key, written[key], at=f"{at}.{key}")
            for key in _FIELDS
            if written.get(key) is not None and (written[key] != [] or key not in _NEVER_OMITTED)
        }
        for key in ("tags_as_is", "clear_emptied"):
            if written.get(key) is not None:
                changes[key] = bool(written[key])
        custom = dict(base.custom_fields)
        for key, texts in (written.get("custom_fields") or {}).items():
            place = f"{at}.custom_fields.{key}"
            if not CUSTOM_KEY.fullmatch(str(key)):
                fix = "use letters, digits, _ and - only"
                self.problems.append(Problem(place, f"Fusion takes no custom field named {key!r}", fix))
            custom[str(key)] = self.rules(f"custom_fields.{key}", texts, at=place)
        if written.get("custom_fields") and len(custom) > CUSTOM_FIELDS_MAX:
            message = f"{len(custom)} custom fields; Fusion takes {CUSTOM_FIELDS_MAX}"
            self.problems.append(Problem(f"{at}.custom_fields", message, "leave some out"))
        return replace(base, **changes, custom_fields=tuple(custom.items()))

    def route(
        self, written: Mapping[str, Any], base: LeadRules, campaigns: Mapping[str, str], *, at: str
    ) -> Route:
        when = written.get("when")
        account, account_rule = self.target("account", written, at=at)
        campaign, campaign_rule = self.target(
            "campaign" if "campaign" in written else "campaign_id", written, at=at
        )
        lead = self.lead(written.get("lead") or {}, base, at=f"{at}.lead")
        if written.get("add_tags") is not None:
            added = self.rules("tags", written["add_tags"], at=f"{at}.add_tags")
            lead = replace(lead, tags=lead.tags + added)
        return Route(
            name=written.get("name") or at,
            at=at,
            when=None if when is None else self.condition(str(when), at=f"{at}.when", fallback=_never),
            skip=written.get("skip") or "",
            account=account,
            campaign_id=campaign_id(campaign, campaigns) or campaign,
            kind=written.get("kind"),
            move=bool(written.get("move")),
            lead=lead,
            account_rule=account_rule,
            campaign_rule=campaign_rule,
        )

    def target(self, key: str, written: Mapping[str, Any], *, at: str) -> tuple[str, Rule | None]:
        """What a route names: the text itself, or the rule that gives it."""
        text = written.get(key)
        if text is None:
            return "", None
        if is_expression(str(text)):
            return "", self.rule(key, text, at=f"{at}.{key}")
        return str(text), None


def compile_rules(
    lead: Mapping[str, Any] | None,
    routes: Sequence[Mapping[str, Any]],
    do_not_call_when: str,
    *,
    default_account: str,
    accounts: Sequence[str] = (),
    campaigns: Mapping[str, str] = MappingProxyType({}),
    locations: Mapping[str, Location] = MappingProxyType({}),
) -> tuple[Rules, tuple[Problem, ...]]:
    """The rules, and every problem with them; with problems the rules are not to be applied.

    `lead` has name, phone, email, company (a text or a list: candidates), tags (all count),
    custom_fields (key → text or list), tags_as_is and clear_emptied; None stands for the defaults.
    `campaigns` are Fusion's UUIDs by name, `locations` GHL's sub-accounts by id.
    """
    build = _Build()
    kept = DEFAULT_LEAD if lead is None else _NEVER_OMITTED
    filled: dict[str, Any] = {
        key: tuple(build.rule(key, text, at="default") for text in DEFAULT_LEAD[key]) for key in kept
    }
    base = build.lead(lead or {}, LeadRules(**filled), at="lead")
    made = tuple(build.route(route, base, campaigns, at=f"routes[{i}]") for i, route in enumerate(routes))
    if not made:
        made = (build.route({"name": "default"}, base, campaigns, at="default"),)
    blocked = build.condition(do_not_call_when, at="do_not_call.when", fallback=_always)
    if "do_not_call" not in do_not_call_when:
        blocked = _or_flagged(blocked)
    rules = Rules(
        lead=base,
        routes=made,
        do_not_call=blocked,
        default_account=default_account,
        accounts=tuple(accounts) or (default_account,),
        campaigns=campaigns,
        locations=locations,
    )
    return rules, tuple(build.problems)


def _constant(value: Any) -> Value:
    return lambda _variables: value


def _or_flagged(holds: Condition) -> Condition:
    """A rule that doesn't name the event's own word adds to it: it takes no opt-out away."""
    return lambda variables: holds(variables) or bool(variables["contact"]["do_not_call"])


def _never(_variables: Mapping[str, Any]) -> bool:
    return False


def _always(_variables: Mapping[str, Any]) -> bool:
    return True
