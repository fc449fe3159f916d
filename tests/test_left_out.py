"""A field that a lead can do without never costs the lead: what Fusion refuses is left out, once."""

import asyncio

from tests.harness import running

TAGS = ["{{ contact.tags }}"]
ODD = ["New Lead!", "été"]
LEAD = {
    "name": "{{ contact.name }}",
    "phone": "{{ contact.phone }}",
    "email": "{{ contact.email }}",
    "tags": TAGS,
    "tags_as_is": True,
}


def person(n, **changes):
    phone = f"+1202555{n:04}"
    return {
        "contact_id": f"c{n}",
        "full_name": f"Person {n}",
        "phone": phone,
        "email": f"p{n}@example.com",
    } | changes


async def test_alone_it_is_repeated_without_and_the_event_says_so(tmp_path):
    async with running(tmp_path, rules="july", lead=LEAD) as bridge:
        event = await bridge.accept(**person(101, tags=ODD))
        await bridge.settled()

        assert bridge.event(event)["state"] == "delivered"
        assert "tags: left out, because Fusion refused it: " in bridge.event(event)["warnings"]
        (lead,) = bridge.fusion.leads
        assert (lead.phone, lead.email, lead.tags) == ("+12025550101", "p101@example.com", [])
        assert bridge.methods() == ["POST 400", "POST 201"]


async def test_what_was_refused_is_not_sent_again_until_it_changes(tmp_path):
    async with running(tmp_path, rules="july", lead=LEAD) as bridge:
        await bridge.accept(**person(101, tags=ODD))
        await bridge.settled()
        same = await bridge.accept(**person(101, tags=ODD, note="again"))
        await bridge.settled()
        assert bridge.fate(same) == "skipped: unchanged"

        await bridge.accept(**person(101, tags=ODD, full_name="Person Married"))
        await bridge.settled()
        assert bridge.methods() == ["POST 400", "POST 201", "PATCH 200"]

        await bridge.accept(**person(101, tags=["hot"], full_name="Person Married"))
        await bridge.settled()
        assert bridge.methods() == ["POST 400", "POST 201", "PATCH 200", "PATCH 200"]
        assert [lead.tags for lead in bridge.fusion.leads] == [["hot"]]


async def test_in_a_batch_the_others_lose_nothing(tmp_path):
    async with running(tmp_path, rules="july", lead=LEAD) as bridge:
        people = [person(n, tags=ODD if n == 103 else ["hot"]) for n in range(101, 106)]
        await asyncio.gather(*(bridge.accept(**each) for each in people))
        await bridge.settled()

        assert {lead.phone: lead.tags for lead in bridge.fusion.leads} == {
            f"+12025550{n}": ([] if n == 103 else ["hot"]) for n in range(101, 106)
        }
        assert {row["state"] for row in bridge.rows("SELECT state FROM events")} == {"delivered"}


async def test_the_tag_of_an_opt_out_is_never_left_out(tmp_path):
    async with running(tmp_path, rules="july", lead=LEAD, do_not_call={"tag": "do-not-call"}) as bridge:
        await bridge.accept(**person(101, tags=ODD))
        await bridge.settled()
        await bridge.accept(**person(101, tags=ODD, dnd=True))
        await bridge.settled()

        (lead,) = bridge.fusion.leads
        assert lead.tags == ["do-not-call"]
