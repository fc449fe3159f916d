"""What must hold at the end of a scene, whoever died in it and when: the same as if nobody had.

Reads Fusion's leads and the bridge's database; starts nothing. Rule for editors: what may differ between a
run with a kill and one without is said here, with the reason; everything else is equal or a fault.
"""

import contextlib
import sqlite3
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.crash.processes import call
from tests.crash.town import PHONES, wanted
from tests.crash.verdicts import Fault, check_stats, open_reader
from tests.crash.world import World

FIELDS = ("name", "email", "company", "tags")
# Whose database of the first release waits to be migrated.
HEIRS = ("+12025550101", "+12025550102")


def everyday(
    world: World, *, fates: Collection[str] = (), tags: Mapping[str, str] | None = None
) -> list[Fault]:
    """Every event has the fate that it would have had, Fusion holds what it would hold, nothing is broken.

    `fates` are those of all events where a scene changes them, `tags` are words that stand for others.
    """
    expected = {
        **{lead["phone"]: lead for lead in world.known},
        **wanted(act for act in world.accepted if not fates),
    }
    if fates:  # then even what is dead at first
        expected |= {PHONES[act.who]: act.fields for act in world.accepted}
    return [
        *world.faults,
        *_sound(world),
        *_events(world, fates),
        *_leads(world, expected, tags or {}),
        *check_stats(call(world.fusion.port, "GET", "/sandbox/stats")),
    ]


def _sound(world: World) -> Iterator[Fault]:
    for pragma, good in (("integrity_check", [("ok",)]), ("foreign_key_check", [])):
        if (said := world.rows(f"PRAGMA {pragma}")) != good:
            yield Fault("damaged", f"{pragma}: {said[:3]}")
    if world.waiting():
        yield Fault("no end", f"{world.waiting()} events or leads wait")
    # One of `bridge adopt`, which carries nobody, counts for a minute, and is closed by the next start.
    if world.rows("SELECT 1 FROM attempts JOIN attempt_leads ON attempt_id = id WHERE answered_at IS NULL"):
        yield Fault("no end", "an attempt is open")
    log = (world.folder / "bridge.log").read_text()
    if "Traceback" in log or "stumbled" in log:
        yield Fault("damaged", f"the log has a traceback: {log[-2000:]}")


def _events(world: World, fates: Collection[str]) -> Iterator[Fault]:
    states = dict(world.rows(f"SELECT id, state FROM events WHERE id > {world.newest}"))
    reasons = dict(world.rows("SELECT id, reason FROM events"))
    for act, ids in world.accepted.items():
        if len(ids) != 1:
            yield Fault("double", f"{act.name} was stored {len(ids)} times")
        for event_id in ids:
            state = states.pop(event_id, "gone")
            if state == "gone":
                yield Fault("lost", f"{act.name} was accepted, and isn't there")
            elif state not in (fates or act.fates):
                yield Fault("no end", f"{act.name} is {state}: {reasons[event_id]}")
    if states:
        yield Fault("double", f"events of nobody: {states}")


def _leads(
    world: World, expected: Mapping[str, dict[str, Any] | str], tags: Mapping[str, str]
) -> Iterator[Fault]:
    leads = {lead["phone"]: lead for lead in world.leads()}
    known = {phone for (phone,) in world.rows("SELECT phone FROM lead_map")}
    yield from (Fault("double", f"{phone} is a lead of nobody") for phone in leads.keys() - expected.keys())
    # A creation that may have left before a kill may have been carried out, whatever Fusion says of the next
    # one: the map keeps such a lead, so that an opt-out would find it.
    unsure = {PHONES.get(act.who) for act in world.accepted if act.fates == {"dead"}}
    for phone in known - leads.keys() - unsure:
        yield Fault("lost", f"the map has a lead that isn't there: {phone}")
    touched = {PHONES.get(act.who) for act in world.accepted} & leads.keys()
    yield from (Fault("lost", f"the map doesn't know the lead {phone}") for phone in touched - known)
    for phone, content in expected.items():
        lead = leads.get(phone)
        if isinstance(content, str):
            if lead is not None and content not in lead["tags"]:
                yield Fault("blocked", f"{phone} isn't marked {content}: {lead['tags']}")
        elif lead is None:
            yield Fault("lost", f"{phone} isn't there")
        elif wrong := [
            name for name in FIELDS if name in content and _held(lead, name, tags) != content[name]
        ]:
            yield Fault("stale", f"{phone} holds {[lead[name] for name in wrong]}, wanted {content}")
        if lead is not None and lead["calls"] != 1:
            yield Fault("double", f"{phone} was called {lead['calls']} times")


def _held(lead: dict[str, Any], name: str, tags: Mapping[str, str]) -> Any:
    return [tags.get(tag, tag) for tag in lead[name]] if name == "tags" else lead[name]


def reloaded(world: World) -> list[Fault]:
    """Whoever came after the reload has the new tag; who came about the same time the one or the other."""
    faults = everyday(world, tags={"reloaded": "gohighlevel"})
    for lead in world.leads():
        if lead["phone"] == PHONES["dee"] and "reloaded" not in lead["tags"]:
            faults.append(Fault("stale", "the next start has the old configuration"))
    return faults


def migrated(world: World) -> list[Fault]:
    """What waited and what was under way in the old database arrived, once."""
    faults = everyday(world)
    leads = {lead["phone"]: lead for lead in world.leads()}
    for phone in HEIRS:
        if leads.get(phone, {}).get("name") != "Ann Lee":
            faults.append(Fault("lost", f"{phone} waited in the old database: {leads.get(phone)}"))
    left = world.rows("SELECT id, state FROM events WHERE state <> 'delivered'")
    return [*faults, *(Fault("no end", f"event {each} is {state}") for each, state in left)]


def backed_up(world: World, *, complete: bool) -> list[Fault]:
    """A copy that is there is whole; one that was finished is there, and nothing half-made beside it."""
    file = world.folder / "copy.db"
    faults: list[Fault] = []
    if complete and (beside := sorted(each.name for each in world.folder.glob("copy.db?*"))):
        faults.append(Fault("damaged", f"beside the copy there is {beside}"))
    if not file.exists():
        return [*faults, Fault("lost", "there is no copy")] if complete else faults
    try:
        with contextlib.closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)) as copy:
            sound = copy.execute("PRAGMA integrity_check").fetchall()
            orphans = copy.execute("PRAGMA foreign_key_check").fetchall()
            leads = copy.execute("SELECT COUNT(*) FROM lead_map").fetchone()[0]
    except sqlite3.Error as error:
        return [*faults, Fault("damaged", f"the copy can't be read: {error}")]
    if (sound, orphans) != ([("ok",)], []) or not leads:
        faults.append(Fault("damaged", f"the copy isn't whole: {sound[:3]}, {orphans[:3]}, {leads} leads"))
    return faults


def pruned(world: World) -> list[Fault]:
    """The same rows are left, and the same payloads, as after a prune without a kill."""
    assert world.pruned is not None
    left, reference = rows_left(world.setting.database), rows_left(world.pruned)
    faults = [*world.faults, *_sound(world)]
    for table, rows in reference.items():
        kind = "lost" if len(left[table]) < len(rows) else "no end"
        if left[table] != rows:
            faults.append(Fault(kind, f"{table}: {len(left[table])} rows are left, wanted {len(rows)}"))
    return faults


def rows_left(database: Path) -> dict[str, list[Any]]:
    """What retention may or may not have touched."""
    sql = {
        "events": "SELECT id, state, length(payload) FROM events ORDER BY id",
        "attempts": "SELECT id, outcome FROM attempts ORDER BY id",
        "attempt_leads": "SELECT * FROM attempt_leads ORDER BY attempt_id, event_id",
        "lead_map": "SELECT * FROM lead_map ORDER BY phone",
        "contact_map": "SELECT * FROM contact_map ORDER BY contact_id",
    }
    with contextlib.closing(open_reader(database)) as reader:
        return {table: reader.execute(query).fetchall() for table, query in sql.items()}


def forgotten(world: World) -> list[Fault]:
    """Nothing of her is left in any file of the database, and her next event made nothing."""
    faults = [*world.faults, *_sound(world)]
    lead = next((lead for lead in world.leads() if lead["phone"] == PHONES["eve"]), None)
    if lead is None or lead["name"] != "Eve 000002":
        faults.append(Fault("blocked", f"her lead isn't what it was before: {lead}"))
    for file in world.setting.folder.glob("bridge.db*"):
        content = file.read_bytes()
        words = (
            PHONES["eve"],
            PHONES["eve"][2:],
            "c-eve",
            "eve1@",
            "eve2@",
            "eve3@",
            "Eve 00",
            "webhook-eve",
        )
        left = [word for word in words if word.encode() in content]
        if left:
            faults.append(Fault("damaged", f"{file.name} still holds {left}"))
    (amy,) = [lead for lead in world.leads() if lead["phone"] == PHONES["amy"]]
    if amy["calls"] != 1 or amy["name"] != "Amy 000001":
        faults.append(Fault("lost", f"somebody else was touched: {amy}"))
    return faults


def replayed(world: World) -> list[Fault]:
    """All that was dead was delivered in the end."""
    return everyday(world, fates={"delivered"})


def adopted(world: World) -> list[Fault]:
    """Every lead of Fusion's is in the map, and all lists are read to their end."""
    faults = everyday(world)
    known = {phone for (phone,) in world.rows("SELECT phone FROM lead_map")}
    if missing := {lead["phone"] for lead in world.leads()} - known:
        faults.append(Fault("lost", f"{len(missing)} leads weren't adopted"))
    if world.rows("SELECT 1 FROM adoptions WHERE done_at IS NULL"):
        faults.append(Fault("no end", "a list wasn't read to its end"))
    return faults
