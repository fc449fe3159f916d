"""Where leads go: names, UUIDs, locations, expressions → account and campaign, or an error with the names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.model import Contact, Destination, Reading
from bridge.rules.destination import campaign_id, known_name, places
from bridge.rules.mapping import Location, apply, compile_rules

SOLAR, ROOF = "11111111-2222-4333-8444-555555555555", "66666666-7777-4888-8999-aaaaaaaaaaaa"
OTHER = "bbbbbbbb-2222-4333-8444-cccccccccccc"
CAMPAIGNS = {"solar": SOLAR, "Roof repair": ROOF}
LOCATIONS = {
    "oak": Location("Oak Fitness", "birch", ROOF, "DE"),
    "elm": Location(campaign_id=SOLAR),
    "ash": Location(account="birch"),
}


def rules_of(*routes, lead=None):
    rules, problems = compile_rules(
        lead,
        routes,
        "contact.do_not_call",
        default_account="main",
        accounts=("main", "birch"),
        campaigns=CAMPAIGNS,
        locations=LOCATIONS,
    )
    assert problems == ()
    return rules


def mapped(*routes, location="", data=None, phone="+14155550101", country="", regions=("", "US"), lead=None):
    contact = Contact(name="Ann Lee", phone=phone, country=country, tags=("vip",))
    reading = Reading(contact, location_id=location, location_name="as told", data=data or {})
    return apply(rules_of(*routes, lead=lead), reading, regions=regions)


# The route, the event's location and custom data → where the lead goes.
GOES = [
    ({}, "", {}, "main", ""),
    ({}, "unknown", {}, "main", ""),
    ({}, "oak", {}, "birch", ROOF),
    ({}, "elm", {}, "main", SOLAR),
    ({}, "ash", {}, "birch", ""),
    ({"account": "main"}, "oak", {}, "main", ""),  # oak's campaign is in birch
    ({"account": "birch"}, "oak", {}, "birch", ROOF),
    ({"account": "main"}, "elm", {}, "main", SOLAR),
    ({"account": "birch"}, "elm", {}, "birch", ""),
    ({"campaign": "solar"}, "oak", {}, "birch", SOLAR),
    ({"campaign_id": OTHER}, "oak", {}, "birch", OTHER),
    ({"campaign": "{{ data.campaign }}"}, "", {"campaign": "solar"}, "main", SOLAR),
    ({"campaign": "{{ data.campaign }}"}, "oak", {"campaign": " ROOF REPAIR "}, "birch", ROOF),
    ({"campaign": "{{ data.campaign }}"}, "", {"campaign": ["solar", "x"]}, "main", SOLAR),
    ({"campaign_id": "{{ data.campaign }}"}, "", {"campaign": OTHER.upper()}, "main", OTHER),
    ({"campaign": "{{ data.campaign or 'solar' }}"}, "", {}, "main", SOLAR),
    ({"campaign": "{{ data.what }} repair"}, "", {"what": "roof"}, "main", ROOF),
    ({"account": "{{ data.client }}"}, "elm", {"client": "Birch"}, "birch", ""),
    ({"account": "{{ 'birch' if location.id == 'elm' else 'main' }}"}, "elm", {}, "birch", ""),
    ({"account": "{{ data.client }}", "campaign": "{{ data.campaign }}"}, "oak",
     {"client": "main", "campaign": "solar"}, "main", SOLAR),
]  # fmt: skip


@pytest.mark.parametrize(("route", "location", "data", "account", "campaign"), GOES)
def test_where_it_goes(route, location, data, account, campaign):
    result = mapped(route, location=location, data=data)

    assert result.error == ""
    assert result.destination == Destination(account, campaign)


# What a rule for the campaign or the account gives → the words of the event that is dead.
NOWHERE = [
    ("campaign", "{{ data.x }}", "solr", "'solr' is no known campaign; known: solar, Roof repair"),
    ("campaign", "{{ data.x }}", "", "gave nothing where a campaign is wanted; known: solar, Roof repair"),
    ("campaign", "{{ data.y }}", "", "gave nothing where a campaign is wanted; known: solar, Roof repair"),
    ("campaign", "{{ data.x }}", [], "gave nothing where a campaign is wanted; known: solar, Roof repair"),
    ("campaign", "{{ data.x }}", "1-2-3", "'1-2-3' is no known campaign; known: solar, Roof repair"),
    ("campaign_id", "{{ data.x }}", "no", "'no' is no known campaign; known: solar, Roof repair"),
    ("campaign", "c-{{ data.x }}", "solar", "'c-solar' is no known campaign; known: solar, Roof repair"),
    ("campaign", "{{ data.x }}", "y" * 500, f"'{'y' * 60}…' is no known campaign; known: solar, Roof repair"),
    ("account", "{{ data.x }}", "mian", "'mian' is no known account; known: main, birch"),
    ("account", "{{ data.x }}", None, "gave nothing where an account is wanted; known: main, birch"),
    ("account", "{{ data.x }}", 7, "'7' is no known account; known: main, birch"),
    ("account", "{{ data.x }}", SOLAR, f"'{SOLAR}' is no known account; known: main, birch"),
]  # fmt: skip


@pytest.mark.parametrize(("key", "text", "value", "words"), NOWHERE)
def test_a_value_that_names_nothing_known_is_an_error(key, text, value, words):
    result = mapped({key: text}, data={"x": value}, location="oak")

    assert result.lead is None
    assert result.error == f"routes[0].{key}: {words}"
    assert result.fix.endswith("then replay the event")


def test_an_expression_that_fails_is_an_error_with_its_place():
    result = mapped({"campaign": "{{ data.x / 0 }}"}, data={"x": 1})

    assert result.error.startswith("routes[0].campaign: ")


def test_the_fix_for_nothing_works():
    fix = mapped({"campaign": "{{ data.x }}"}).fix
    assert "{{ … or 'solar' }}" in fix

    assert mapped({"campaign": "{{ data.x or 'solar' }}"}).destination == Destination("main", SOLAR)


# Country, location and the source's region → the number as it is read.
REGIONS = [
    ("", "oak", ("FR", "US"), "+49142685300"),
    ("", "oak", ("", "US"), "+49142685300"),
    ("", "elm", ("FR", "US"), "+33142685300"),
    ("", "", ("FR", "US"), "+33142685300"),
    ("FR", "oak", ("", "US"), "+33142685300"),
]


@pytest.mark.parametrize(("country", "location", "regions", "number"), REGIONS)
def test_the_locations_region_is_between_the_contacts_country_and_the_sources(
    country, location, regions, number
):
    result = mapped({}, location=location, phone="01 42 68 53 00", country=country, regions=regions)

    assert result.phone == number


@pytest.mark.parametrize(("location", "name"), [("oak", "Oak Fitness"), ("elm", "as told"), ("", "as told")])
def test_the_locations_name_is_the_tables(location, name):
    assert mapped({}, location=location, lead={"company": "{{ location.name }}"}).lead.company == name


# lead.tags, the route's lead.tags and add_tags → the lead's tags.
TAGS = [
    ("a", None, "b", ("a", "b")),
    (["{{ contact.tags }}", "a"], None, ["b", "c"], ("vip", "a", "b", "c")),
    ("a", "r", ["b"], ("r", "b")),
    ("a", [], ["b"], ("b",)),
    ("a", None, "a", ("a",)),
    ("a", None, "{{ contact.tags }}", ("a", "vip")),
    ("a", None, ["{{ location.id }}"], ("a", "oak")),
    ("a", None, ["{{ data.none }}"], ("a",)),
    ("a", None, "New Lead!", ("a", "New-Lead")),
    (None, None, "b", ("b",)),
    ("a", None, [], ("a",)),
]


@pytest.mark.parametrize(("base", "own", "added", "tags"), TAGS)
def test_tags_are_added_beside_those_of_lead(base, own, added, tags):
    route = {"add_tags": added} | ({} if own is None else {"lead": {"tags": own}})

    assert mapped(route, lead={"tags": base}, location="oak").lead.tags == tags


def test_the_next_route_has_its_own_tags():
    rules = rules_of({"when": "false", "add_tags": "b"}, {}, lead={"tags": "a"})

    assert [len(route.lead.tags) for route in rules.routes] == [2, 1]


@pytest.mark.parametrize(
    ("routes", "reached"),
    [
        ([], {"main": ("", SOLAR), "birch": ("", ROOF)}),
        ([{"campaign": "solar"}, {"account": "main"}], {"main": ("", SOLAR), "birch": (SOLAR,)}),
        ([{"campaign": "solar"}], {"main": (SOLAR,), "birch": (SOLAR,)}),
        ([{"account": "main"}], {"main": ("", SOLAR)}),
        ([{"account": "birch", "campaign_id": OTHER}], {"birch": (OTHER,)}),
        ([{"skip": "no", "campaign": "solar"}, {"account": "main", "campaign_id": OTHER}],
         {"main": (OTHER,)}),
        ([{"account": "main", "campaign": "{{ data.x }}"}], {"main": (SOLAR, ROOF)}),
        ([{"account": "{{ data.x }}", "campaign": "solar"}], {"main": (SOLAR,), "birch": (SOLAR,)}),
    ],
)  # fmt: skip
def test_every_place_that_can_be_reached(routes, reached):
    found = {(place.account, place.campaign_id) for place in places(rules_of(*routes))}

    assert found == {(account, campaign) for account, campaigns in reached.items() for campaign in campaigns}


@given(st.sampled_from([*CAMPAIGNS, SOLAR, ROOF]), st.sampled_from(["", " ", "\t"]), st.booleans())
def test_case_and_blanks_change_no_name(name, blank, upper):
    said = f"{blank}{name.upper() if upper else name}{blank}"

    assert campaign_id(said, CAMPAIGNS) == campaign_id(name, CAMPAIGNS)


@given(st.text(max_size=40))
def test_a_name_that_is_found_is_a_known_one(said):
    assert known_name(said, CAMPAIGNS) in ("", *CAMPAIGNS)
    assert campaign_id(said, {}) == "" or len(said.strip()) == 36


def test_the_exact_name_wins():
    assert known_name("Solar", ("solar", "Solar")) == "Solar"
