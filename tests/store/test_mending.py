"""Which leads of the map are forgotten after a whole list of Fusion's was read, and which never."""

import time
from dataclasses import replace

import pytest

from bridge.outbox.facts import OwnTags
from bridge.store import adopting
from bridge.store.adopting import Progress
from bridge.store.mending import mend
from bridge.worker.reading import is_whole

ANN, BOB, CAM = "+12025550101", "+12025550102", "+12025550103"
BEGAN = 1_000_000.0


@pytest.fixture
def read(stock):
    """A list of one lead, Ann, whole; the map knows Bob, too."""
    show(stock, ANN, BOB, at=BEGAN - 500)
    show(stock, ANN, at=BEGAN + 1)
    return Progress(2, 1, BEGAN + 2, BEGAN)


def show(stock, *phones, at, account="main", campaign=""):
    leads = [(phone, f"lead of {phone}") for phone in phones]
    with adopting.writing(stock.connection) as connection:
        return adopting.learn(connection, account, campaign, leads, tags=OwnTags(), now=at)


def known(stock):
    return [row["phone"] for row in stock.rows("SELECT phone FROM lead_map ORDER BY phone")]


def test_what_was_not_shown_is_forgotten(stock, read):
    assert [(each.phone, each.lead_id) for each in mend(stock.connection, "main", "", read)] == [
        (BOB, f"lead of {BOB}")
    ]
    assert known(stock) == [ANN]


@pytest.mark.parametrize(
    "change", [{"total": 2}, {"total": None}, {"began_at": None}, {"total": 3, "not_taken": 1}]
)
def test_a_list_in_doubt_forgets_nothing(stock, read, change):
    assert mend(stock.connection, "main", "", replace(read, **change)) == []
    assert known(stock) == [ANN, BOB]


def test_leads_that_are_not_taken_count_as_shown(stock, read):
    assert len(mend(stock.connection, "main", "", replace(read, total=2, not_taken=1))) == 1


def test_other_lists_stay(stock, read):
    show(stock, CAM, at=BEGAN - 500, account="east")
    show(stock, CAM, at=BEGAN - 500, campaign="6f1c2a90-3f0e-4b7e-9c1d-2a6c1b0e7d55")
    mend(stock.connection, "main", "", read)
    assert known(stock) == [ANN, CAM, CAM]


@pytest.mark.parametrize(("delivered", "stays"), [(1, True), (-30, True), (-90, False), (-5000, False)])
def test_what_was_delivered_lately_stays(stock, read, delivered, stays):
    with adopting.writing(stock.connection) as connection:
        connection.execute(
            "UPDATE lead_map SET body = '{}', delivered_at = ? WHERE phone = ?", (BEGAN + delivered, BOB)
        )
    mend(stock.connection, "main", "", read)
    assert (BOB in known(stock)) == stays


def test_what_a_row_of_the_outbox_is_about_to_find_out_stays(stock, read):
    stock.queue("bob", BOB)
    assert mend(stock.connection, "main", "", read) == []
    assert known(stock) == [ANN, BOB]


def test_a_lead_of_which_a_request_is_under_way_is_not_taken(stock):
    stock.queue("ann", ANN)
    stock.connection.execute("UPDATE outbox SET sent_version = NULL")
    assert show(stock, ANN, BOB, at=time.time()).under_way == 0


@pytest.mark.parametrize(
    ("total", "last_page", "whole"),
    [(0, 0, True), (7, 7, True), (100, 100, False), (101, 1, True), (200, 100, True), (None, 5, False)],
)
def test_a_total_of_one_full_page_is_not_believed(total, last_page, whole):
    assert is_whole(total, last_page=last_page) == whole


def test_progress_counts_what_is_read_twice_once():
    learned = adopting.Learned(1, 0, ("lead-1",), under_way=2)
    first = Progress().after(learned, next_page=2, total=200, asked_at=7.0, done_at=None)
    assert first == Progress(2, 200, None, 7.0, 3)
    back = first.after(learned, next_page=1, total=199, asked_at=8.0, done_at=None)
    assert back == Progress(1, 199, None, 7.0, 0)
