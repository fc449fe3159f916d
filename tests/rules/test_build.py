"""Compiling the YAML's rules: defaults, overrides, and every problem with its place."""

from typing import Any

import pytest

from bridge.errors import Problem
from bridge.rules.mapping import LeadRules, Rules, compile_rules


def compiled(
    lead: dict[str, Any] | None = None,
    routes: list[dict[str, Any]] | None = None,
    when: str = "contact.do_not_call",
) -> tuple[Rules, tuple[Problem, ...]]:
    return compile_rules(lead, routes or [], when, default_account="main")


def texts(lead: LeadRules) -> dict[str, list[str]]:
    return {
        key: [rule.text for rule in getattr(lead, key)]
        for key in ("name", "phone", "email", "company", "tags")
    }


DEFAULTS = {
    "name": ["{{ contact.name }}", "{{ contact.company }}", "{{ contact.email }}"],
    "phone": ["{{ contact.phone }}"],
    "email": ["{{ contact.email }}"],
    "company": ["{{ contact.company }}"],
    "tags": ["{{ contact.tags }}"],
}


def test_without_lead_the_defaults_stand() -> None:
    rules, problems = compiled()
    assert problems == ()
    assert texts(rules.lead) == DEFAULTS


@pytest.mark.parametrize("lead", [{}, {"name": None, "tags": None}, {"name": [], "phone": []}])
def test_with_lead_only_name_and_phone_fall_back(lead: dict[str, Any]) -> None:
    rules, _ = compiled(lead)
    none: dict[str, list[str]] = {"email": [], "company": [], "tags": []}
    assert texts(rules.lead) == {**DEFAULTS, **none}


def test_a_route_replaces_field_by_field() -> None:
    lead = {"email": "{{ contact.email }}", "tags": ["a", "b"], "custom_fields": {"x": "1", "y": "2"}}
    route = {
        "lead": {"tags": "c", "custom_fields": {"y": ["3", "4"]}, "tags_as_is": True, "clear_emptied": True}
    }
    rules, problems = compiled(lead, [route, {}])
    assert problems == ()
    made = rules.routes[0].lead
    assert texts(made) == {**texts(rules.lead), "tags": ["c"]}
    assert [(key, [rule.text for rule in each]) for key, each in made.custom_fields] == [
        ("x", ["1"]),
        ("y", ["3", "4"]),
    ]
    assert made.tags_as_is
    assert made.clear_emptied
    assert rules.routes[1].lead == rules.lead


def test_each_rule_knows_its_place() -> None:
    lead = {"name": ["a", "b"], "email": "c", "custom_fields": {"bill": "d"}}
    rules, _ = compiled(lead, [{"lead": {"tags": ["e"], "custom_fields": {"bill": ["f"]}}}])
    places = [rule.at for rule in rules.lead.name + rules.lead.email + rules.lead.phone]
    assert places == ["lead.name[0]", "lead.name[1]", "lead.email", "default"]
    assert rules.lead.custom_fields[0][1][0].at == "lead.custom_fields.bill"
    route = rules.routes[0]
    assert route.lead.tags[0].at == "routes[0].lead.tags[0]"
    assert route.lead.custom_fields[0][1][0].at == "routes[0].lead.custom_fields.bill[0]"
    assert route.lead.custom_fields[0][1][0].field == "custom_fields.bill"
    assert route.name == "routes[0]"


def test_every_problem_is_collected_with_its_place_and_a_fix() -> None:
    lead = {
        "name": ["{{ contact.nme }}", "ok"],
        "email": "{{ contact.email",
        "custom_fields": {"my bill": "x", "bill": "{{ contact.custom.bill | nmber }}"},
    }
    routes = [
        {"when": "contact.tag", "lead": {"name": "{% if %}"}},
        {"when": "1 +", "lead": {"tags": ["{{ nobody }}"], "custom_fields": {"b": ["{{ x }}"]}}},
    ]
    _, problems = compiled(lead, routes, "{{ contact.do_not_call }}")
    assert {problem.path for problem in problems} == {
        "lead.name[0]",
        "lead.email",
        "lead.custom_fields.my bill",
        "lead.custom_fields.bill",
        "routes[0].when",
        "routes[0].lead.name",
        "routes[1].when",
        "routes[1].lead.tags[0]",
        "routes[1].lead.custom_fields.b[0]",
        "do_not_call.when",
    }
    assert len(problems) == 10
    assert all(problem.message and problem.fix for problem in problems)


def test_forgotten_braces_are_a_problem_in_every_field() -> None:
    lead = {"name": "contact.name", "tags": ["a", "contact.tags"], "custom_fields": {"c": "payload.c"}}
    _, problems = compiled(lead)
    assert [each.path for each in problems] == ["lead.name", "lead.tags[1]", "lead.custom_fields.c"]


def test_more_than_20_custom_fields_are_a_problem() -> None:
    fields = {f"f{n}": "x" for n in range(20)}
    assert compiled({"custom_fields": fields})[1] == ()
    assert [each.path for each in compiled({"custom_fields": {**fields, "one": "x"}})[1]] == [
        "lead.custom_fields"
    ]
    _, problems = compiled({"custom_fields": fields}, [{"lead": {"custom_fields": {"f1": "y"}}}])
    assert problems == ()
    _, problems = compiled({"custom_fields": fields}, [{"lead": {"custom_fields": {"one": "y"}}}])
    assert [each.path for each in problems] == ["routes[0].lead.custom_fields"]


def test_with_a_broken_do_not_call_rule_nobody_would_be_called() -> None:
    rules, problems = compiled(when="contact.nobody")
    assert problems
    assert rules.do_not_call({}) is True
