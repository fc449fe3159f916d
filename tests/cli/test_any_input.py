"""Whatever is typed behind a command: a list, a refusal in words, wrong usage; never a traceback."""

import json
import random
import re
import time
import unicodedata

import pytest
import typer
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bridge.cli import selecting
from tests.stocked import Stock

SLOW = settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
NOW = 1_800_000_000.0

WORDS = st.text(max_size=20) | st.text(st.characters(codec=None), max_size=8)  # lone surrogates: no UTF-8
NUMBERS = st.integers() | st.sampled_from([2**63 - 1, 2**63, -(2**63), 10**40, -1, 0])
TIMES = st.from_regex(r"[0-9]{0,7}(\.[0-9]{1,4})? ?[smhdw]", fullmatch=True) | st.datetimes().map(str) | WORDS
PHONES = st.from_regex(r"[+0-9 ().x٠-٩-]{0,25}", fullmatch=True) | WORDS


@pytest.fixture(scope="module")
def stock(tmp_path_factory):
    stock = Stock(tmp_path_factory.mktemp("stock"))
    stock.deliver("ann", "+12025550101", ago=300)
    stock.skip("bob", reason="filtered", ago=100)
    yield stock
    stock.connection.close()


def understood(stock, *words):
    result = stock.bridge(*words)
    assert isinstance(result.exception, SystemExit | None), result.exception
    assert result.exit_code in {0, 1, 2}
    assert "Traceback" not in result.output
    return result


@SLOW
@given(st.sampled_from(["--contact", "--source"]), WORDS)
@example("--source", "a\udcffb")
def test_events_of_any_words(stock, option, word):
    understood(stock, "events", f"{option}={word}")


@SLOW
@given(TIMES, PHONES)
def test_events_of_any_time_and_phone(stock, since, phone):
    understood(stock, "events", f"--since={since}", f"--phone={phone}")
    understood(stock, "replay", "--dry-run", f"--since={since}", "--state=skipped")


@SLOW
@given(NUMBERS)
@example(2**63)
def test_any_number(stock, number):
    for words in (("show", "--", number), ("replay", "--dry-run", "--", number)):
        assert understood(stock, *words).exit_code == (number not in (1, 2))
    for command in ("events", "leads"):
        understood(stock, command, f"--limit={number}")


@SLOW
@given(PHONES, WORDS)
def test_leads_of_any_phone_and_account(stock, phone, account):
    understood(stock, "leads", f"--phone={phone}", f"--account={account}")


@SLOW
@given(st.binary(max_size=60) | st.sampled_from([b'{"phone": "+12025550101"}', b'{"a": 1e400}']))
def test_a_preview_of_any_bytes(stock, body):
    file = stock.config.with_name("payload.json")
    file.write_bytes(body)
    understood(stock, "preview", file, "--source=workflow")
    understood(stock, "preview", file, "--json")


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
)
BODIES = st.binary(max_size=40) | JSON.map(lambda value: json.dumps(value).encode())
BODIES |= st.dictionaries(st.sampled_from(["phone", "email", "contact", "data", "location"]), JSON).map(
    lambda payload: json.dumps(payload, ensure_ascii=False).encode("utf-8", "surrogatepass")
)


@SLOW
@given(BODIES, st.text(st.characters(codec="utf-8"), max_size=12))
def test_any_payload_that_is_stored_can_be_shown(stock, body, contact):
    event_id = stock.accept(contact, body=body, external_id=f"{random.random()}")
    shown = understood(stock, "show", event_id)
    assert shown.exit_code == 0
    assert not [
        sign for sign in shown.stdout if unicodedata.category(sign) in {"Cc", "Cf"} and sign not in "\n\u200d"
    ]
    assert json.loads(understood(stock, "show", event_id, "--json").stdout)["id"] == event_id
    assert understood(stock, "events", f"--contact={contact}").exit_code == 0
    stock.connection.execute("DELETE FROM events WHERE id = ?", (event_id,))


@settings(deadline=None)
@given(TIMES)
def test_any_moment(text):
    try:
        at = selecting.moment(text, now=NOW)
    except typer.BadParameter:
        return
    assert at is None or at <= NOW or not re.search("[smhdw]$", text.strip().lower())


@settings(deadline=None)
@given(PHONES, st.sampled_from(["US", "GB", "DE"]))
def test_any_phone(text, region):
    try:
        wanted = selecting.phone(text, region)
    except typer.BadParameter:
        return
    assert re.fullmatch(r"(\+?[0-9]{3,})?", wanted)
    assert bool(wanted) == bool(text)


@settings(deadline=None)
@given(st.floats(0, 4e9))
def test_a_time_comes_back_as_it_was_told(at):
    assert selecting.moment(selecting.iso(at), now=time.time()) == pytest.approx(at, abs=0.001)
