"""The lead map belongs to a Fusion: what is put aside with it, what comes back, and what the outbox keeps."""

import tempfile
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.outbox.facts import DO_NOT_CALL, NEW, UPDATE, OwnTags, Put
from bridge.outbox.outcome import Unreachable
from bridge.store import adopting, claiming, origins, recovering, resolving
from bridge.store.adopting import Progress
from bridge.store.origins import Aside, origin_of
from tests.stocked import BUDGET, CAMPAIGN, Stock

ANN, BOB, CAM = "+12025550101", "+12025550102", "+12025550103"
SANDBOX, REAL = "http://127.0.0.1:8081", "https://app.fusioncalling.com"


def bind(stock, fusion, *accounts):
    with adopting.writing(stock.connection) as connection:
        return origins.bind(connection, accounts or ("main", "east"), fusion, OwnTags(), time.time())


def moved(stock, fusion, account="main"):
    return next(each for each in bind(stock, fusion) if each.account == account)


def known(stock):
    return [row["phone"] for row in stock.rows("SELECT phone FROM lead_map ORDER BY phone")]


def outbox(stock):
    return stock.rows("SELECT * FROM outbox ORDER BY id")


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://app.fusioncalling.com", "https://app.fusioncalling.com"),
        ("https://app.fusioncalling.com/", "https://app.fusioncalling.com"),
        ("https://app.fusioncalling.com:443", "https://app.fusioncalling.com"),
        ("HTTPS://App.FusionCalling.com", "https://app.fusioncalling.com"),
        ("https://app.fusioncalling.com:8443", "https://app.fusioncalling.com:8443"),
        ("http://127.0.0.1:8081", "http://127.0.0.1:8081"),
        ("http://localhost:80", "http://localhost"),
        ("http://localhost", "http://localhost"),
        ("http://localhost:443", "http://localhost:443"),
        ("http://[::1]:8081", "http://[::1]:8081"),
        ("http://[::1]", "http://[::1]"),
    ],
)
def test_an_origin_is_scheme_host_and_port(url, origin):
    assert origin_of(url) == origin


def test_a_database_from_before_is_bound_silently(stock):
    stock.deliver("ann", ANN)
    assert bind(stock, SANDBOX) == []
    assert bind(stock, SANDBOX) == []
    assert known(stock) == [ANN]


def test_leads_of_the_old_fusion_are_put_aside_and_come_back(stock):
    stock.deliver("ann", ANN)
    stock.deliver("bob", BOB, account="east", campaign=CAMPAIGN)
    bind(stock, SANDBOX)
    before = stock.rows("SELECT * FROM lead_map")
    with adopting.writing(stock.connection) as connection:
        adopting.write_progress(connection, "main", "", Progress(4, 300, None))

    there = moved(stock, REAL)
    assert (there.before, there.now, there.put_aside, there.back) == (SANDBOX, REAL, 1, 0)
    assert known(stock) == []
    assert adopting.progress(stock.connection, "main", "") == Progress()
    assert origins.bound(stock.connection)["main"].aside == (Aside(SANDBOX, 1),)

    stock.deliver("cam", CAM)
    back = moved(stock, SANDBOX)
    assert (back.put_aside, back.back) == (1, 1)
    assert stock.rows("SELECT * FROM lead_map") == before
    assert adopting.progress(stock.connection, "main", "") == Progress(4, 300, None)
    assert origins.bound(stock.connection)["main"].aside == (Aside(REAL, 1),)


def test_only_the_accounts_of_the_configuration_move(stock):
    stock.deliver("ann", ANN)
    stock.deliver("bob", BOB, account="east")
    bind(stock, SANDBOX)
    bind(stock, REAL, "main")
    assert known(stock) == [BOB]
    bind(stock, REAL)
    assert known(stock) == []


def test_a_change_that_waits_becomes_a_whole_creation(stock):
    stock.deliver("ann", ANN)
    bind(stock, SANDBOX)
    event = stock.accept("ann", ago=20)
    put = Put("main", "", ANN, "call", {"phone": ANN, "name": "Ann Ray", "email": None}, UPDATE)
    with adopting.writing(stock.connection) as connection:
        connection.execute("UPDATE events SET state = 'queued' WHERE id = ?", (event,))
        resolving.write_put(connection, put, event, time.time())
    bind(stock, REAL)

    (claimed,) = claiming.claim(stock.connection, "main", budget=BUDGET, room=1, now=time.time()).claimed
    assert claimed.request.plan == "create"
    assert claimed.request.leads == (
        {"phone": ANN, "name": "Ann Ray", "tags": ["solar"], "custom_fields": {"bill": 90}},
    )
    assert claimed.rows[0].priority == NEW


def test_what_was_tried_or_in_doubt_is_forgotten(stock):
    stock.queue("ann", ANN)
    bind(stock, SANDBOX)
    stock.send(Unreachable("no answer", uncertain=True), status=None)
    assert outbox(stock)[0]["uncertain_at"]
    bind(stock, REAL)
    (row,) = outbox(stock)
    assert (row["uncertain_at"], row["unanswered"], row["last_error"], row["look_up"]) == (None, 0, "", 0)
    assert row["due_at"] <= time.time()
    assert stock.rows("SELECT * FROM lanes") == []


def test_what_one_fusion_refused_another_may_take(stock):
    stock.deliver("ann", ANN)
    bind(stock, SANDBOX)
    stock.connection.execute("""UPDATE lead_map SET refused = '["tags"]' WHERE phone = ?""", (ANN,))
    stock.queue("bob", BOB)
    stock.connection.execute("""UPDATE outbox SET left_out = '["email"]'""")
    bind(stock, REAL)
    assert [row["left_out"] for row in outbox(stock)] == ["[]"]
    bind(stock, SANDBOX)
    assert [row["refused"] for row in stock.rows("SELECT refused FROM lead_map")] == ['["tags"]']


def test_a_tag_for_a_lead_that_is_only_there_ends_visibly(stock):
    stock.deliver("ann", ANN)
    bind(stock, SANDBOX)
    event = block(stock, "ann", ANN)
    assert moved(stock, REAL).dropped == 1
    assert outbox(stock) == []
    found = stock.rows("SELECT state, reason FROM events WHERE id = ?", event)[0]
    assert found == {"state": "skipped", "reason": "do not call"}


def block(stock, contact, phone):
    """They opted out: their contact is blocked, and the lead's tag waits."""
    event = stock.accept(contact, ago=20)
    put = Put("main", "", phone, None, {"phone": phone, "tags": ["do-not-call"]}, DO_NOT_CALL, "do not call")
    with adopting.writing(stock.connection) as connection:
        connection.execute("UPDATE events SET state = 'queued', phone = ? WHERE id = ?", (phone, event))
        connection.execute(
            "UPDATE contact_map SET blocked = 1, event_id = ? WHERE contact_id = ?", (event, contact)
        )
        resolving.write_put(connection, put, event, time.time())
    return event


def test_who_opted_out_meanwhile_is_tagged_where_their_lead_comes_back(stock):
    stock.deliver("ann", ANN)
    stock.deliver("bob", BOB)
    bind(stock, SANDBOX)
    bind(stock, REAL)
    event = stock.accept("ann", ago=20)
    with adopting.writing(stock.connection) as connection:
        connection.execute(
            "UPDATE events SET state = 'skipped', reason = 'do not call', settled_at = 1 WHERE id = ?",
            (event,),
        )
        connection.execute(
            "UPDATE contact_map SET blocked = 1, event_id = ? WHERE contact_id = 'ann'", (event,)
        )
    bind(stock, SANDBOX)
    (row,) = outbox(stock)
    assert (row["phone"], row["priority"], row["only_existing"]) == (ANN, DO_NOT_CALL, "do not call")
    assert row["body"] == '{"phone": "+12025550101", "tags": ["do-not-call", "solar"]}'
    assert stock.state(event) == "queued"


def test_what_a_killed_service_left_under_way_is_found_by_the_next_start(stock):
    """`bridge adopt` may bind before a service is started again."""
    stock.queue("ann", ANN)
    bind(stock, SANDBOX)
    claiming.claim(stock.connection, "main", budget=BUDGET, room=1, now=time.time())
    bind(stock, REAL)
    assert outbox(stock)[0]["sent_version"] == 1
    with adopting.writing(stock.connection) as connection:
        assert recovering.recover(connection, time.time()) == 1
    assert outbox(stock)[0]["sent_version"] is None


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from("dqb"),
            st.integers(0, 3),
            st.sampled_from([SANDBOX, REAL, "https://c.example.com"]),
        ),
        max_size=14,
    )
)
def test_every_fusion_finds_its_own_leads_again(steps):
    """Whatever is delivered, waits or is bound: a lead is known where it was delivered, and nowhere else."""
    with tempfile.TemporaryDirectory() as folder:
        stock = Stock(Path(folder))
        try:
            bind(stock, SANDBOX)
            here, has = SANDBOX, {}
            for step, person, fusion in steps:
                phone = f"+1202555010{person}"
                if step == "d" and not outbox(stock):
                    stock.deliver(f"c{person}", phone, name=f"Ann {person}{fusion[-3:]}")
                    has.setdefault(here, set()).add(phone)
                elif step == "q":
                    stock.queue(f"c{person}", phone, ago=1)
                elif step == "b":
                    bind(stock, fusion)
                    here = fusion
                assert set(known(stock)) == has.get(here, set())
                aside = stock.rows("SELECT fusion, phone FROM lead_map_elsewhere")
                put_aside = {(each, phone) for each, those in has.items() if each != here for phone in those}
                assert {(row["fusion"], row["phone"]) for row in aside} == put_aside
                assert all(row["only_existing"] == "" for row in outbox(stock))
            assert stock.rows("PRAGMA foreign_key_check") == []
            states = {row["state"] for row in stock.rows("SELECT state FROM events")}
            assert states <= {"queued", "delivered", "superseded"}
        finally:
            stock.connection.close()
