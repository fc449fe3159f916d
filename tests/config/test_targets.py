"""Accounts, campaigns and locations by name: what is right, and every mistake with its place and fix."""

import pytest

from bridge.rules.mapping import Location

SOLAR, ROOF = "11111111-2222-4333-8444-555555555555", "66666666-7777-4888-8999-aaaaaaaaaaaa"
FILE = f"""\
fusion:
  accounts:
    main: {{api_key: key-1}}
    Birch & Co: {{api_key: key-2}}
sources:
  workflow: {{type: ghl_workflow, token: token-1-of-the-tests-only}}
campaigns:
  solar: {SOLAR}
  Roof repair: {ROOF.upper()}
"""
UUID = "copy the UUID from the campaign's address in Fusion; a name of campaigns: goes behind campaign:"
KNOWN = "known here: solar, Roof repair"

# What is added on line 10 → path, message, fix.
WRONG = {
    "routes: [{campaign: solr}]": (
        "routes[0].campaign",
        "'solr' is not a name of campaigns",
        "did you mean `solar`?",
    ),
    "routes: [{campaign: windows}]": ("routes[0].campaign", "'windows' is not a name of campaigns", KNOWN),
    "routes: [{campaign: contact.source}]": (
        "routes[0].campaign",
        "'contact.source' is not a name of campaigns",
        'write "{{ contact.source }}"',
    ),
    "routes: [{campaign: '{{ contact.sauce }}'}]": (
        "routes[0].campaign",
        "there is no field contact.sauce",
        None,
    ),
    "routes: [{campaign_id: '{{ data.x'}]": ("routes[0].campaign_id", None, None),
    "routes: [{campaign_id: solar}]": ("routes[0].campaign_id", "'solar' is not a campaign id", UUID),
    f"routes: [{{campaign: solar, campaign_id: {ROOF}}}]": (
        "routes[0].campaign_id",
        "is beside campaign",
        "keep one of the two",
    ),
    "routes: [{campaign: ''}]": ("routes[0].campaign", "is empty", "give it a value, or remove the line"),
    "routes: [{campain: solar}]": ("routes[0].campain", "unknown key 'campain'", "did you mean `campaign`?"),
    "routes: [{account: birch}]": (
        "routes[0].account",
        "'birch' is not an account of fusion.accounts",
        "known here: main, Birch & Co",
    ),
    "routes: [{account: location.name}]": (
        "routes[0].account",
        "'location.name' is not an account of fusion.accounts",
        'write "{{ location.name }}"',
    ),
    "routes: [{account: '{{ location.nme }}'}]": ("routes[0].account", None, None),
    "routes: [{add_tag: x}]": ("routes[0].add_tag", "unknown key 'add_tag'", "did you mean `add_tags`?"),
    "routes: [{add_tags: [[x]]}]": ("routes[0].add_tags", "must be text, or a list of texts", None),
    "routes: [{add_tags: ['{{ contact.x }}']}]": ("routes[0].add_tags[0]", None, None),
    "locations: {L1: {acount: main}}": (
        "locations.L1.acount",
        "unknown key 'acount'",
        "did you mean `account`?",
    ),
    "locations: {L1: {account: mian}}": (
        "locations.L1.account",
        "'mian' is not an account of fusion.accounts",
        "did you mean `main`?",
    ),
    "locations: {L1: {account: '{{ data.x }}'}}": (
        "locations.L1.account",
        "'{{ data.x }}' is not an account of fusion.accounts",
        "an expression goes into a route; write one of main, Birch & Co",
    ),
    "locations: {L1: {campaign: roof}}": (
        "locations.L1.campaign",
        "'roof' is not a name of campaigns",
        KNOWN,
    ),
    "locations: {L1: {campaign_id: roof}}": ("locations.L1.campaign_id", "'roof' is not a campaign id", UUID),
    f"locations: {{L1: {{campaign: solar, campaign_id: {SOLAR}}}}}": (
        "locations.L1.campaign_id",
        "is beside campaign",
        "keep one of the two",
    ),
    "locations: {L1: {default_region: UK}}": (
        "locations.L1.default_region",
        "'UK' is not a region",
        "did you mean `GB`?",
    ),
    "locations: {L1: {private_token: x}}": ("locations.L1.private_token", None, None),
    "locations: {L1: }": ("locations.L1", "is empty", "give it a value, or remove the line"),
    "locations: [L1]": ("locations", "must be keys with values", None),
    "campaign: {a: b}": ("campaign", "unknown key 'campaign'", "did you mean `campaigns`?"),
    "xshared: 1": ("xshared", "unknown key 'xshared'", None),
}


@pytest.mark.parametrize("added", WRONG)
def test_one_mistake(problems_of, added):
    (problem,) = problems_of(f"{FILE}{added}\n")

    path, message, fix = WRONG[added]
    assert (problem.path, problem.line) == (path, 10)
    assert problem.message == message or (message is None and problem.message)
    assert problem.fix == fix or (fix is None and problem.fix)


def test_every_mistake_at_once_in_the_order_of_the_file(problems_of):
    found = problems_of(
        FILE
        + """\
  bad: nonsense
locations:
  L1: {account: nobody, campaign: bad}
  L2: {campaign: nothing, default_region: XX}
routes:
  - {when: "1 > 2", account: nobody, campaign: bad, add_tags: "{{ contact.x }}"}
  - {campaign: "{{ nothing.at.all }}", account: "{{ contact.y }}"}
"""
    )

    assert [(each.line, each.path) for each in found] == [
        (10, "campaigns.bad"),
        (12, "locations.L1.account"),
        (13, "locations.L2.campaign"),
        (13, "locations.L2.default_region"),
        (15, "routes[0].account"),
        (15, "routes[0].add_tags"),
        (16, "routes[1].campaign"),
        (16, "routes[1].account"),
    ]


def test_without_a_table_a_name_says_where_to_put_one(problems_of, minimal):
    (problem,) = problems_of(minimal + "routes: [{campaign: solar}]\n")

    assert problem.message == "'solar' is not a name of campaigns"
    assert problem.fix.startswith("write campaigns: with this name and its UUID")


def test_a_name_from_the_environment_is_not_shown(problems_of):
    (problem,) = problems_of(FILE + 'routes: [{campaign: "${WHICH}"}]\n', WHICH="mistaken")

    assert problem.message == "the value of WHICH is not a name of campaigns"
    assert "mistaken" not in problem.fix


@pytest.mark.parametrize(
    ("written", "campaign"),
    [
        ("campaign: solar", SOLAR),
        ("campaign: Solar", SOLAR),
        ("campaign: ' solar '", SOLAR),
        ("campaign: roof repair", ROOF),
        (f"campaign: {ROOF}", ROOF),
        (f"campaign: {ROOF.upper()}", ROOF),
        (f"campaign_id: {ROOF}", ROOF),
        ("kind: sms, campaign: Roof repair", ROOF),
        ("kind: call", ""),
        ("campaign: \"{{ 'x' }}\"", ""),
    ],
)
def test_a_route_has_the_campaigns_uuid(load_text, written, campaign):
    assert load_text(f"{FILE}routes: [{{{written}}}]\n").rules.routes[0].campaign_id == campaign


def test_locations_are_what_is_written(load_text):
    config = load_text(
        FILE
        + f"""\
locations:
  L1: {{name: Acme Solar, account: Birch & Co, campaign: Roof repair, default_region: de}}
  "0123": {{campaign_id: {SOLAR}}}
  L3: {{}}
"""
    )

    assert config.rules.locations == {
        "L1": Location("Acme Solar", "Birch & Co", ROOF, "DE"),
        "0123": Location(campaign_id=SOLAR),
        "L3": Location(),
    }


@pytest.mark.parametrize("section", ["campaigns", "locations"])
def test_a_table_with_all_its_lines_commented_out_is_none(load_text, minimal, section):
    assert load_text(f"{minimal}{section}:\n  # a: b\n").rules.campaigns == {}


def test_anchors_have_a_place_and_merge(load_text, minimal):
    config = load_text(
        minimal
        + """\
x-tags: &west [west, "{{ contact.state }}"]
x-nothing:
x-route: &base {kind: call, move: true, add_tags: *west}
x-lead:
  fields: &fields {a: "1", b: "2"}
routes:
  - {<<: *base, name: one, when: "1 > 2"}
  - <<: [{move: false}, *base]
    name: two
    lead: {custom_fields: {<<: *fields, b: "3"}}
"""
    )

    one, two = config.rules.routes
    assert (one.name, one.kind, one.move) == ("one", "call", True)
    assert (two.name, two.kind, two.move) == ("two", "call", False)
    assert [rule.text for rule in one.lead.tags[-2:]] == ["west", "{{ contact.state }}"]
    assert {key: rules[0].text for key, rules in two.lead.custom_fields} == {"a": "1", "b": "3"}


def test_a_mistake_in_an_anchor_is_told_where_it_is_used(problems_of, minimal):
    found = problems_of(minimal + "x-route: &base\n  kinds: call\nroutes:\n  - <<: *base\n    name: one\n")

    assert [(each.path, each.line, each.fix) for each in found] == [
        ("routes[0].kinds", 7, "did you mean `kind`?")
    ]


@pytest.mark.parametrize("text", ["x-a: 1", "'x-': {}", "x-a: {b: [1, {c: d}]}", "x-solar: *no", "X-a: 1"])
def test_only_these_keys_are_the_users(load_text, problems_of, minimal, text):
    if text in ("X-a: 1", "x-solar: *no"):
        assert len(problems_of(f"{minimal}{text}\n")) == 1
    else:
        load_text(f"{minimal}{text}\n")
