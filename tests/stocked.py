"""A database as a service leaves it, filled through the store's own functions, with its configuration."""

import time

import yaml
from typer.testing import CliRunner

from bridge.cli import app
from bridge.model import ContactKey, Incoming, Mapped
from bridge.outbox.budget import Budget
from bridge.outbox.facts import NEW, Decision, KnownContact, Put, Withdrawal
from bridge.outbox.lane import LaneState, after
from bridge.outbox.outcome import Delivered
from bridge.outbox.retry import Retry
from bridge.outbox.settle import Moment
from bridge.store import claiming, events, resolving, settling
from bridge.store.database import open_writer

BUDGET = Budget(1000, 60)
CAMPAIGN = "6f1c2a90-3f0e-4b7e-9c1d-2a6c1b0e7d55"


class Stock:
    """What happened, in a few words. Times are seconds ago; tell the oldest first, ids grow with time."""

    def __init__(self, folder):
        self.config = folder / "config.yaml"
        self.database = folder / "data" / "bridge.db"
        data = {
            "fusion": {"accounts": {"main": {"api_key": "key-1"}, "east": {"api_key": "key-2"}}},
            "sources": {"workflow": {"type": "ghl_workflow", "token": "token-1-of-the-tests-only"}},
        }
        self.config.write_text(yaml.safe_dump(data, sort_keys=False))
        self.connection = open_writer(self.database)
        self.lane = LaneState()

    def accept(self, contact="ann", *, source="workflow", ago=60.0, body=None, external_id=None):
        now = time.time() - ago
        key = ContactKey("ghl", "loc", contact)
        body = body or b'{"contact_id": "%s", "at": %f}' % (contact.encode(), now)
        incoming = Incoming("contact.updated", external_id=external_id, contact=key)
        event_id, _ = events.accept(
            self.connection, source, incoming, body=body, body_hash=body.hex(), now=now
        )
        return event_id

    def decide(self, event_id, decision, phone="", *, ago=50.0, **mapped):
        resolving.write_decision(
            self.connection, event_id, decision, Mapped(phone=phone, **mapped), time.time() - ago
        )

    def queue(self, contact, phone, name="Ann Lee", *, account="main", campaign="", blocked=False, ago=50.0):
        event_id = self.accept(contact, ago=ago)
        key = ContactKey("ghl", "loc", contact)
        known = KnownContact(key, phone=phone, event_id=event_id, blocked=blocked, account=account)
        body = {"phone": phone, "name": name, "tags": ["solar"], "custom_fields": {"bill": 90}}
        put = Put(account, campaign, phone, None, body, NEW)
        decision = Decision("queued", contact=known, puts=(put,))
        self.decide(event_id, decision, phone, ago=ago, route="solar", warnings=("tag cut",))
        return event_id

    def send(self, outcome=None, *, account="main", ago=40.0, status=201, error=""):
        """One request, and its outcome."""
        now = time.time() - ago
        (claimed,) = claiming.claim(self.connection, account, budget=BUDGET, room=1, now=now).claimed
        outcome = outcome or Delivered({row.phone: "lead-1" for row in claimed.rows})
        reached = status is not None or getattr(outcome, "uncertain", True)
        answered = settling.Answered(outcome, status, 12.3, "POST", "/leads", error, reached)
        before, self.lane = self.lane, after(self.lane, outcome, sent_at=now, now=now, jitter=1.0)
        moment = Moment(now, 1.0, before, self.lane)
        settling.settle(self.connection, claimed, answered, moment=moment, retry=Retry())

    def deliver(self, contact, phone, **more):
        event_id = self.queue(contact, phone, **more)
        self.send(account=more.get("account", "main"), ago=more.get("ago", 50.0))
        return event_id

    def skip(self, contact="bob", reason="no phone", **more):
        event_id = self.accept(contact, **more)
        self.decide(event_id, Decision("skipped", reason))
        return event_id

    def opt_out(self, contact, phone, **more):
        """What waits for the phone is withdrawn."""
        event_id = self.accept(contact, **more)
        decision = Decision("skipped", "do not call", withdrawals=(Withdrawal("main", "", phone),))
        self.decide(event_id, decision, phone)
        return event_id

    def break_config(self, text="retyr: {}\nroutes: [{campaign_id: nope}]\n"):
        """Two mistakes, while the service goes on with what it read before."""
        self.config.write_text(self.config.read_text() + text)

    def die(self, contact="carl", reason="no such phone", fix="correct it", **more):
        event_id = self.accept(contact, **more)
        events.kill(self.connection, event_id, reason, fix, time.time() - 5)
        return event_id

    def state(self, event_id):
        return self.connection.execute("SELECT state FROM events WHERE id = ?", (event_id,)).fetchone()[0]

    def rows(self, sql, *values):
        return [dict(row) for row in self.connection.execute(sql, values)]

    def bridge(self, *args, columns=0, yes=True):
        """Run a command; one that destroys something with --yes, unless the test is about its question."""
        if yes and args[0] in ("forget", "prune") and not {"--dry-run", "--help"} & set(args):
            args = (*args, "--yes")
        env = {"COLUMNS": str(columns) if columns else ""}
        return CliRunner().invoke(app, [args[0], "-c", str(self.config), *map(str, args[1:])], env=env)


def plans(connection, ask):
    """How SQLite goes about everything that `ask` asks, in its own words."""
    asked = []
    connection.set_trace_callback(asked.append)
    ask(connection)
    connection.set_trace_callback(None)
    explained = [connection.execute(f"EXPLAIN QUERY PLAN {each}") for each in asked if "SELECT" in each]
    return [row["detail"] for rows in explained for row in rows]
