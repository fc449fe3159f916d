"""The calls of Fusion's leads API on the sandbox's memory: body or query in, status and body out.

Knows the answers of both revisions. Doesn't know sockets, keys, limits or faults. Rule for editors: a batch
is all or nothing, so every complaint is found before the first lead is written.

Source: Fusion's API reference, "Leads API".
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from bridge.fusion.rows import e164
from bridge.fusion.sandbox_rules import STATUSES, Rules, check, is_uuid, kind_problem, phone_problem
from bridge.fusion.sandbox_state import Account, SandboxLead, iso

_BATCH_LIMIT = 100
_PAGE_LIMIT = 100


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer to be; `leads` is how many the request carried, for the log."""

    status: int
    body: dict[str, Any]
    leads: int = 0
    created: int = 0
    updated: int = 0


def refuse(status: int, error: str, *, details: Any = None, leads: int = 0) -> Reply:
    """An answer in Fusion's form of an error."""
    body: dict[str, Any] = {"success": False, "error": error}
    return Reply(status, body if details is None else {**body, "details": details}, leads)


def post(account: Account, body: Any, *, rules: Rules, now: float) -> Reply:
    """Create one lead, or up to 100 of them, all or none."""
    if not isinstance(body, dict):
        return refuse(400, "Validation failed", details=["Expected object"])
    batch = body.get("leads", [body])
    if not isinstance(batch, list) or not 1 <= len(batch) <= _BATCH_LIMIT:
        return refuse(400, "Validation failed", details=[f"leads: Expected 1 to {_BATCH_LIMIT} leads"])
    kind = body.get("kind")
    if "kind" in body and (problem := kind_problem(kind, rules)):
        return refuse(400, "Validation failed", details=[f"kind: {problem}"], leads=len(batch))
    return _create(account, batch, single="leads" not in body, kind=kind, rules=rules, now=now)


def _create(
    account: Account, batch: list[Any], *, single: bool, kind: str | None, rules: Rules, now: float
) -> Reply:
    checked: list[dict[str, Any]] = []
    complaints: list[dict[str, Any]] = []
    for index, lead in enumerate(batch):
        with_kind = {**lead, "kind": kind} if kind and isinstance(lead, dict) else lead
        fields, errors = check(with_kind, rules=rules, patch=False)
        errors += _kind_conflict(account, fields)
        checked.append(fields)
        if errors:
            complaints.append({"index": index, "errors": errors})
    if complaints:
        details = complaints[0]["errors"] if single else complaints
        return refuse(400, "Validation failed", details=details, leads=len(batch))
    if (culprit := _conflict(account, checked)) is not None:
        # The reference doesn't say whether a batch's 409 names the culprit: here June doesn't and July does.
        named = (
            None if single or rules == "june" else [{"index": culprit, "errors": ["phone: Already exists"]}]
        )
        error = "A lead with this phone already exists in the campaign"
        return refuse(409, error, details=named, leads=len(batch))
    for fields in checked:
        if campaign_kind := fields.pop("kind", None):
            account.kinds.setdefault(fields.get("campaign_id", ""), campaign_kind)
    leads = [account.create(fields, at=now) for fields in checked]
    shown = [_shown(lead, "name", "phone", "campaign_name", "status", "created_at") for lead in leads]
    data = {"mode": "atomic", "inserted": len(leads), "leads": shown}
    return Reply(201, {"success": True, "data": data}, leads=len(leads), created=len(leads))


def _kind_conflict(account: Account, fields: Mapping[str, Any]) -> list[str]:
    """A kind must match its campaign's; here a campaign has the kind it was first used with."""
    kind, campaign_id = fields.get("kind"), fields.get("campaign_id")
    if not kind or not campaign_id or account.kinds.get(campaign_id, kind) == kind:
        return []
    return ["kind: Doesn't match the campaign"]


def _conflict(account: Account, batch: list[dict[str, Any]]) -> int | None:
    """The first lead whose phone its campaign, or the batch before it, already has."""
    seen: set[tuple[str, str]] = set()
    for index, fields in enumerate(batch):
        key = (fields.get("campaign_id", ""), fields["phone"])
        if key in seen or account.find(key[1], key[0]):
            return index
        seen.add(key)
    return None


def patch(account: Account, body: Any, *, rules: Rules, now: float) -> Reply:
    """Change the lead with this phone; without campaign_id the Default Feed's."""
    fields, errors = check(body, rules=rules, patch=True)
    changes = {name: value for name, value in fields.items() if name not in {"phone", "campaign_id", "kind"}}
    if not errors and not changes:
        errors = ["At least one field beside phone is needed"]
    if errors:
        return refuse(400, "Validation failed", details=errors, leads=1)
    lead = account.find(fields["phone"], fields.get("campaign_id", ""))
    if lead is None:
        return refuse(404, "Lead not found", leads=1)
    lead.write(changes, at=now)
    shown = _shown(lead, "name", "phone", "status", "updated_at")
    return Reply(200, {"success": True, "data": _wrapped(shown, rules)}, leads=1, updated=1)


def get(account: Account, query: Mapping[str, str], *, rules: Rules) -> Reply:
    """Look a lead up by phone, or list a campaign's leads."""
    campaign_id = query.get("campaign_id")
    if campaign_id is not None and not is_uuid(campaign_id):
        return refuse(400, "Validation failed", details=["campaign_id: Invalid uuid"])
    campaign_id = campaign_id and campaign_id.lower()
    if (phone := query.get("phone")) is None:
        return _page(account, query, campaign_id=campaign_id or "")
    if problem := phone_problem(phone, rules):
        return refuse(400, "Validation failed", details=[f"phone: {problem}"])
    return _one(account.find(e164(phone) or "", campaign_id), rules)


def get_by_id(account: Account, lead_id: str, *, rules: Rules) -> Reply:
    """One lead by its id."""
    return _one(account.by_id.get(lead_id.lower()), rules)


def _page(account: Account, query: Mapping[str, str], *, campaign_id: str) -> Reply:
    page, size = _positive(query.get("page", "1")), _positive(query.get("pageSize", "50"))
    status = query.get("status")
    if not page or not size or size > _PAGE_LIMIT or (status is not None and status not in STATUSES):
        details = [f"page ≥ 1, pageSize 1 to {_PAGE_LIMIT}, status one of {', '.join(STATUSES)}"]
        return refuse(400, "Validation failed", details=details)
    leads = [
        lead
        for lead in account.campaigns.get(campaign_id, {}).values()
        if status is None or lead.status == status
    ]
    shown = [
        _shown(lead, "name", "phone", "status") for lead in islice(leads, (page - 1) * size, page * size)
    ]
    name = f"Campaign {campaign_id[:8]}" if campaign_id else "Default Feed"
    data = {"campaign_name": name, "page": page, "total": len(leads), "leads": shown}
    return Reply(200, {"success": True, "data": data})


def _positive(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


def _one(lead: SandboxLead | None, rules: Rules) -> Reply:
    if lead is None:
        return refuse(404, "Lead not found")
    shown = _shown(lead, "name", "phone", "email", "campaign_name", "status", "created_at")
    return Reply(200, {"success": True, "data": _wrapped(shown, rules)})


def _wrapped(shown: dict[str, Any], rules: Rules) -> dict[str, Any]:
    return {"lead": shown} if rules == "july" else shown


def _shown(lead: SandboxLead, *names: str) -> dict[str, Any]:
    values = {name: getattr(lead, name) for name in names}
    return {
        "id": lead.id,
        **{name: iso(value) if name.endswith("_at") else value for name, value in values.items()},
    }
