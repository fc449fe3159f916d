"""What the log may say: whoever wrote the line, no secret and no person stands in it in full."""

import io
import json
import logging
import re
import sys
from pathlib import Path
from urllib.parse import quote

import pytest
import structlog

from bridge import logs

SECRETS = ("token-of/the+tests only", "token", "token-of-the-tests-only-2", "k1")
QUOTED = "token-of%2Fthe%2Btests%20only"


class _Stdout(io.TextIOWrapper):
    def __init__(self):
        super().__init__(io.BytesIO())


def stumble(more=""):
    raise RuntimeError(f"no {SECRETS[2]} for +12025550101{more}")


@pytest.fixture
def said(monkeypatch):
    """Everything logged so far, as text."""
    stream = _Stdout()
    monkeypatch.setattr(sys, "stdout", stream)
    logs.configure(SECRETS, json=True)

    def text():
        stream.flush()
        return stream.buffer.getvalue().decode()

    return text


@pytest.mark.parametrize(
    "value",
    [
        SECRETS[0],
        f"GET /webhooks/workflow/{QUOTED}",
        [SECRETS[0]],
        {"a": {"b": (SECRETS[2],)}},
        {SECRETS[2]: 1},
        {SECRETS[2]},
        Path("/webhooks") / SECRETS[2],
        ValueError(SECRETS[0]),
        "ann@example.com called +1 202 555 0101",
        ["ann@example.com", ("+12025550101",)],
    ],
)
def test_no_kind_of_value_hides_a_secret_or_a_person(said, value):
    structlog.get_logger().warning("event.refused", value=value)
    line = said()
    assert json.loads(line)["event"] == "event.refused"
    for secret in (*SECRETS[:3], QUOTED, "ann@", "5550101", "555 0101"):
        assert secret not in line


def test_a_secret_is_known_in_every_way_of_quoting_it(monkeypatch):
    stream = _Stdout()
    monkeypatch.setattr(sys, "stdout", stream)
    secret = "to+ken/of\\the'tests\"~only"
    logs.configure([secret], json=True)
    ways = [secret, quote(secret), quote(secret, safe=""), quote(secret, safe="").lower(), repr(secret)]
    ways += [json.dumps(secret), json.dumps({"a": secret}), repr([secret]), repr(ValueError(secret))]
    for way in ways:
        structlog.get_logger().info("x.y", value=f"GET /webhooks/workflow/{way} failed")
    stream.flush()
    for line in stream.buffer.getvalue().splitlines():
        assert "ken" not in json.loads(line)["value"], line
    assert len(stream.buffer.getvalue().splitlines()) == len(ways)


def test_on_a_terminal_nothing_that_is_quoted_moves_the_cursor(monkeypatch):
    stream = _Stdout()
    monkeypatch.setattr(sys, "stdout", stream)
    logs.configure(SECRETS, json=False)
    evil = "\x1b[2J\rroot@bridge\x07"
    try:
        stumble(evil)
    except RuntimeError:
        structlog.get_logger().exception("event.stumbled", value=evil)
        logging.getLogger("uvicorn.error").exception(evil)
    stream.flush()
    shown = re.sub(r"\x1b\[[0-9]*m", "", stream.buffer.getvalue().decode())  # structlog's own colours
    assert "RuntimeError" in shown
    assert "root@bridge" not in shown.splitlines()
    assert not [sign for sign in shown if sign in "\x1b\r\x07"]
    assert SECRETS[2] not in shown


def test_plain_values_stay_what_they_are(said):
    structlog.get_logger().info("x.y", n=1, f=1.5, b=True, none=None, text="as it is", items=[1, "a"])
    entry = json.loads(said())
    assert [entry[key] for key in ("n", "f", "b", "none", "text", "items")] == [
        *(1, 1.5, True, None, "as it is"),
        [1, "a"],
    ]


def test_what_libraries_log_is_masked_as_a_whole(said):
    """Their message is no name of ours: asyncio, for one, quotes whatever a task raised."""
    logging.getLogger("asyncio").error("Task exception was never retrieved: %r", ValueError(SECRETS[0]))
    logging.getLogger("uvicorn.error").warning("of ann@example.com, token-of-the-tests-only-2")
    try:
        stumble()
    except RuntimeError:
        logging.getLogger("uvicorn.error").exception("Exception in ASGI application")
    text = said()
    assert len(text.splitlines()) == 3
    assert "Traceback" in text
    for secret in (*SECRETS[:3], "ann@"):
        assert secret not in text


def test_a_traceback_of_ours_is_masked(said):
    try:
        stumble()
    except RuntimeError:
        structlog.get_logger().exception("event.stumbled")
    assert "RuntimeError" in said()
    assert SECRETS[2] not in said()
    assert "5550101" not in said()


def test_what_stays_wrong_is_said_seldom():
    now = [0.0]
    seldom = logs.Seldom(lambda: now[0])
    said = []
    for second in range(1500):
        now[0] = second
        if seldom.due("the disk is full" if second < 1300 else "the database is locked"):
            said.append(second)
    assert said == [0, 601, 1202, 1300]


def test_what_fails_anew_is_said_at_once():
    seldom = logs.Seldom(lambda: 0.0)
    assert seldom.due("the disk is full")
    seldom.over()
    assert seldom.due("the disk is full")


def test_whom_a_line_is_about_is_for_a_terminal_alone(said):
    structlog.get_logger().info("attempt.finished", who=["A•• L••"], leads=1)
    line = json.loads(said())
    assert "who" not in line
    assert line["leads"] == 1
