"""A reading and the rules → what to do: routes, skips, errors, do-not-call, trace. Never an exception."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.model import Contact, Destination, Lead, Mapped, Reading
from bridge.rules.fit import CUSTOM_KEY
from bridge.rules.mapping import Rules, apply, compile_rules

JANE = Contact(
    id="c1",
    first_name="Jane",
    last_name="Doe",
    email="jane@example.com",
    phone="(415) 555-0101",
    tags=("solar", "New Lead!"),
    company="Example Roofing",
    country="US",
    custom={"Monthly bill": "$95.50"},
)
CONTRACT_LEAD = {
    "name": ["{{ contact.name }}", "{{ contact.company }}", "{{ contact.email }}"],
    "phone": "{{ contact.phone }}",
    "email": "{{ contact.email }}",
    "company": "{{ contact.company }}",
    "tags": ["{{ contact.tags }}", "gohighlevel"],
}
CONTRACT_ROUTES: list[dict[str, Any]] = [
    {"name": "existing customers", "when": "'customer' in contact.tags", "skip": "already a customer"},
    {
        "name": "solar",
        "when": "'solar' in contact.tags and contact.custom['Monthly bill'] | number > 80",
        "account": "main",
        "campaign_id": "6f1c2a90-3f0e-4b7e-9c1d-2a6c1b0e7d55",
        "kind": "call",
        "lead": {
            "tags": ["{{ contact.tags }}", "solar"],
            "custom_fields": {"bill": "{{ contact.custom['Monthly bill'] }}"},
        },
    },
    {"name": "everyone else"},
]


def rules_of(
    lead: dict[str, Any] | None = None,
    routes: list[dict[str, Any]] | None = None,
    when: str = "contact.do_not_call",
) -> Rules:
    rules, problems = compile_rules(lead, routes or [], when, default_account="main")
    assert problems == ()
    return rules


def mapped(
    rules: Rules, contact: Contact = JANE, *, regions: tuple[str, ...] = ("US",), **reading: Any
) -> Mapped:
    return apply(rules, Reading(contact=contact, **reading), regions=regions)


def test_the_contracts_example_makes_the_lead_it_promises() -> None:
    got = mapped(rules_of(CONTRACT_LEAD, CONTRACT_ROUTES))
    assert got.lead == Lead(
        phone="+14155550101",
        name="Jane Doe",
        email="jane@example.com",
        company="Example Roofing",
        tags=("solar", "New-Lead"),
        custom_fields={"bill": "$95.50"},
    )
    assert got.destination == Destination("main", "6f1c2a90-3f0e-4b7e-9c1d-2a6c1b0e7d55", "call")
    assert (got.phone, got.route, got.skip, got.error, got.warnings) == ("+14155550101", "solar", "", "", ())


@pytest.mark.parametrize(
    ("changes", "route", "skip"),
    [
        ({"tags": ("customer", "solar")}, "existing customers", "filtered: already a customer"),
        ({"custom": {"Monthly bill": "80"}}, "everyone else", ""),
        ({"custom": {}}, "everyone else", ""),
        ({"tags": ()}, "everyone else", ""),
    ],
)
def test_the_first_matching_route_wins(changes: dict[str, Any], route: str, skip: str) -> None:
    got = mapped(rules_of(CONTRACT_LEAD, CONTRACT_ROUTES), replace(JANE, **changes))
    assert (got.route, got.skip) == (route, skip)
    assert (got.lead is None) is bool(skip)
    assert got.phone == "+14155550101"


def test_without_routes_everything_goes_to_the_default_accounts_default_feed() -> None:
    got = mapped(rules_of())
    assert got.destination == Destination("main")
    assert got.lead is not None
    assert got.lead.tags == ("solar", "New-Lead")


def test_no_matching_route_skips_and_still_tells_the_phone() -> None:
    got = mapped(rules_of(None, [{"when": "'vip' in contact.tags"}]))
    assert got.skip == "filtered: no route matches"
    assert (got.phone, got.route, got.lead, got.destination) == ("+14155550101", "", None, None)


def test_a_route_names_account_move_and_clear_emptied() -> None:
    route = {
        "account": "second",
        "move": True,
        "campaign_id": "c",
        "kind": "sms",
        "lead": {"clear_emptied": True},
    }
    got = mapped(rules_of(None, [route]))
    assert got.destination == Destination("second", "c", "sms", move=True, clear_emptied=True)
    assert got.route == "routes[0]"


def test_a_route_whose_condition_fails_is_an_error_that_names_it() -> None:
    got = mapped(rules_of(None, [{"when": "false"}, {"when": "contact.custom['Monthly bill'] > 80"}, {}]))
    assert "routes[1].when" in got.error
    assert "contact.custom['Monthly bill'] > 80" in got.error
    assert "| number" in got.fix
    assert (got.phone, got.lead, got.skip) == ("+14155550101", None, "")


@pytest.mark.parametrize("phone", ["", " ", "n/a", "-", "null"])
def test_no_phone_is_skipped(phone: str) -> None:
    got = mapped(rules_of(), replace(JANE, phone=phone))
    assert (got.skip, got.error, got.phone, got.lead) == ("no phone", "", "", None)


@pytest.mark.parametrize("phone", ["555-0101", "call me", "4" * 400])
def test_an_unusable_phone_is_an_error_with_a_fix(phone: str) -> None:
    got = mapped(rules_of(), replace(JANE, phone=phone))
    assert got.error
    assert got.fix
    assert (got.skip, got.phone, got.lead) == ("", "", None)


def test_the_first_usable_phone_counts_and_the_refused_one_is_told() -> None:
    lead = {"phone": ["{{ contact.phone }}", "{{ contact.custom.Mobile }}", "{{ payload.phones }}"]}
    contact = replace(JANE, phone="555-0101")
    got = mapped(rules_of(lead), contact, payload={"phones": ["n/a", "12", "415 555 0102"]})
    assert got.phone == "+14155550102"
    assert got.warnings[0].startswith("phone (lead.phone[0]): ")
    assert [each.after for each in got.trace if each.field == "phone"] == [None, None, "+14155550102"]


def test_the_phone_rule_of_the_matched_route_is_used_also_when_it_skips() -> None:
    got = mapped(rules_of(None, [{"skip": "x", "lead": {"phone": "+1 415 555 0199"}}]))
    assert (got.phone, got.skip) == ("+14155550199", "filtered: x")


def test_the_contacts_country_goes_before_the_configured_regions() -> None:
    contact = replace(JANE, phone="020 7946 0101", country="GB")
    assert mapped(rules_of(), contact).phone == "+442079460101"
    assert mapped(rules_of(), replace(contact, country=""), regions=("GB", "US")).phone == "+442079460101"


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"name": "J. Doe"}, "J. Doe"),
        ({}, "Jane Doe"),
        ({"last_name": ""}, "Jane"),
        ({"first_name": "", "last_name": "D"}, "Example Roofing"),
        ({"first_name": "", "last_name": "", "company": ""}, "jane@example.com"),
    ],
)
def test_the_first_usable_name_counts(changes: dict[str, Any], name: str) -> None:
    got = mapped(rules_of(), replace(JANE, **changes))
    assert got.lead is not None
    assert got.lead.name == name


def test_without_a_usable_name_it_is_an_error_with_a_fix_and_a_phone() -> None:
    got = mapped(rules_of(), Contact(phone="+14155550101", first_name="J"))
    assert "name" in got.error
    assert got.fix
    assert got.phone == "+14155550101"
    assert got.warnings == ("name (default): shorter than 2 characters",)


def test_an_optional_value_that_does_not_fit_costs_the_value_and_leaves_a_warning() -> None:
    lead = {
        "email": "{{ contact.email }}",
        "company": "{{ payload.n > 'x' }}",
        "tags": ["{{ payload.n > 'x' }}", "{{ contact.tags }}"],
        "custom_fields": {
            "a": ["{{ payload.n > 'x' }}", "{{ payload.missing }}", "kept"],
            "b": "{{ payload.o }}",
        },
    }
    got = mapped(rules_of(lead), replace(JANE, email="not an address"), payload={"n": 1, "o": {"p": 1}})
    assert got.lead is not None
    assert (got.lead.email, got.lead.company, got.lead.tags) == ("", "", ("solar", "New-Lead"))
    assert got.lead.custom_fields == {"a": "kept"}
    places = [warning.split(": ")[0] for warning in got.warnings]
    assert places == [
        "custom_fields.a (lead.custom_fields.a[0])",
        "custom_fields.b (lead.custom_fields.b)",
        "email (lead.email)",
        "company (lead.company)",
        "tags (lead.tags[0])",
    ]


def test_more_than_20_tags_keep_the_first_and_warn() -> None:
    got = mapped(rules_of(), replace(JANE, tags=tuple(f"t{n}" for n in range(30))))
    assert got.lead is not None
    assert got.lead.tags == tuple(f"t{n}" for n in range(20))
    assert got.warnings == ("tags: 30 tags, only the first 20 kept",)


def test_tags_as_is_keep_their_spelling() -> None:
    got = mapped(rules_of({"tags": "{{ contact.tags }}", "tags_as_is": True}))
    assert got.lead is not None
    assert got.lead.tags == ("solar", "New Lead!")


def test_a_list_or_number_keeps_its_kind_in_a_custom_field() -> None:
    fields = {
        "n": "{{ payload.n }}",
        "l": "{{ payload.l }}",
        "b": "{{ payload.b }}",
        "gone": "{{ payload.x }}",
    }
    got = mapped(rules_of({"custom_fields": fields}), payload={"n": 5, "l": ["a", "b"], "b": False})
    assert got.lead is not None
    assert got.lead.custom_fields == {"n": 5, "l": "a, b", "b": False}
    literal = mapped(rules_of({"custom_fields": {"vip": True}}))
    assert literal.lead is not None
    assert literal.lead.custom_fields == {"vip": True}


@pytest.mark.parametrize(
    ("when", "flagged", "silent"),
    [
        ("contact.do_not_call", True, False),
        ("contact.do_not_call or 'no-call' in contact.tags", True, True),
        ("contact.do_not_call and 'vip' not in contact.tags", True, False),
        ("'no-call' in contact.tags", True, True),
        ("'vip' in contact.tags", True, False),
        ("contact.do_not_call and false", False, False),
    ],
)
@pytest.mark.parametrize("as_sent", [True, False])
def test_do_not_call_is_decided_both_ways(when: str, flagged: bool, silent: bool, as_sent: bool) -> None:  # noqa: FBT001
    contact = replace(JANE, tags=("no-call",), do_not_call=as_sent)
    got = mapped(rules_of(when=when), contact)
    assert (got.blocked_if_flagged, got.blocked_if_not) == (flagged, silent)


def test_other_rules_see_do_not_call_as_the_event_says_it() -> None:
    rules = rules_of({"custom_fields": {"dnc": "{{ contact.do_not_call }}"}})
    for flag in (True, False):
        got = mapped(rules, replace(JANE, do_not_call=flag))
        assert got.lead is not None
        assert got.lead.custom_fields == {"dnc": flag}


def test_a_do_not_call_rule_that_fails_is_an_error_and_never_a_lead() -> None:
    rules = rules_of(when="contact.do_not_call or contact.custom['Monthly bill'] > 5")
    got = mapped(rules)
    assert "do_not_call.when" in got.error
    assert (got.lead, got.skip, got.phone) == (None, "", "+14155550101")
    assert got.blocked_if_flagged


def test_each_rule_evaluated_leaves_a_trace() -> None:
    got = mapped(rules_of(CONTRACT_LEAD, CONTRACT_ROUTES), replace(JANE, first_name="J", last_name=""))
    traced = [(each.field, each.at, each.before, each.after) for each in got.trace]
    assert traced == [
        ("phone", "lead.phone", "(415) 555-0101", "+14155550101"),
        ("name", "lead.name[0]", "J", None),
        ("name", "lead.name[1]", "Example Roofing", "Example Roofing"),
        ("custom_fields.bill", "routes[1].lead.custom_fields.bill", "$95.50", "$95.50"),
        ("email", "lead.email", "jane@example.com", "jane@example.com"),
        ("company", "lead.company", "Example Roofing", "Example Roofing"),
        ("tags", "routes[1].lead.tags[0]", ["solar", "New Lead!"], ["solar", "New-Lead"]),
        ("tags", "routes[1].lead.tags[1]", "solar", ["solar"]),
    ]
    assert got.trace[1].rule == "{{ contact.name }}"


def test_lead_rules_are_evaluated_only_when_a_lead_is_wanted() -> None:
    got = mapped(rules_of(CONTRACT_LEAD, [{"skip": "x"}]))
    assert [each.field for each in got.trace] == ["phone"]


def test_the_words_of_an_event() -> None:
    words = "{{ location.id }},{{ location.name }},{{ workflow.name }},{{ event.type }},{{ event.source }}"
    rules = rules_of({"company": words + ",{{ data.a }},{{ payload.b }}"})
    got = mapped(
        rules,
        type="contact.created",
        source="app",
        location_id="l1",
        location_name="Main",
        workflow_name="New",
        data={"a": 1},
        payload={"b": 2},
    )
    assert got.lead is not None
    assert got.lead.company == "l1,Main,New,contact.created,app,1,2"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=10,
)
DIALABLE = st.sampled_from(["+14155550101", "(415) 555-0102", "020 7946 0101", "n/a", "555"])
WILD = rules_of(
    {
        "name": ["{{ payload.name }}", "{{ contact.name }}", "{{ contact.email }}"],
        "phone": ["{{ payload.phone }}", "{{ contact.phone }}"],
        "email": ["{{ payload.email }}", "{{ contact.email | lower }}"],
        "company": "{{ payload.company }} of {{ contact.company }}",
        "tags": [
            "{{ contact.tags }}",
            "{{ payload.tags }}",
            "{{ payload.tags | split }}",
            "x {{ payload.name }}",
        ],
        "custom_fields": {
            "a": "{{ payload.a }}",
            "b": "{{ contact.custom['Monthly bill'] | number * 12 }}",
            "c": "{{ payload.a | date }}",
            "d": ["{{ payload.a + 1 }}", "{{ payload.items.x }}", "{{ contact.custom.c }}"],
        },
    },
    [
        {"when": "payload.a > 5", "name": "big", "lead": {"tags_as_is": True}},
        {"when": "payload.name == 'skip'", "skip": "asked for"},
        {"when": "payload.email", "campaign_id": "c"},
        {"when": "contact.tags"},
    ],
    "contact.do_not_call or payload.a in contact.tags",
)


@given(
    contact=st.builds(
        Contact,
        **{
            name: st.text() | JSON
            for name in (
                "id",
                "first_name",
                "last_name",
                "name",
                "email",
                "company",
                "country",
                "city",
                "source",
            )
        },  # type: ignore[arg-type]
        phone=DIALABLE | st.text(),
        tags=st.lists(st.text(), max_size=30).map(tuple),
        custom=st.dictionaries(st.text() | st.just("Monthly bill"), JSON, max_size=4),
    ),
    payload=st.fixed_dictionaries({}, optional=dict.fromkeys(("name", "email", "company", "tags", "a"), JSON))
    | st.fixed_dictionaries({"phone": DIALABLE, "email": st.emails(), "items": JSON}),
)
def test_any_json_becomes_a_lead_that_fits_or_a_skip_or_an_error(
    contact: Contact, payload: dict[str, Any]
) -> None:
    got = mapped(WILD, contact, payload=payload)
    assert [bool(got.lead), bool(got.skip), bool(got.error)].count(True) == 1
    assert not got.error or got.fix
    assert (got.destination is None) is (got.lead is None)
    if got.lead is None:
        return
    assert got.lead.phone == got.phone
    assert got.phone[0] == "+"
    assert 10 <= len(got.phone) - 1 <= 15
    assert 2 <= len(got.lead.name.encode("utf-16-le")) // 2 <= 100
    assert len(got.lead.company.encode("utf-16-le")) // 2 <= 100
    assert len(got.lead.email) <= 254
    assert len(got.lead.tags) <= 20
    if got.route != "big":
        assert all(CUSTOM_KEY.fullmatch(tag) and len(tag) <= 50 for tag in got.lead.tags)
    for value in got.lead.custom_fields.values():
        assert isinstance(value, (str, int, float, bool))
        assert not isinstance(value, str) or 0 < len(value.encode("utf-16-le")) // 2 <= 1000


@pytest.mark.parametrize(
    "rules",
    [
        rules_of(),
        rules_of(None, [{"when": "false"}]),
        rules_of(None, [{"skip": "x"}]),
        rules_of(None, [{"when": "1 / 0 > 1"}]),
        rules_of({"name": "x", "phone": "n/a"}),
        rules_of({"name": ""}),
    ],
)
def test_what_the_reader_doubts_comes_first_on_every_path(rules: Rules) -> None:
    doubts = ("dnd: 'maybe' isn't understood", "event: 'delete it'")
    assert mapped(rules, warnings=doubts).warnings[:2] == doubts


def test_a_text_that_a_filter_can_make_nothing_of_is_told_once() -> None:
    lead = {
        "custom_fields": {"bill": "{{ contact.custom.bill | number }}", "due": "{{ payload.due | date }}"}
    }
    routes = [{"when": "contact.custom.bill | number > 80"}, {}]
    contact = replace(JANE, custom={"bill": "80k"})
    got = mapped(rules_of(lead, routes), contact, payload={"due": "soon"})
    assert got.lead is not None
    assert got.warnings == (
        "'80k' is not a number, taken as empty",
        "'soon' is not a date, taken as empty",
    )
    assert mapped(rules_of(lead, routes), replace(JANE, custom={})).warnings == ()


def test_notes_of_filters_are_few_and_short() -> None:
    rules = rules_of({"tags": "{{ payload.all | map('number') | list }}"})
    got = mapped(
        rules, payload={"all": ["x" * 500 + str(n) for n in range(100)] + [f"y{n}" for n in range(9)]}
    )
    assert len(got.warnings) == 3
    assert max(map(len, got.warnings)) < 90


@pytest.mark.parametrize(
    ("phone", "country", "readings"),
    [
        ("+14155550101", "", ("+14155550101",)),
        ("(415) 555-0101", "US", ("+14155550101",)),
        ("491713920012", "", ("+491713920012",)),
        ("07700 900123", "GB", ("+447700900123",)),
        ("07700 900123", "", ("+447700900123",)),
        ("n/a", "", ()),
        ("", "", ()),
    ],
)
def test_every_plausible_number_of_the_phone_is_known(
    phone: str, country: str, readings: tuple[str, ...]
) -> None:
    got = mapped(rules_of(), replace(JANE, phone=phone, country=country), regions=("US", "GB"))
    assert set(readings) <= set(got.plausible)
    assert len(got.plausible) <= 8
    assert got.plausible[:1] == ((got.phone,) if got.phone else got.plausible[:1])


def test_the_plausible_numbers_are_known_where_no_lead_is_wanted() -> None:
    routes = [{"when": "'vip' in contact.tags"}]
    got = mapped(rules_of(None, routes), replace(JANE, phone="+49 171 3920012"))
    assert (got.skip, got.plausible[0]) == ("filtered: no route matches", "+491713920012")
