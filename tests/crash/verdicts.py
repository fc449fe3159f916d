"""What a run of the crash harness must have come to: every event, and every lead that Fusion holds.

Knows the reference model's expectations and how to compare; starts nothing. Rule for editors: whatever is
found wrong has a kind, and a kind is a promise of the README.
"""

import contextlib
import sqlite3
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, NamedTuple

from tests.crash.people import OPT_OUT_TAGS, OWN_TAGS, Expected, Story
from tests.crash.sender import Sender

# Between the 200 of an opt-out and the moment when it is resolved, not counting the time between a kill and
# the end of the start after it.
_OPT_OUT_WITHIN_S = 5.0

Moments = Sequence[tuple[float, float]]  # from and until, Unix seconds

Kind = Literal["lost", "double", "stale", "blocked", "over limit", "no end", "damaged"]
KINDS: tuple[Kind, ...] = ("lost", "double", "stale", "blocked", "over limit", "no end", "damaged")


class Fault(NamedTuple):
    """What went wrong, and which promise it broke."""

    kind: Kind
    words: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.words}"


def open_reader(database: Path) -> sqlite3.Connection:
    """A look at a database that others write."""
    return sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True, timeout=10)


def check_events(sender: Sender, story: Story, database: Path) -> tuple[list[Fault], Counter[str]]:
    """Whether each webhook is stored once and has its end; and how many came to which."""
    with contextlib.closing(open_reader(database)) as reader:
        events = dict(reader.execute("SELECT id, state FROM events"))
        dead = reader.execute("SELECT id, reason FROM events WHERE state = 'dead'").fetchall()
        sound = reader.execute("PRAGMA integrity_check").fetchone()[0]
    found: list[Fault] = []
    if sound != "ok":
        found.append(Fault("damaged", f"the database: {sound}"))
    for number, ids in sender.event_ids.items():
        if len(ids) != 1:
            found.append(Fault("double", f"webhook {number} was stored {len(ids)} times: {sorted(ids)}"))
        elif not ids <= events.keys():
            found.append(Fault("lost", f"webhook {number} was accepted as event {ids}, which isn't there"))
    if len(events) != story.unique():
        kind: Kind = "lost" if len(events) < story.unique() else "double"
        found.append(Fault(kind, f"{len(events)} events are stored of {story.unique()} different ones"))
    found += [Fault("no end", f"event {event_id} is dead: {reason}") for event_id, reason in dead]
    return found, Counter(events.values())


def check_stats(stats: Mapping[str, int]) -> list[Fault]:
    """What Fusion itself counted."""
    bounds: tuple[tuple[str, Kind], ...] = (("doubles", "double"), ("over_limit", "over limit"))
    return [Fault(kind, f"{name}: {stats[name]}") for name, kind in bounds if stats[name]]


def check_leads(
    sender: Sender, story: Story, leads: list[dict[str, Any]], *, rules: str, down: Moments
) -> list[Fault]:
    """Whether Fusion holds of everybody what the model says, and of nobody else anything.

    `down` is when the bridge wasn't there.
    """
    by_phone = {lead["phone"]: lead for lead in leads}
    found: list[Fault] = []
    if len(leads) != len(by_phone):
        found.append(Fault("double", f"{len(leads) - len(by_phone)} phones have more than one lead"))
    expected = dict(story.expected())
    found += [Fault("double", f"{phone} is a lead of nobody") for phone in by_phone.keys() - expected.keys()]
    for phone, wanted in expected.items():
        lead = by_phone.get(phone)
        faults = _lead_faults(wanted, lead, july=rules == "july")
        if lead and wanted.opted_out and wanted.state == "blocked":
            accepted_at = sender.accepted_at.get(wanted.opted_out.number)
            faults += _created_after(lead, accepted_at, down)
        found += [Fault(kind, f"{phone} ({wanted.state}) {words}") for kind, words in faults]
    return found


def _lead_faults(wanted: Expected, lead: dict[str, Any] | None, *, july: bool) -> list[Fault]:
    if lead is None:
        return [Fault("lost", "was never created")] if wanted.state == "live" else []
    found: list[Fault] = []
    if lead["calls"] != 1:
        found.append(Fault("double", f"has {lead['calls']} calls"))
    names = [int(write["name"].split()[1]) for write in lead["history"] if "name" in write]
    if names != sorted(names):
        found.append(Fault("stale", f"got an older value after a newer one: {names}"))
    if any(write.get("name", "").startswith("Stale") for write in lead["history"]):
        found.append(Fault("stale", "got a stale event"))
    match wanted.state:
        case "live":
            fields = wanted.fields if july else {**wanted.fields, "custom_fields": {}}
            wrong = {name: lead[name] for name, value in fields.items() if lead[name] != value}
            if wrong:
                found.append(Fault("stale", f"holds {wrong}, wanted {fields}"))
        case "blocked":
            if not OPT_OUT_TAGS & set(lead["tags"]):
                found.append(Fault("blocked", f"opted out, and its tags are {lead['tags']}"))
        case "left":
            if not OWN_TAGS & set(lead["tags"]):
                found.append(Fault("blocked", f"was left by its contact, and its tags are {lead['tags']}"))
    return found


def _created_after(lead: dict[str, Any], accepted_at: float | None, down: Moments) -> list[Fault]:
    created = datetime.fromisoformat(lead["created_at"]).timestamp()
    if accepted_at is None:
        return []
    away = sum(max(0.0, min(until, created) - max(since, accepted_at)) for since, until in down)
    late_s = created - accepted_at - away
    if late_s <= _OPT_OUT_WITHIN_S:
        return []
    return [Fault("blocked", f"was created {late_s:.1f} s after the opt-out, and {away:.1f} s of absence")]
