"""A log line in words, for a person at a terminal: when, what happened, to whom, and why.

Knows the words of the events that a person watches for; any other line shows its name and values. Rule for
editors: nothing here may raise, and no person is named: a name comes as its first letters, a phone masked.
"""

import os
from collections.abc import Mapping, MutableMapping
from datetime import datetime
from typing import Any, Final

# One table for every screen that shows a state or an outcome: the log, `events`, `show`, `demo`.
COLOURS: Final[Mapping[str, str]] = {
    "received": "cyan",
    "queued": "cyan",
    "delivered": "green",
    "skipped": "yellow",
    "superseded": "bright_black",
    "dead": "red",
}
_CODES: Final = {"cyan": 36, "green": 32, "yellow": 33, "red": 31, "bright_black": 90}
_LEVELS: Final = {"warning": "yellow", "error": "red", "critical": "red"}
_OUTCOMES: Final = {"delivered": "green", "rejected": "red", "unauthorized": "red"}
_WORDS: Final[Mapping[str, str]] = {
    "event.accepted": "event {event_id} accepted from {source} ({type})",
    "event.dead": "event {event_id} is dead: {reason}",
    "event.refused": "{source}: a request was refused: {reason}",
    "event.malformed": "{source}: a request can't be read: {reason}",
    "event.not_stored": "{source}: an event could not be stored: {reason}",
    "account.paused": "{account} waits: {reason}, {detail}; next try in {seconds} s",
    "account.resumed": "{account} goes on after: {after}",
    "service.stopped": "the bridge has stopped",
}
_NOT_SHOWN: Final = frozenset({"event", "level", "timestamp", "exception", "fix", "lane", "in_full"})


def sentence(_logger: Any, _method: str, line: MutableMapping[str, Any]) -> str:
    """The line as text; coloured unless NO_COLOR is set. For structlog, as its last processor."""
    event, level = str(line.get("event", "")), str(line.get("level", ""))
    if event == "attempt.finished":
        words, colour = _request(line), _OUTCOMES.get(str(line.get("outcome")), "yellow")
    else:
        words, colour = _told(event, line), _LEVELS.get(level, "")
    told = f"{_clock(line.get('timestamp'))}  {_coloured(_harmless(words), colour)}"
    if fix := line.get("fix"):
        told += f"\n          {_harmless(str(fix))}"
    if exception := line.get("exception"):
        told += f"\n{exception}"
    return told


def masked_name(name: str) -> str:
    """The first letter of each word, and dots: "A•• L••"."""
    return " ".join(f"{word[0]}••" for word in name.split()[:3])


def _request(line: Mapping[str, Any]) -> str:
    leads, who = line.get("leads", 0), [str(each) for each in line.get("who") or ()]
    whom = ", ".join(who) + (f" and {leads - len(who)} more" if who and leads > len(who) else "")
    error = f": {line['error']}" if line.get("error") else ""
    count = "1 lead" if leads == 1 else f"{leads} leads"
    status = f", {line['status']}" if line.get("status") else ""
    return f"{line.get('outcome')}{error} ({line.get('method')} {whom or count}{status}, {line.get('ms')} ms)"


def _told(event: str, line: Mapping[str, Any]) -> str:
    if words := _WORDS.get(event):
        return words.format_map(_Known(line))
    rest = (f"{name}={value}" for name, value in line.items() if name not in _NOT_SHOWN)
    return "  ".join([event.replace(".", ": "), *rest])


class _Known(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return "?"


def _harmless(words: str) -> str:
    """The words without signs that move the cursor: they may quote a stranger."""
    return (
        words if words.isprintable() else "".join(sign if sign.isprintable() else "\ufffd" for sign in words)
    )


def _clock(timestamp: Any) -> str:
    try:
        return datetime.fromisoformat(str(timestamp)).astimezone().strftime("%H:%M:%S")
    except ValueError:
        return "        "


def _coloured(words: str, colour: str) -> str:
    if not colour or os.environ.get("NO_COLOR"):
        return words
    return f"\x1b[{_CODES[colour]}m{words}\x1b[0m"
