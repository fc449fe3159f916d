"""What Prometheus reads: counted in the process, or read from the database, and never who it is about."""

import time
from types import SimpleNamespace

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from bridge.app import create_app
from bridge.config import load
from bridge.errors import StoreError
from bridge.metrics import CONTENT_TYPE, Gauges, Metrics
from bridge.outbox.outcome import Throttled, Unauthorized, Unreachable
from bridge.web.metrics import metrics as route
from tests.harness import TOKEN, running, write_config
from tests.stocked import CAMPAIGN, Stock

ANN, BEN = "+12025550101", "+12025550102"


@pytest.fixture
def stock(tmp_path):
    stock = Stock(tmp_path)
    yield stock
    stock.connection.close()


def of(stock):
    return Metrics(Gauges(lambda: load(stock.config, {}), time.time))


def values(metrics):
    """Each series as Prometheus names it, with its value."""
    return {
        sample.name
        + "".join(f" {name}={value}" for name, value in sorted(sample.labels.items())): sample.value
        for family in metrics.families()
        for sample in family.samples
    }


def test_what_is_counted():
    metrics = Metrics()
    metrics.accepted("workflow")
    metrics.accepted("workflow")
    metrics.settled("workflow", "delivered")
    metrics.request("leads", "main", "delivered", 100)
    metrics.request("leads", "main", "delivered", 1)
    metrics.request("leads", "main", "gone", 0)  # a look-up
    metrics.delivered(0.3)

    found = values(metrics)

    assert found["bridge_events_total source=workflow state=received"] == 2
    assert found["bridge_events_total source=workflow state=delivered"] == 1
    assert found["bridge_requests_total account=main lane=leads outcome=delivered"] == 2
    assert found["bridge_requests_total account=main lane=leads outcome=gone"] == 1
    assert (found["bridge_leads_per_request_count"], found["bridge_leads_per_request_sum"]) == (2, 101)
    assert found["bridge_speed_to_lead_seconds_bucket le=0.25"] == 0
    assert found["bridge_speed_to_lead_seconds_bucket le=0.5"] == 1


def test_two_applications_count_apart():
    one, other = Metrics(), Metrics()
    one.accepted("workflow")

    assert "bridge_events_total source=workflow state=received" not in values(other)


def test_an_idle_bridge(stock):
    found = values(of(stock))

    assert found["bridge_outbox_rows account=main lane=leads"] == 0
    assert found["bridge_budget_remaining account=east lane=leads"] == 100
    assert found["bridge_drain_seconds account=main lane=leads"] == 0
    assert found["bridge_oldest_waiting_seconds lane=leads"] == 0
    assert {
        name for name, value in found.items() if name.startswith("bridge_account_paused") and value
    } == set()


def test_a_busy_one(stock):
    stock.deliver("ann", ANN, ago=30)
    stock.deliver("ben", BEN, ago=100)
    for number in range(3):
        stock.queue(f"c{number}", f"+1202555011{number}", ago=20)
    stock.queue("eve", "+12025550120", campaign=CAMPAIGN, ago=10)
    stock.config.write_text(
        stock.config.read_text().replace("fusion:", "fusion:\n  leads_limit: {requests: 2, per: 60s}", 1)
    )

    found = values(of(stock))

    assert found["bridge_outbox_rows account=main lane=leads"] == 4
    assert found["bridge_outbox_rows account=east lane=leads"] == 0
    assert found["bridge_budget_remaining account=main lane=leads"] == 1
    assert found["bridge_drain_seconds account=main lane=leads"] == 30  # two requests, and one is left
    assert found["bridge_oldest_waiting_seconds lane=leads"] == pytest.approx(20, abs=5)


@pytest.mark.parametrize(
    ("outcome", "ago", "reasons"),
    [
        (Unreachable("nobody there"), 1000, {"unreachable"}),
        (Unauthorized("Invalid API key"), 1000, {"unauthorized"}),
        (Throttled(30.0), 10, {"throttled"}),
        (Throttled(30.0), 40, set()),
    ],
)
def test_why_an_account_pauses(stock, outcome, ago, reasons):
    stock.queue("ann", ANN, ago=2000)
    stock.send(outcome, status=None, ago=ago)

    found = values(of(stock))

    for reason in ("unreachable", "unauthorized", "throttled"):
        assert found[f"bridge_account_paused account=main reason={reason}"] == (reason in reasons)
        assert found[f"bridge_account_paused account=east reason={reason}"] == 0


def test_nobody_is_in_it(stock):
    stock.queue("ann", ANN)
    stock.send(Unauthorized("Invalid API key key-1"), status=401)

    page = of(stock).page().decode()

    for secret in (ANN, ANN[1:], "Ann", "key-1", "token-1-of-the-tests-only", "Invalid"):
        assert secret not in page


async def answer(metrics, method="GET", **headers):
    app = Starlette(routes=[Route("/metrics", route)])
    app.state.surface = SimpleNamespace(metrics=metrics)
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://bridge") as http:
        return await http.request(method, "/metrics", headers=headers)


@pytest.mark.parametrize("accept", ["*/*", "application/json", "text/plain;version=9;q=0.5", "", "\t,;="])
async def test_whatever_is_asked_for_the_page_is_text(stock, accept):
    got = await answer(of(stock), accept=accept)

    assert (got.status_code, got.headers["content-type"]) == (200, CONTENT_TYPE)
    assert "# TYPE bridge_events_total counter\n" in got.text
    assert 'bridge_outbox_rows{account="main",lane="leads"} 0.0\n' in got.text


async def test_head_and_other_methods(stock):
    assert (await answer(of(stock), "HEAD")).status_code == 200
    assert (await answer(of(stock), "POST")).status_code == 405


async def test_without_a_database(stock):
    metrics = of(stock)
    stock.connection.close()
    stock.database.unlink()

    got = await answer(metrics)

    assert got.status_code == 503
    assert "no database" in got.json()["reason"]
    with pytest.raises(StoreError):
        metrics.page()


async def test_with_a_broken_database(stock):
    stock.connection.execute("DROP TABLE lanes")

    assert (await answer(of(stock))).status_code == 503


def test_a_scrape_leaves_no_transaction_open(stock):
    metrics = of(stock)
    for _ in range(3):
        metrics.page()
        stock.accept()

    busy, _, _ = stock.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    assert not busy


async def test_an_accepted_webhook_is_counted_once(tmp_path):
    app = create_app(load(write_config(tmp_path), environ={}))
    async with app.router.lifespan_context(app):
        transport = httpx2.ASGITransport(app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://bridge") as http:
            for _ in range(2):  # the second is a duplicate
                await http.post(f"/webhooks/workflow/{TOKEN}", json={"contact_id": "ann"})
        found = values(app.state.surface.metrics)

    assert found["bridge_events_total source=workflow state=received"] == 1


async def test_the_whole_way_of_a_lead_is_counted(tmp_path):
    async with running(tmp_path) as bridge:
        await bridge.accept(phone=ANN)
        await bridge.settled()
        event = await bridge.accept(contact_id="bob")  # no phone
        await bridge.settled()
        page = (await bridge.http.get("/metrics")).text

    assert bridge.fate(event) == "skipped: no phone"
    for line in (
        'bridge_events_total{source="workflow",state="received"} 2.0',
        'bridge_events_total{source="workflow",state="queued"} 1.0',
        'bridge_events_total{source="workflow",state="delivered"} 1.0',
        'bridge_events_total{source="workflow",state="skipped"} 1.0',
        'bridge_requests_total{account="main",lane="leads",outcome="delivered"} 1.0',
        "bridge_leads_per_request_sum 1.0",
        "bridge_speed_to_lead_seconds_count 1.0",
        'bridge_outbox_rows{account="main",lane="leads"} 0.0',
    ):
        assert line in page


async def test_after_a_reload_that_names_another_database_they_are_of_the_one_at_work(tmp_path):
    async with running(tmp_path) as bridge:
        write_config(tmp_path, database="elsewhere/bridge.db")
        bridge.service.reload()
        assert (await bridge.http.get("/metrics")).status_code == 200
