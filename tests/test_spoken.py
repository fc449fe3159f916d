"""What a person at the terminal reads of a line of the log."""

import pytest

from bridge.spoken import masked_name, sentence

AT = "2026-07-01T12:03:22Z"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (
            {
                "event": "event.accepted",
                "event_id": 12,
                "source": "forms",
                "type": "contact.updated",
                "bytes": 9,
            },
            "event 12 accepted from forms (contact.updated)",
        ),
        (
            {"event": "attempt.finished", "outcome": "delivered", "method": "POST", "leads": 1}
            | {"who": ["A•• L•• +1415•••0101"], "status": 201, "ms": 38.2, "error": ""},
            "delivered (POST A•• L•• +1415•••0101, 201, 38.2 ms)",
        ),
        (
            {"event": "attempt.finished", "outcome": "rejected", "method": "POST", "leads": 5}
            | {"who": ["A••", "B••", "C••"], "status": 400, "ms": 1.0, "error": "phone: Invalid"},
            "rejected: phone: Invalid (POST A••, B••, C•• and 2 more, 400, 1.0 ms)",
        ),
        ({"event": "event.dead", "event_id": 3, "reason": "no name", "fix": "name it"}, "name it"),
        (
            {
                "event": "account.paused",
                "account": "main",
                "reason": "unauthorized",
                "detail": "no",
                "seconds": 5,
            },
            "5 s",
        ),
        ({"event": "event.refused"}, "?: a request was refused: ?"),
        (
            {"event": "retention.pruned", "events": 3, "payloads": 2},
            "retention: pruned  events=3  payloads=2",
        ),
        ({}, ""),
    ],
)
def test_a_line_is_a_sentence(monkeypatch, line, words):
    monkeypatch.setenv("NO_COLOR", "1")
    told = sentence(None, "info", {"timestamp": AT, "level": "info", **line})
    assert words in told
    assert "\x1b" not in told


def test_a_warning_is_coloured_unless_no_color_is_set(monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    line = {"timestamp": AT, "level": "warning", "event": "event.dead", "event_id": 1, "reason": "x"}
    assert "\x1b[33m" in sentence(None, "warning", dict(line))


def test_an_error_keeps_its_traceback():
    assert sentence(None, "error", {"event": "x", "exception": "Traceback …"}).endswith("\nTraceback …")


@pytest.mark.parametrize(
    ("name", "shown"), [("Ann Lee", "A•• L••"), ("", ""), ("李 四", "李•• 四••"), ("a b c d", "a•• b•• c••")]
)
def test_a_name_is_its_first_letters(name, shown):
    assert masked_name(name) == shown
