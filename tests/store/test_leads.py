"""The mapping table as a list: who is in it, and that a million leads wouldn't be read for it."""

import pytest

from bridge.store.leads import count_lead_lines, list_leads
from tests.stocked import plans

ANN, BEN = "+12025550101", "+12025550102"


def test_leads(stock, reader):
    stock.deliver("ann", ANN, name="Ann Lee")
    stock.deliver("ben", BEN, name="Ben Fox", account="east", campaign="c-1")
    stock.queue("ben", BEN, account="east", campaign="c-1", blocked=True)

    ben, ann = sorted(list_leads(reader, limit=9), key=lambda lead: lead.name, reverse=True)

    assert (ann.phone, ann.name, ann.account, ann.campaign_id, ann.origin) == (
        ANN,
        "Ann Lee",
        "main",
        "",
        "created",
    )
    assert (ann.contacts, ann.do_not_call, ann.lead_id) == (("ann",), False, "lead-1")
    assert (ben.account, ben.campaign_id, ben.do_not_call) == ("east", "c-1", True)
    assert list_leads(reader, phone=ANN, limit=9) == [ann]
    assert list_leads(reader, phone="0102", limit=9) == [ben]
    assert list_leads(reader, account="east", limit=9) == [ben]
    assert list_leads(reader, blocked=True, limit=9) == [ben]
    assert list_leads(reader, phone="0101", blocked=True, limit=9) == []
    assert len(list_leads(reader, limit=1)) == 1
    assert len(list_leads(reader, limit=0)) == 2
    assert count_lead_lines(reader) == 2
    assert count_lead_lines(reader, phone="0102", account="east", blocked=True) == 1


def test_the_last_delivered_of_all_accounts(stock, reader):
    ages = {"main": (90, 70, 50), "east": (80, 60, 40)}
    for number, (account, ago) in enumerate((name, ago) for name in ages for ago in ages[name]):
        stock.deliver(f"c{number}", f"+1202555010{number}", account=account, ago=ago)

    newest = list_leads(reader, limit=4)

    assert [lead.account for lead in newest] == ["east", "main", "east", "main"]
    assert [lead.phone[-1] for lead in newest] == ["5", "2", "4", "1"]
    assert [lead.phone[-1] for lead in list_leads(reader, account="main", limit=2)] == ["2", "1"]


def test_counting_ends_somewhere(stock, reader, monkeypatch):
    monkeypatch.setattr("bridge.store.leads.COUNTED", 2)
    for number in range(3):
        stock.deliver(f"c{number}", f"+1202555010{number}")

    assert count_lead_lines(reader) == 2


@pytest.mark.parametrize(
    "asked", [{}, {"account": "main"}, {"blocked": True}, {"phone": ANN}, {"phone": ANN, "account": "main"}]
)
def test_no_list_reads_all_leads(stock, reader, asked):
    stock.deliver("ann", ANN)

    for do in (list_leads, count_lead_lines):
        limit = {"limit": 9} if do is list_leads else {}
        steps = plans(reader, lambda connection, do=do, limit=limit: do(connection, **asked, **limit))

        assert not [step for step in steps if step.startswith("SCAN lead_map")]
        # What is sorted is what was asked for: the phones that are blocked, or the one.
        assert not any("TEMP B-TREE" in step for step in steps) or asked.keys() & {"blocked", "phone"}
        assert any("lead_map_phone" in step for step in steps) == bool(asked.keys() & {"blocked", "phone"})


def test_who_is_blocked_is_read_from_an_index_of_them_alone(reader):
    steps = plans(reader, lambda connection: list_leads(connection, blocked=True, limit=9))

    assert "SCAN c USING INDEX contact_map_blocked" in steps
