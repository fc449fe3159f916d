"""The metrics of `GET /metrics`: what happened since the start is counted here, what is, read when asked.

Counters and histograms belong to this process and begin at 0 with it; gauges are read from the database at
every scrape, so that they are true whoever wrote there. Each application has its own registry. Rule for
editors: labels are names of the configuration and words of the README, never a phone, an e-mail or a secret.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import cache

from prometheus_client import CollectorRegistry, Counter, Histogram, disable_created_metrics
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from bridge.config import Config
from bridge.errors import StoreError
from bridge.outbox.forecast import drain_s
from bridge.store.backlog import backlog, oldest
from bridge.store.database import open_reader
from bridge.store.resolving import LANE
from bridge.store.status import pause, used

# A second time series beside every counter, with the moment of its birth: nobody asks for it.
disable_created_metrics()  # type: ignore[no-untyped-call]  # the library's

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4

LEADS = (1, 2, 5, 10, 20, 50, 100)
SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 14_400)

# Why an account may pause; each is a series of its own, 0 or 1.
PAUSES = ("unreachable", "throttled", "unauthorized")


class Gauges(Collector):
    """What is now, as the database has it. A scrape reads it in a thread of its own."""

    def __init__(self, config: Callable[[], Config], clock: Callable[[], float]) -> None:
        self._config = config
        self._clock = clock

    def collect(self) -> Iterator[Metric]:
        """Raises StoreError when the database can't be read."""
        config = self._config()
        try:
            with closing(open_reader(config.database)) as connection:
                connection.execute("BEGIN")  # one moment for all
                yield from self._read(connection, config)
        except sqlite3.Error as error:
            fix = "check the disk, and who else holds the database"
            raise StoreError(f"can't read the database {config.database}: {error}", fix=fix) from error

    def _read(self, connection: sqlite3.Connection, config: Config) -> Iterator[Metric]:
        now, limit = self._clock(), config.fusion.leads_limit
        place = ("lane", "account")
        rows = GaugeMetricFamily("bridge_outbox_rows", "Leads that wait or are under way", labels=place)
        left = GaugeMetricFamily(
            "bridge_budget_remaining", "Requests left of the account's window", labels=place
        )
        drain = GaugeMetricFamily(
            "bridge_drain_seconds", "Estimated time to send what waits, within the limit", labels=place
        )
        paused = GaugeMetricFamily(
            "bridge_account_paused", "1 while the account doesn't send", labels=("account", "reason")
        )
        for account in config.fusion.accounts:
            owed = backlog(connection, account, now=now)
            free = max(0, limit.requests - used(connection, account, now=now, per_s=limit.per_s))
            rows.add_metric((LANE, account), owed.rows)
            left.add_metric((LANE, account), free)
            drain.add_metric(
                (LANE, account), drain_s(owed.requests, left=free, limit=limit.requests, per_s=limit.per_s)
            )
            why = pause(connection, account)
            for reason in PAUSES:
                holds = why is not None and why.reason == reason and why.holds(now)
                paused.add_metric((account, reason), float(holds))
        waits = oldest(connection)
        age = GaugeMetricFamily(
            "bridge_oldest_waiting_seconds", "How long the oldest waiting lead has waited", labels=("lane",)
        )
        age.add_metric((LANE,), max(0.0, now - waits.since) if waits else 0.0)
        yield from (rows, left, drain, paused, age)


class Metrics:
    """What happened in this process; each method takes microseconds, and may be called by any thread."""

    def __init__(self, gauges: Collector | None = None) -> None:
        self._registry = CollectorRegistry()
        events = Counter(
            "bridge_events",
            "Events that came into this state",
            ("source", "state"),
            registry=self._registry,
        )
        requests = Counter(
            "bridge_requests",
            "Requests to Fusion by what they came to",
            ("lane", "account", "outcome"),
            registry=self._registry,
        )
        refused = Counter(
            "bridge_refused",
            "Requests to the webhook routes that are no event",
            ("source", "outcome"),
            registry=self._registry,
        )
        self._leads = Histogram(
            "bridge_leads_per_request",
            "Leads in one POST or PATCH",
            buckets=LEADS,
            registry=self._registry,
        )
        self._speed = Histogram(
            "bridge_speed_to_lead_seconds",
            "From accepting an event to its delivery",
            buckets=SECONDS,
            registry=self._registry,
        )
        # The library's own look-up takes longer than the counting.
        self._event = cache(events.labels)
        self._request = cache(requests.labels)
        self._refused = cache(refused.labels)
        if gauges is not None:
            self._registry.register(gauges)

    def accepted(self, source: str) -> None:
        """An event is on the disk."""
        self.settled(source, "received")

    def settled(self, source: str, state: str) -> None:
        """An event came into this state, queued or an end."""
        self._event(source, state).inc()

    def refused(self, source: str, outcome: str) -> None:
        """A request was refused or ignored. `source` is a name of the configuration, or ''."""
        self._refused(source, outcome).inc()

    def request(self, lane: str, account: str, outcome: str, leads: int) -> None:
        """A request came to its end. `leads` is how many it carried: 0 for a look-up, which carries none."""
        self._request(lane, account, outcome).inc()
        if leads:
            self._leads.observe(leads)

    def delivered(self, seconds: float) -> None:
        """An event was delivered so long after it was accepted."""
        self._speed.observe(seconds)

    def families(self) -> list[Metric]:
        """Everything at this moment. Raises StoreError when the database can't be read."""
        return list(self._registry.collect())

    def page(self) -> bytes:
        """What Prometheus reads. Takes milliseconds, in the database: not for the event loop.

        Raises:
            StoreError: the database can't be read.
        """
        return generate_latest(self._registry)
