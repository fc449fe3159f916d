"""Bodies: what is sent, what it leaves behind, what counts as a change."""

from hypothesis import given
from hypothesis import strategies as st

from bridge.model import Lead
from bridge.outbox.body import body_of, changes, cleared, merge, settled, still_doubtful, tagged

PHONE = "+12025550101"
texts = st.one_of(st.none(), st.sampled_from(["a", "b"]))
bodies = st.fixed_dictionaries(
    {},
    optional={
        "name": st.sampled_from(["Ann", "Bob"]),
        "email": texts,
        "tags": st.lists(st.sampled_from(["x", "y"]), max_size=2),
        "custom_fields": st.dictionaries(st.sampled_from(["k", "l"]), st.integers(0, 2), min_size=1),
    },
)


def deliver(fusion, body):
    """What Fusion does with a PATCH: absent stays, null and [] clear, custom fields are merged."""
    after = {**fusion, **{name: value for name, value in body.items() if name != "custom_fields"}}
    custom = {**fusion.get("custom_fields", {}), **body.get("custom_fields", {})}
    after["custom_fields"] = custom
    return {name: value for name, value in after.items() if value not in (None, [], {})}


def test_only_what_is_said_is_sent():
    assert body_of(Lead(PHONE, "Ann")) == {"phone": PHONE, "name": "Ann"}
    full = Lead(PHONE, "Ann", "ann@example.com", "Acme", ("a",), {"n": 0, "off": False})
    assert body_of(full)["custom_fields"] == {"n": 0, "off": False}


@given(bodies, bodies, bodies)
def test_one_merged_body_leaves_the_same_lead_as_both_in_turn(fusion, older, newer):
    start = deliver({}, fusion)
    assert deliver(start, merge(older, newer)) == deliver(deliver(start, older), newer)


@given(bodies, bodies)
def test_a_body_that_changes_nothing_is_seen(known, wanted):
    start = settled(known)
    assert changes(start, wanted) == (deliver(start, wanted) != deliver(start, {}))


def test_an_unknown_lead_always_changes():
    assert changes(None, {"phone": PHONE})


@given(bodies, bodies, bodies, bodies, st.booleans())
def test_what_a_lost_update_left_behind_is_seen(first, lost, between, wanted, carried_out):
    """Whether the lost one was carried out or not, a body that changes the lead is never left out."""
    known, lead = settled(first), deliver({}, first)
    lead = deliver(lead, lost) if carried_out else lead
    doubtful = still_doubtful(lost, known, between)
    known, lead = settled(merge(known, between)), deliver(lead, between)
    if deliver(lead, wanted) != lead:
        assert changes(known, wanted, doubtful)


def test_what_may_be_there_is_cleared_like_what_is():
    ours = frozenset({"ours"})
    lead, before = {"phone": PHONE}, {"tags": ["a"]}
    assert cleared(lead, before, {"tags", "email"}, clear_emptied=False, own_tags=ours) == {
        "phone": PHONE, "tags": ["a"]
    }  # fmt: skip
    assert cleared(lead, before, {"tags", "email"}, clear_emptied=True, own_tags=ours) == {
        "phone": PHONE, "email": None, "tags": []
    }  # fmt: skip


def test_our_tag_stands_first_so_that_no_limit_cuts_it_off():
    before = {"tags": [f"t{n}" for n in range(20)]}
    assert tagged(before, PHONE, "do-not-call")["tags"] == ["do-not-call", *before["tags"][:19]]
    assert tagged({"tags": ["a", "ours"]}, PHONE, "ours")["tags"] == ["ours", "a"]
