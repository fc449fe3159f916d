"""What a case expects, held against what the bridge and Fusion have in the end.

Knows the words of a case's `expect`; knows nothing of how the steps were sent. Each function returns the
faults that it found, in words.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

# A lead with one of these must not be called: Fusion is filtered by them.
UNCALLABLE = frozenset({"do-not-call", "phone-changed", "deleted-in-crm"})


@dataclass(frozen=True)
class Ending:
    """How a case ended."""

    answers: list[Any]  # httpx2 responses, one a step
    events: list[dict[str, Any]]  # rows of events, the oldest first
    leads: list[dict[str, Any]]  # Fusion's, as dicts
    requests: int
    counted: bool


def faults(expect: dict[str, Any], ending: Ending) -> list[str]:
    """What isn't as expected; of `any_of` one must be right."""
    if "any_of" in expect:
        tried = [faults(each, ending) for each in expect["any_of"]]
        return [] if any(not found for found in tried) else [f"none of these: {tried}"]
    return [*_of_answers(expect, ending), *_of_leads(expect, ending), *_of_event(expect, ending)]


def _of_answers(expect: dict[str, Any], ending: Ending) -> Iterator[str]:
    statuses = [answer.status_code for answer in ending.answers]
    if "answer" in expect:
        wanted = (
            expect["answer"] if isinstance(expect["answer"], list) else [expect["answer"]] * len(statuses)
        )
        if statuses != wanted:
            yield f"answers {statuses}, not {wanted}: {ending.answers[-1].text}"
    said = ending.answers[-1].text
    if "answer_says" in expect and not re.search(expect["answer_says"], said, re.IGNORECASE):
        yield f"the answer doesn't say {expect['answer_says']}: {said}"
    if expect.get("counted") and not ending.counted:
        yield "it isn't counted where an operator looks"
    if ending.requests > expect.get("requests_at_most", ending.requests):
        yield f"{ending.requests} requests to Fusion"


def _of_leads(expect: dict[str, Any], ending: Ending) -> Iterator[str]:
    if "lead" in expect or "leads" in expect:
        wanted = expect.get("leads") or [{"tags_include": expect.get("tags_include", []), **expect["lead"]}]
        for each in wanted:
            if not any(_is(each, lead) for lead in ending.leads):
                yield f"no such lead in Fusion: {each}; there are {ending.leads}"
        if len(ending.leads) != len(wanted):
            yield f"{len(ending.leads)} leads in Fusion, not {len(wanted)}: {ending.leads}"
        for phone in expect.get("no_lead", ()):
            if any(lead["phone"] == phone for lead in callable_leads(ending)):
                yield f"{phone} can be called"
    else:
        yield from (f"{lead['phone']} can be called" for lead in callable_leads(ending))


def callable_leads(ending: Ending) -> list[dict[str, Any]]:
    return [lead for lead in ending.leads if not UNCALLABLE & set(lead["tags"] or ())]


def _is(wanted: dict[str, Any], lead: dict[str, Any]) -> bool:
    tags = set(lead["tags"] or ())
    include = set(wanted.get("tags_include", ()))
    if not include <= tags or (UNCALLABLE & tags) - include:
        return False
    if "name_matches" in wanted and not re.search(wanted["name_matches"], lead["name"]):
        return False
    if wanted.get("tags_exclude") and tags & set(wanted["tags_exclude"]):
        return False
    fields = {
        key: wanted[key] for key in ("phone", "name", "email", "company", "custom_fields") if key in wanted
    }
    return all(lead.get(key) == value for key, value in fields.items())


def _of_event(expect: dict[str, Any], ending: Ending) -> Iterator[str]:
    last = ending.events[-1] if ending.events else {"state": "", "reason": "", "fix": "", "warnings": "[]"}
    warnings = json.loads(last["warnings"])
    fate = f"{last['state']}: {last['reason'].removeprefix('filtered: ')}"  # the route's own words
    if "state_any_of" in expect and not any(fate.startswith(state) for state in expect["state_any_of"]):
        yield f"it ended {fate}, {warnings}"
    if "states" in expect and sorted(event["state"] for event in ending.events) != sorted(expect["states"]):
        yield f"the events ended {[(event['state'], event['reason']) for event in ending.events]}"
    if "warning" in expect and bool(warnings) is not expect["warning"]:
        yield f"warnings: {warnings}"
    words = "\n".join((last["reason"], last["fix"], *warnings))
    if "says" in expect and not re.search(expect["says"], words, re.IGNORECASE):
        yield f"nothing says {expect['says']}: {words}"
