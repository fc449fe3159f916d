"""A page of a campaign's leads, from what is asked to what is read."""

import json

import httpx2
import pytest

from bridge.fusion.client import Answer, FusionClient, Listing
from bridge.fusion.leads import LEADS_PATH
from bridge.fusion.listing import Page, read_page
from bridge.fusion.sandbox import Fault, create_sandbox, sandbox_transport
from bridge.outbox.outcome import (
    Delivered,
    Failed,
    Gone,
    Quota,
    Rejected,
    Throttled,
    Unauthorized,
    Unreachable,
)
from bridge.outbox.request import Request

NOW = 1_780_000_000.0
CAMPAIGN = "6f1c2a90-3f0e-4b7e-9c1d-2a6c1b0e7d55"
ANN = {"id": "lead-1", "name": "Ann", "phone": "+12025550101", "status": "pending"}


def read(data: object, status: int = 200):
    return read_page(status, {}, json.dumps({"success": True, "data": data}).encode(), now=NOW)


@pytest.mark.parametrize(
    ("data", "leads", "total"),
    [
        ({"campaign_name": "A", "page": 1, "total": 7, "leads": [ANN]}, (("+12025550101", "lead-1"),), 7),
        ([ANN], (("+12025550101", "lead-1"),), None),
        ({"leads": [], "total": 0}, (), 0),
        ([], (), None),
        ({"leads": [{"phone": "(202) 555-0102"}], "total": "7"}, (("+12025550102", ""),), None),
        (
            {"leads": [{"id": "x"}, {"id": "y", "phone": "?"}, None, 3, ANN], "total": True},
            (("+12025550101", "lead-1"),),
            None,
        ),
        ({"leads": [ANN, ANN], "total": -1}, (("+12025550101", "lead-1"),) * 2, None),
    ],
)
def test_read(data, leads, total):
    assert read(data) == (Delivered(), Quota(), Page(leads, total))


@pytest.mark.parametrize("data", [None, {}, "x", 3, ANN, {"lead": ANN}, {"leads": {}}])
def test_what_is_no_list(data):
    outcome, _, page = read(data)
    assert outcome == Failed("Fusion's answer can't be read")
    assert page == Page()


@pytest.mark.parametrize(
    ("status", "wanted"),
    [
        (302, Failed),
        (400, Rejected),
        (401, Unauthorized),
        (404, Gone),
        (405, Rejected),
        (429, Throttled),
        (500, Failed),
        (502, Unreachable),
    ],
)
def test_no_page(status, wanted):
    outcome, _, page = read([ANN], status)
    assert isinstance(outcome, wanted)
    assert not getattr(outcome, "uncertain", False)
    assert page == Page()


def test_a_web_page():
    outcome = read_page(200, {}, b"<html>", now=NOW)[0]
    assert isinstance(outcome, Unreachable)
    assert not outcome.uncertain


@pytest.mark.parametrize("rules", ["june", "july"])
async def test_over_the_sandbox(rules, clock):
    app = create_sandbox(rules=rules, clock=clock)
    client = FusionClient("http://fusion.test/", "key", transport=sandbox_transport(app), clock=clock)
    leads = [{"name": "No One", "phone": f"+120255501{n:02}"} for n in range(100)]
    await client.send(Request("create", CAMPAIGN, None, tuple(leads)))
    await client.send(Request("create", CAMPAIGN, None, ({"name": "No One", "phone": "+12125550100"},)))

    first, second, third = [await client.page(CAMPAIGN, number) for number in (1, 2, 3)]
    assert first.answer.outcome == Delivered()
    assert (first.answer.status, first.answer.method, first.answer.path) == (200, "GET", LEADS_PATH)
    assert first.answer.quota.remaining == 97
    assert first.answer.ms > 0
    ids = {lead.phone: lead.id for lead in app.state.sandbox.leads}
    assert dict([*first.leads, *second.leads]) == ids
    assert (len(first.leads), len(second.leads), third.leads) == (100, 1, ())
    assert first.total == second.total == 101
    assert (await client.page("", 1)).leads == ()

    app.state.sandbox.faults.add(Fault("reset_after"))
    broken = await client.page(CAMPAIGN, 1)
    assert isinstance(broken.answer.outcome, Unreachable)
    assert not broken.answer.outcome.uncertain
    await client.aclose()


async def test_a_page_too_large_is_not_uncertain():
    transport = httpx2.MockTransport(lambda _: httpx2.Response(200, content=b" " * (5 << 20)))
    client = FusionClient("http://fusion.test", "key", transport=transport)
    listing = await client.page("", 1)
    assert isinstance(listing, Listing)
    assert isinstance(listing.answer, Answer)
    assert listing.answer.outcome == Failed("Fusion's answer is larger than 4 MiB")
    await client.aclose()
