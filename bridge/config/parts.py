"""What is right of a file that has mistakes: enough of it to check the rest.

Knows sections, not messages. The rule to keep: places keep their numbers when something is taken out, so
that what is found later still names the line the user wrote.
"""

import copy
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from bridge.config.document import Steps
from bridge.config.schema import DoNotCallKeys, LeadKeys, RetentionKeys, RetryKeys, RouteKeys, TableKeys

_NEVER = {"when": "false"}  # stands in for a route that can't be read, and takes no lead


def without(data: dict[str, Any], wrong: Iterable[Steps]) -> dict[str, Any]:
    """The data without what is wrong; a list keeps its length."""
    clean = copy.deepcopy(data)
    for steps in wrong:
        holder: Any = clean
        for step in steps[:-1]:
            holder = _entry(holder, step)
        last = steps[-1]
        if isinstance(holder, dict):
            holder.pop(last, None)
        elif isinstance(holder, list) and isinstance(last, int):
            holder[last] = dict(_NEVER) if holder is clean.get("routes") else ""
    return clean


def _entry(holder: Any, step: str | int) -> Any:
    if isinstance(holder, list) and isinstance(step, int):
        return holder[step]
    return holder.get(step) if isinstance(holder, dict) else None  # taken out already


@dataclass(frozen=True, slots=True)
class Parts:
    """The sections that other sections depend on, as far as they are right."""

    lead: LeadKeys | None
    routes: list[RouteKeys]
    do_not_call: DoNotCallKeys
    retry: RetryKeys
    retention: RetentionKeys
    tables: TableKeys

    @classmethod
    def of(cls, clean: Mapping[str, Any]) -> "Parts":
        lead = clean.get("lead")
        return cls(
            lead=None if lead is None else LeadKeys.model_validate(lead),
            routes=[RouteKeys.model_validate(route) for route in clean.get("routes") or ()],
            do_not_call=DoNotCallKeys.model_validate(clean.get("do_not_call") or {}),
            retry=RetryKeys.model_validate(clean.get("retry") or {}),
            retention=RetentionKeys.model_validate(clean.get("retention") or {}),
            tables=TableKeys.model_validate(
                {key: clean[key] for key in TableKeys.model_fields if clean.get(key) is not None}
            ),
        )


def account_names(data: Mapping[str, Any]) -> list[str]:
    fusion = data.get("fusion")
    accounts = fusion.get("accounts") if isinstance(fusion, dict) else None
    return list(accounts) if isinstance(accounts, dict) else []
