"""Names that an expression looks for in vain, and what the event nearly calls so; tags in any case."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.inbound import GhlWorkflow, JsonSource
from bridge.model import Contact, Reading
from bridge.rules.expression import PAYLOAD_SCOPE, RULE_SCOPE, compile_condition, compile_value
from bridge.rules.mapping import apply, compile_rules
from bridge.rules.near import hinting, missed
from bridge.rules.values import Tag

PERSON = {"contact_id": "c", "full_name": "Ann Lee", "phone": "+12025550142"}


def warned(rule, payload, *, when=None):
    routes = [{"when": when}] if when else []
    rules, problems = compile_rules(
        {"custom_fields": {"x": rule}}, routes, "contact.do_not_call", default_account="main"
    )
    assert not problems
    return apply(rules, GhlWorkflow("workflow", "t").read({**PERSON, **payload}), regions=("US",)).warnings


@pytest.mark.parametrize(
    ("rule", "payload", "meant"),
    [
        ("{{ contact.custom['Rof type'] }}", {"Roof type": "flat"}, "Roof type"),
        ("{{ contact.custom['Roof typ'] }}", {"Roof type": "flat"}, "Roof type"),
        ("{{ contact.custom['Montly bill'] | number }}", {"Monthly bill": "80"}, "Monthly bill"),
        ("{{ contact.custom['Monthly bil'] or '' }}", {"Monthly bill": "80"}, "Monthly bill"),
        ("{{ payload['Roof type'] }}", {"roof_type": "flat"}, "roof_type"),
        ("{{ payload.rooftype }}", {"roof_type": "flat"}, "roof_type"),
        ("{{ payload.utm_sorce }}", {"utm_source": "ad"}, "utm_source"),
        ("{{ payload.form.anser }}", {"form": {"answer": "yes"}}, "answer"),
        ("{{ data.campain }}", {"customData": {"campaign": "fall"}}, "campaign"),
        ("{{ data['Lead source'] }}", {"customData": {"lead_source": "ad"}}, "lead_source"),
    ],
)
def test_a_misspelt_name_is_told(rule, payload, meant):
    assert any(f"did you mean `{meant}`?" in warning for warning in warned(rule, payload))


@pytest.mark.parametrize(
    ("rule", "payload"),
    [
        ("{{ contact.custom['Roof type'] }}", {"ROOF TYPE": "flat"}),  # found
        ("{{ contact.custom['Roof type'] }}", {}),
        ("{{ contact.custom['Roof type'] }}", {"Roof type": ""}),  # there, and empty
        ("{{ contact.custom['Bill'] }}", {"Hill": "1"}),
        ("{{ payload.phone_1 }}", {"phone_2": "1"}),
        (
            "{{ payload.first_nam or contact.first_name or 'x' }}",
            {"first_name": "Ann"},
        ),
        ("{{ payload.opportunity_id }}", {"opportunity": {"a": 1}}),
        ("{{ payload.contact }}", {}),
        ("{{ payload.start }}", {"end": "1"}),
        ("{{ payload.last_name }}", {"first_name": "Ann"}),
        ("{{ payload.state }}", {"status": "hot"}),
    ],
)
def test_a_name_that_is_only_missing_is_not(rule, payload):
    assert not [warning for warning in warned(rule, payload) if "did you mean" in warning]


def test_a_route_that_never_matches_is_told():
    found = warned("x", {"Roof type": "flat"}, when="contact.custom['Rof type'] != 'flat'")
    assert "there is no `Rof type`: did you mean `Roof type`?" in found


def test_a_mapping_of_a_source_tells_it_too():
    source = JsonSource("forms", "t", {"phone": compile_value("{{ payload.phne }}", PAYLOAD_SCOPE)})
    assert source.read({"phone": "1"}).warnings == ("there is no `phne`: did you mean `phone`?",)


@given(st.dictionaries(st.text(max_size=70), st.none(), max_size=300), st.text(max_size=70))
def test_any_names(names, name):
    with hinting() as hints:
        missed(name, names)
    assert len(hints) <= 1


TAGS = ("Customer", "New LEAD", "straße")


@pytest.mark.parametrize(
    "rule",
    [
        "'customer' in contact.tags",
        "'CUSTOMER' in contact.tags",
        "'Customer' in contact.tags",
        "'new lead' in contact.tags",
        "'STRASSE' in contact.tags",
        "'other' not in contact.tags",
        "not ('other' in contact.tags)",
        "contact.tags[0] == 'customer'",
        "contact.tags | first == 'CUSTOMER'",
        "contact.tags | select('equalto', 'customer') | list",
        "'customer' in contact['tags']",
        "contact.tags.index('new lead') == 1",
        "'customer' in contact.tags | map('lower')",
        "contact.tags | length == 3",
        "'Customer' in contact.tags | join(', ')",
    ],
)
def test_tags_compare_without_case(rule):
    rules, problems = compile_rules(None, [{"name": "it", "when": rule}], "false", default_account="main")
    assert not problems
    assert apply(rules, Reading(Contact(tags=TAGS)), regions=()).route == "it"


@pytest.mark.parametrize("rule", ["'customer' not in contact.tags", "'custom' in contact.tags"])
def test_and_no_further(rule):
    assert not compile_condition(rule, RULE_SCOPE)({"contact": {"tags": tuple(map(Tag, TAGS))}})


def test_tags_are_sent_as_they_are():
    rules, _ = compile_rules(None, [], "false", default_account="main")
    contact = Contact(name="Ann Lee", phone="+12025550142", tags=("Customer", "VIP"))
    assert apply(rules, Reading(contact), regions=("US",)).lead.tags == ("Customer", "VIP")


@given(st.text(), st.text())
def test_a_tag_equals_what_differs_in_case_alone(one, other):
    assert (Tag(one) == other) is (one.casefold() == other.casefold()) is (other == Tag(one))
    assert Tag(one) != other or hash(Tag(one)) == hash(Tag(other))
