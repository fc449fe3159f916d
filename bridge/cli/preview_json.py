"""A foresight as plain data, for `bridge preview --json`.

Knows both shapes and nothing else. Rule for editors: names here are for other programs: add, don't rename.
"""

from dataclasses import asdict
from typing import Any

import orjson

from bridge.cli.foresight import Foresight
from bridge.cli.preview_memory import Stored
from bridge.cli.preview_then import changes, remembered
from bridge.cli.preview_words import do_not_call
from bridge.config import Config
from bridge.model import Reading


def as_json(foresight: Foresight, config: Config, *, file: str, stored: Stored | None) -> dict[str, Any]:
    """Everything that the text tells, and the contact's words besides."""
    mapped, decision, reading = foresight.mapped, foresight.decision, foresight.reading
    return {
        "file": file,
        "source": foresight.source.name if foresight.source else None,
        "source_because": foresight.why,
        "answer": asdict(foresight.answer),
        "event": _event(reading) if reading else None,
        "routes": [
            {"name": each.route.name, "at": each.route.at, "when": each.when, "verdict": each.verdict}
            for each in foresight.routes
        ],
        "fields": [asdict(trace) for trace in mapped.trace] if mapped else [],
        "do_not_call": (
            do_not_call(foresight.source, reading, mapped, config.tags) if reading and mapped else ""
        ),
        "warnings": list(foresight.warnings),
        "state": decision.state if decision else None,
        "reason": decision.reason if decision else foresight.answer.reason,
        "fix": decision.fix if decision else "",
        "known": remembered(foresight.facts) if foresight.facts else None,
        "then": (
            {"id": stored.id, "state": stored.state, "reason": stored.reason, "body": stored.body}
            if stored
            else None
        ),
        "changes": [
            {"field": field, "then": before, "now": after} for field, before, after in changes(stored, mapped)
        ],
        "requests": [
            {
                "account": sent.account,
                "method": sent.request.method,
                "path": sent.request.path,
                "body": orjson.loads(sent.request.body),
            }
            for sent in foresight.sent
        ],
    }


def _event(reading: Reading) -> dict[str, Any]:
    return {
        "type": reading.type,
        "occurred_at": reading.occurred_at,
        "contact": asdict(reading.contact),
        "contact_key": asdict(reading.key) if reading.key else None,
        "location": {"id": reading.location_id, "name": reading.location_name},
        "workflow": reading.workflow_name,
        "data": dict(reading.data),
        "deleted": reading.deleted,
        "do_not_call": {"all_channels": reading.dnd_all, "calls": reading.dnd_call},
    }
