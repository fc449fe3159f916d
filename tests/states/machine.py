"""The state machine: what may happen, in which proportion, and what must hold.

Its rules come from hypothesis in any order. Most of them do more than one thing, so that forty of them are
a hard life: what matters happens between a request's leaving and its settlement.
"""

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from bridge.fusion.sandbox import Fault
from tests.states import judge
from tests.states.model import AMERICAN, BELGIAN, DOUBTFUL, PHONES
from tests.states.service import KEYS, LIMITS, WRONG_KEY
from tests.states.troubles import faults, poison
from tests.states.world import World

SECONDS = st.sampled_from([0.1, 1.0, 3.0, 10.0, 30.0, 70.0])
people = st.integers(0, 7)
ADDRESSES = ("family@example.com", "office@example.com")
teams = st.sampled_from(["", "", "", "east"])
up = precondition(lambda self: self.world.up)


class States(RuleBasedStateMachine):
    rules_of_fusion = "june"

    def __init__(self):
        super().__init__()
        self.world = None
        self.bad = False

    @initialize(
        skew_s=st.sampled_from([0.0, 0.0, 100.0, -40.0]),
        means=st.sampled_from(["next", "window"]),
        slow_s=st.sampled_from([0.0, 0.2, 2.0]),
        at_first=st.lists(faults(), max_size=3),
    )
    def begin(self, skew_s, means, slow_s, at_first):
        self.world = World(self.rules_of_fusion, skew_s=skew_s, reset_means=means)
        self.world.wire.slow_s = slow_s
        self.world.fusion.faults.add(*at_first)

    # Senders.

    @up
    @rule(
        who=people,
        phone=st.sampled_from(
            ["own"] * 5 + ["", PHONES[0], PHONES[0], PHONES[0], PHONES[1], BELGIAN, AMERICAN]
        ),
        dnd=st.sampled_from([None, None, None, None, True, False]),
        deleted=st.sampled_from([False] * 7 + [True]),
        team=teams,
        ago_s=st.sampled_from([None, None, None, 0.0, 5.0, 60.0]),
        bare=st.booleans(),
        no_tags=st.sampled_from([False, False, False, True]),
        email=st.sampled_from(["", "", *ADDRESSES]),
    )
    def accept(self, who, phone, **more):
        phone = PHONES[who] if phone == "own" else phone
        if more["deleted"]:  # who is meant by the address of a deletion, is `outbox`'s own test
            more["email"] = ""
        self.world.accept(*self.world.body(f"person-{who}", phone, **more))

    @up
    @rule(first=people, count=st.integers(2, 8), team=teams)
    def accept_many(self, first, count, team):
        for who in range(first, first + count):
            self.world.accept(*self.world.body(f"person-{who % 8}", PHONES[who % 8], team=team))

    @up
    @rule(first=people, count=st.integers(2, 8), turns=st.integers(1, 3))
    def many_leave(self, first, count, turns):
        self.accept_many(first, count, "")
        self.world.resolve()
        self.world.deliver(turns)

    @up
    @rule(
        who=people, phone=st.sampled_from(["own", "own", *PHONES]), dnd=st.sampled_from([True, True, False])
    )
    def speaks_of_calls(self, who, phone, dnd):
        phone = PHONES[who] if phone == "own" else phone
        self.world.accept(*self.world.body(f"person-{who}", phone, dnd=dnd))
        self.world.resolve()

    @up
    @rule(
        who=people, which=st.integers(0, 20), dnd=st.sampled_from([True, True, False]), resolve=st.booleans()
    )
    def speaks_of_an_address(self, who, which, dnd, resolve):
        """Nothing but the address: one that many have, one that a contact had, or nobody's."""
        address = [*ADDRESSES, f"p{which}@example.com"][which % 3]
        if resolve:
            self.world.accept(*self.world.body(f"person-{who}", PHONES[who], email=address))
            self.world.resolve()
        self.world.accept(*self.world.body("", "", dnd=dnd, email=address))

    @up
    @rule(
        phone=st.sampled_from([DOUBTFUL, DOUBTFUL, BELGIAN, PHONES[0]]),
        dnd=st.sampled_from([None, True, True, False]),
        who=people,
        theirs=st.sampled_from([None, BELGIAN, AMERICAN]),
    )
    def speaks_by_phone_alone(self, phone, dnd, who, theirs):
        """A form: who it is, is told by the number, which may be read in two ways."""
        if theirs:
            self.world.accept(*self.world.body(f"person-{who}", theirs))
        self.world.accept(*self.world.body("", phone, dnd=dnd))

    @up
    @rule(who=people, ago_s=st.sampled_from([1.0, 5.0, 60.0]), dnd=st.sampled_from([None, True]))
    def is_deleted_amid_others(self, who, ago_s, dnd):
        """With the sender's time, a moment before events that have none."""
        self.world.accept(*self.world.body(f"person-{who}", PHONES[who]))
        self.world.resolve()
        self.world.accept(*self.world.body(f"person-{who}", "", deleted=dnd is None, dnd=dnd, ago_s=ago_s))

    @up
    @rule(first=people, count=st.integers(1, 4), who=people, rounds=st.integers(0, 6), late=st.booleans())
    def opts_out_while_it_leaves(self, first, count, who, rounds, late):
        world = self.world
        self.accept_many(first, count, "")
        if late:
            world.resolve()
        world.accept(*world.body(f"person-{who}", PHONES[(first + who % count) % 8], dnd=True))
        world.side_by_side([world.service.lane.turn(), world.service.resolver.turn()], rounds)

    @up
    @rule(first=people, count=st.integers(1, 3), late_s=st.sampled_from([2.0, 20.0]), out=st.booleans())
    def lands_late(self, first, count, late_s, out):
        """A creation that gets no answer is carried out later, perhaps after an opt-out."""
        world = self.world
        self.accept_many(first, count, "")
        world.resolve()
        world.fusion.faults.add(Fault("reset_late", delay_s=late_s, times=1, method="POST"))
        world.deliver(1)
        world.finish()
        if out:
            self.speaks_of_calls(first, "own", dnd=True)

    @up
    @rule(first=people, rounds=st.integers(0, 60))
    def killed_among_opt_outs(self, first, rounds):
        """They don't wait for each other: as many places are taken at once as requests may be under way."""
        world = self.world
        for who in range(8):
            world.accept(*world.body(f"person-{who}", PHONES[who], dnd=False))
        world.live(30)
        for half in (range(first, first + 4), range(first + 4, first + 8)):
            for who in half:
                world.accept(*world.body(f"person-{who % 8}", PHONES[who % 8], dnd=True))
            world.resolve()
            world.deliver(2)
            if half[0] == first:
                world.break_off([], rounds)
                world.start()

    @up
    @rule(who=people, other=people, dnd=st.sampled_from([None, None, True]))
    def two_share_a_phone(self, who, other, dnd):
        """What one of them did before the other's word comes after it."""
        world = self.world
        world.pass_time(10)
        world.accept(*world.body(f"person-{other}", PHONES[who]))
        world.resolve()
        world.accept(*world.body(f"person-{who}", PHONES[who], dnd=dnd, ago_s=5))

    @up
    @rule(which=st.integers(0, 50))
    def repeat(self, which):
        self.world.repeat(which)

    # Turns.

    @up
    @rule(turns=st.integers(1, 4), answered=st.booleans())
    def deliver(self, turns, answered):
        self.world.resolve()
        self.world.deliver(turns)
        if answered:
            self.world.finish()

    @up
    @rule(seconds=SECONDS)
    def live(self, seconds):
        self.world.live(seconds)

    @rule(seconds=SECONDS)
    def pass_time(self, seconds):
        self.world.pass_time(seconds)

    # The process.

    @up
    @rule(
        who=people,
        before=st.sampled_from(["", "resolve", "deliver"]),
        during=st.sets(st.sampled_from(["accept", "resolve", "deliver"])),
        rounds=st.integers(0, 90),
    )
    def kill(self, who, before, during, rounds):
        world = self.world
        if before:
            world.resolve()
        if before == "deliver":
            world.deliver(1)
        work = {
            "accept": lambda: world.accepting(*world.body(f"person-{who}", PHONES[who])),
            "resolve": world.service.resolver.turn,
            "deliver": world.service.lane.turn,
        }
        world.break_off([work[each]() for each in sorted(during)], rounds)

    @precondition(lambda self: not self.world.up)
    @rule(rounds=st.sampled_from([None, None, None, None, 3, 6, 9]))
    def start(self, rounds):
        self.world.start(rounds)

    @precondition(lambda self: not self.world.up)
    @rule()
    def start_again(self):
        self.world.start()

    @rule(
        key=st.sampled_from([KEYS[0], None, None, *KEYS, *KEYS, WRONG_KEY]),
        limit=st.sampled_from([None, *LIMITS]),
        concurrency=st.sampled_from([None, 1, 2, 4]),
        restart=st.booleans(),
    )
    def reload(self, restart, **changes):
        if restart and self.world.up:
            self.world.stop()
            self.world.start()
        self.world.reload(**{name: value for name, value in changes.items() if value is not None})

    @up
    @rule(which=st.lists(st.integers(1, 30), min_size=1, max_size=4), force=st.booleans())
    def replay(self, which, force):
        self.world.replay(which, force=force)

    # Fusion.

    @up
    @rule(
        first=people,
        count=st.integers(1, 8),
        trouble=st.lists(st.one_of(faults(), poison()), min_size=1, max_size=3),
        seconds=SECONDS,
    )
    def many_in_trouble(self, first, count, trouble, seconds):
        self.world.fusion.faults.add(*trouble)
        self.accept_many(first, count, "")
        self.world.live(seconds)

    @rule(trouble=st.lists(st.one_of(faults(), faults(), faults(), poison()), min_size=1, max_size=4))
    def trouble(self, trouble):
        self.world.fusion.faults.add(*trouble)

    @rule(
        well=st.sampled_from([None, None, False, True]),
        slow_s=st.sampled_from([0.0, 0.2, 2.0]),
        late=st.booleans(),
    )
    def weather(self, well, slow_s, late):
        self.world.wire.slow_s, self.world.wire.late_arrivals = slow_s, late
        if well:
            self.world.fusion.faults.clear()
        elif well is False:
            self.world.fusion.faults.down = True

    @rule(requests=st.integers(1, 10))
    def another_tool(self, requests):
        self.world.spend(requests)

    @rule(phone=st.sampled_from(PHONES), team=teams)
    def foreign(self, phone, team):
        self.world.foreign(phone, team)

    # What must hold.

    @invariant()
    def nothing_forbidden_happened(self):
        if self.world:
            self.claim(judge.broken(self.world))

    def claim(self, wrong):
        if wrong:
            self.bad = True
            raise AssertionError("\n".join(wrong))

    def teardown(self):
        if self.world is None:
            return
        try:
            if not self.bad:
                self.conclude()
        finally:
            self.world.close()

    def conclude(self):
        world = self.world
        world.heal()
        self.claim(world.quiet() + judge.broken(world) + judge.ends(world))
        world.replay(world.dead(), force=False)
        self.claim(world.quiet() + judge.broken(world))
        self.claim([f"event {event_id} dies again" for event_id in world.dead()])
        self.claim(judge.leads(world))
