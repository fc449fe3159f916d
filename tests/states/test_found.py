"""What the state machine found, each as the few steps that show it."""

import contextlib

from bridge.fusion.sandbox import Fault
from tests.states import judge
from tests.states.service import LIMIT
from tests.states.world import World

PHONES = [f"+120255501{number:02}" for number in range(1, 20)]


@contextlib.contextmanager
def world():
    it = World("june")
    try:
        yield it
    finally:
        it.close()


def say(it, *who, **what):
    """An event for each of these people, resolved."""
    for each in who:
        it.accept(*it.body(f"person-{each}", PHONES[each], **what))
    it.resolve()


def wrong(it):
    """What is wrong at the end."""
    it.heal()
    return [*it.quiet(), *judge.broken(it), *judge.ends(it), *judge.leads(it)]


def test_a_look_up_without_an_answer_takes_its_place():
    with world() as it:
        say(it, *range(LIMIT))
        it.live(30)
        say(it, *range(LIMIT - 3), dnd=True)
        it.live(0.1)
        it.fusion.faults.add(Fault("reset_after", times=1), Fault("reset_before", times=4))
        say(it, LIMIT, LIMIT + 1)
        it.live(10)
        assert judge.broken(it) == []


def test_what_we_count_for_too_long_does_not_hide_the_places_of_others():
    with world() as it:
        it.wire.slow_s = 2.0
        say(it, 0)
        it.deliver(1)
        it.finish()  # arrived at 2, answered at 4
        it.wire.slow_s = 0.0
        it.pass_time(2)
        it.spend(LIMIT - 2)
        for _ in range(3):  # the third is over the limit: the places of others end at 16
            say(it, 0)
            it.live(4.2)
        assert judge.broken(it) == []


def test_our_own_place_is_not_taken_for_one_of_others():
    with world() as it:
        say(it, 0, 1)
        it.live(5)
        it.spend(LIMIT - 2)
        say(it, 0)
        it.live(6.2)
        say(it, 0, 1, dnd=True)  # one place is free by now, and it was our own
        it.live(1)
        assert judge.broken(it) == []


def test_what_changed_since_the_first_try_is_delivered():
    with world() as it:
        it.fusion.faults.add(Fault("reset_after", times=1), Fault("status", status=400, times=1))
        say(it, 0, 1)
        it.deliver(1)
        it.finish()  # carried out, nobody knows
        it.pass_time(2)
        it.deliver(1)
        it.finish()  # the look-up is refused
        say(it, 0, 1)
        assert wrong(it) == []


def test_the_replay_of_a_dead_opt_out_tags_the_lead():
    with world() as it:
        say(it, 0)
        it.live(1)
        it.fusion.faults.add(Fault("status", status=400, times=1))
        say(it, 0, dnd=True)
        say(it, 0)
        it.live(30)
        assert it.dead() == [2]
        it.replay([2], force=False)
        assert wrong(it) == []


def test_a_look_up_may_be_overtaken_twice():
    with world() as it:
        it.fusion.faults.add(Fault("reset_after", times=1))
        say(it, 0, 1)
        it.deliver(1)
        it.finish()
        say(it, 0)
        it.pass_time(2)
        it.wire.slow_s = 1.0
        it.deliver(1)
        say(it, 0)
        it.finish()
        assert wrong(it) == []


def test_a_late_event_with_the_phone_of_somebody_who_opted_out_tags_nobody_else():
    with world() as it:
        say(it, 0, dnd=True)
        it.pass_time(10)
        say(it, 1)
        it.live(1)
        it.accept(*it.body("person-1", PHONES[0], dnd=False, ago_s=5.0))
        assert wrong(it) == []


def test_requests_that_never_arrived_do_not_hide_the_places_of_others():
    with world() as it:
        say(it, 0, 1, 2, 3, 4)
        it.live(30)
        say(it, 0, 1, 2, 3, dnd=True)
        it.wire.late_arrivals = False
        it.deliver(2)
        it.break_off([], 0)
        it.start()
        it.pass_time(5)
        it.spend(LIMIT - 3)
        it.live(4)  # three are sent, and their answers tell of the others
        it.live(2)  # what was broken off is forgotten, the others still have their places
        assert judge.broken(it) == []
