"""SIGTERM: requests under way end, or the next start finds them; webhooks are told to come again."""

import threading
import time
from contextlib import closing

import pytest

from tests.crash.stage import stage, until
from tests.crash.test_disk import held

STOPPED_WITHIN_S = 10.0


class Caller(threading.Thread):
    """Posts a webhook every 50 ms, and notes what became of it, and when."""

    def __init__(self, it, first):
        super().__init__(daemon=True)
        self.it = it
        self.next = first
        self.over = threading.Event()
        self.answers = []

    def run(self):
        while not self.over.wait(0.05):
            try:
                status = self.it.post(self.next)[0]
            except (OSError, EOFError):
                status = None
            self.answers.append((time.monotonic(), status))
            self.next += 1


def under_way(it):
    with closing(held(it.database)) as reader:
        return reader.execute("SELECT COUNT(*) FROM outbox WHERE sent_version IS NOT NULL").fetchone()[0]


@pytest.mark.parametrize("delay_s", [5, 30])
def test_requests_under_way_end_or_are_returned_and_webhooks_come_again_meanwhile(tmp_path, delay_s):
    with stage(tmp_path) as it:
        it.service.start()
        it.fault(kind="delay", delay_s=delay_s)
        it.accept(1, 2, 3)
        until(lambda: under_way(it) == 3, 5)
        caller = Caller(it, first=10)
        caller.start()
        began = time.monotonic()
        assert it.service.terminate() == 0
        ended = time.monotonic()
        caller.over.set()
        caller.join()
        assert ended - began < STOPPED_WITHIN_S
        meanwhile = [status for at, status in caller.answers if began + 0.3 < at < ended - 0.7]
        assert len(meanwhile) > 20
        assert set(meanwhile) == {429}
        assert {line["reason"] for line in it.logged("event.not_stored")} == {"the bridge is shutting down"}
        assert under_way(it) == 0 if delay_s == 5 else under_way(it) >= 3
        it.fault()
        it.service.start()
        it.ends_well()


def test_it_stops_while_somebody_holds_the_database(tmp_path):
    with stage(tmp_path) as it:
        it.service.start()
        it.fault(kind="delay", delay_s=1)
        it.accept(1, 2, 3)
        until(lambda: under_way(it) == 3, 5)
        with closing(held(it.database)) as other:
            other.execute("BEGIN EXCLUSIVE")
            began = time.monotonic()
            assert it.service.terminate() == 0
            assert time.monotonic() - began < STOPPED_WITHIN_S
        it.service.start()
        it.ends_well()


def test_it_stops_while_there_is_no_database(tmp_path):
    with stage(tmp_path) as it:
        it.database.mkdir()
        it.listening()
        it.refuses("can't open")
        began = time.monotonic()
        assert it.service.terminate() == 0
        assert time.monotonic() - began < 3
