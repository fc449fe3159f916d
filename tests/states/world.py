"""A bridge that can be killed, a Fusion that can fail, and the model that is told of everything.

Every method does one thing that may happen to a bridge. Whether it went well, `judge` says.
"""

from bridge.fusion.sandbox import create_sandbox
from bridge.inbound.body import fingerprint, parse
from bridge.store import events
from tests.states.life import Life
from tests.states.model import READINGS, Model, Said
from tests.states.service import CAMPAIGNS, KEYS, LIMIT, PER_S
from tests.states.webhook import webhook
from tests.states.wire import Wire

FOREIGN_AGE_S = 10.0
QUIET_WITHIN_S = 900.0
SETTLED = "SELECT 1 FROM outbox WHERE phone = ? AND (sent_version OR doubt OR uncertain_at) IS NOT NULL"


class World(Life):
    """One bridge with its Fusion, from its first start to its end."""

    def __init__(self, rules, *, skew_s=0.0, reset_means="next"):
        super().__init__()
        app = create_sandbox(
            rules=rules,
            api_keys=KEYS,
            requests=LIMIT,
            per_s=PER_S,
            clock=self.clock,
            date_skew_s=skew_s,
            reset_means=reset_means,
        )
        self.rules = rules
        self.fusion = app.state.sandbox
        self.model = Model()
        self.wire = Wire(app, self.clock, self._blocked_now)
        self.account = self.wire.watch(KEYS, requests=LIMIT, per_s=PER_S)
        self.pending = {}  # event id → urgent
        self.foreign_ids = set()
        self._said = {}  # by the webhook's body
        self._forced = set()  # events that an operator sent back with --force
        self._number = 0
        self.start()

    # What the senders do.

    def body(self, contact, phone, *, dnd=None, deleted=False, ago_s=None, email="", no_tags=False, **how):
        """A webhook that wasn't sent yet: what it says, and its body."""
        self._number += 1
        readings = READINGS.get(phone, (phone,)) if phone else ()
        said = Said(
            self._number,
            contact,
            readings[0] if readings else "",
            dnd,
            deleted,
            email=email,
            no_tags=no_tags,
            timed=ago_s is not None,
            readings=readings,
        )
        how["spelt"] = phone
        return said, webhook(said, at=None if ago_s is None else self.clock() - ago_s, **how)

    def accept(self, said, body):
        self.run(self.accepting(said, body))

    def repeat(self, which):
        """Exactly what was sent before."""
        if self._said:
            body = list(self._said)[which % len(self._said)]
            self.accept(self._said[body], body)

    async def accepting(self, said, body):
        self._said[body] = said
        source, payload = self.config.sources["workflow"], parse(body)
        incoming = source.receive(payload)
        body_hash = fingerprint(payload) if incoming.external_id is None else ""
        now = self.clock()

        def write(connection):
            return events.accept(connection, "workflow", incoming, body=body, body_hash=body_hash, now=now)

        _, new = await self.service.writer.run(write)
        if new:
            self.service.signals.event_accepted()

    def replay(self, ids, *, force):
        self.run(self.replaying(ids, force=force))

    async def replaying(self, ids, *, force):
        waiting = {
            row["id"] for row in self.rows("SELECT id FROM events WHERE state IN ('received', 'queued')")
        }
        if force:
            self._forced |= {*ids} - waiting
        await self.service.writer.run(lambda connection: events.replay(connection, ids, force=force))
        self.resolved()

    # What others do at Fusion.

    def spend(self, requests):
        """Another tool with our key takes places, unseen."""
        if self.fusion.spend(None, requests):
            self.wire.spent_at.append(self.clock())

    def foreign(self, phone, team):
        """Somebody else creates a lead, some seconds ago: its age tells that it isn't ours.

        Not while a request with this phone is in doubt: a lead that appears just then can't be told apart.
        """
        campaign = CAMPAIGNS[team]
        if self.account.find(phone, campaign) or self.rows(SETTLED, phone):
            return
        fields = {"phone": phone, "name": "Foreign", **({"campaign_id": campaign} if campaign else {})}
        lead = self.account.create(fields, at=self.fusion.now() - FOREIGN_AGE_S)
        self.foreign_ids.add(lead.id)

    def heal(self):
        """Nothing goes wrong any more."""
        self.fusion.faults.clear()
        self.wire.slow_s = 0.0
        self.reload(key=KEYS[0])
        if not self.up:
            self.start()

    # What becomes of it.

    def resolved(self):
        """Tell the model of every event that took effect since it was asked last."""
        new = max(self.model.said, default=0)
        for row in self.rows("SELECT id, payload, urgent FROM events WHERE id > ?", new):
            self.model.said[row["id"]] = self._said[row["payload"]]
            self.pending[row["id"]] = row["urgent"]
        waiting = {
            row["id"]: row["urgent"]
            for row in self.rows("SELECT id, urgent FROM events WHERE state = 'received'")
        }
        self.pending = waiting | self.pending  # what is replayed waits again
        done = [event_id for event_id in self.pending if event_id not in waiting]
        for event_id in sorted(done, key=lambda each: (not self.pending[each], each)):
            (row,) = self.rows(
                "SELECT occurred_at, replayed_after > 0 AS replayed FROM events WHERE id = ?", event_id
            )
            again = bool(row["replayed"]) or event_id in self._forced
            self._forced.discard(event_id)
            self.model.resolve(event_id, row["occurred_at"], again=again)
            del self.pending[event_id]

    def _blocked_now(self, phone):
        self.resolved()
        return self.model.blocked(phone)

    def quiet(self):
        """Run until nothing waits. Returns what still does after a long time."""
        owed = "SELECT id, state FROM events WHERE state IN ('received', 'queued')"
        until = self.clock() + QUIET_WITHIN_S
        while self.rows(owed) or self.rows("SELECT 1 FROM outbox") or self.wire.tasks or self.fusion._late:
            if self.clock() > until:
                return [f"still waits: {row}" for row in self.rows(owed) + self.rows("SELECT * FROM outbox")]
            self.live(1.0)
        return []

    def dead(self):
        found = (row["id"] for row in self.rows("SELECT id FROM events WHERE state = 'dead' ORDER BY id"))
        return [event_id for event_id in found if event_id not in self.model.in_vain]
