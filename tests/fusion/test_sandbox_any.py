"""The sandbox is a server, too: whatever is sent to it is refused in words or taken, and never stumbles."""

import json

import httpx2
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bridge.fusion.leads import LEADS_PATH
from bridge.fusion.sandbox import create_sandbox
from bridge.fusion.sandbox_faults import Fault, parse_faults
from bridge.fusion.sandbox_rules import check

PHONES = st.sampled_from(["+12025550101", "2025550102", "+1 (202) 555-0103"])
FIELDS = ["name", "phone", "email", "company", "tags", "custom_fields", "campaign_id", "kind", "leads"]
NAMES = st.sampled_from([*FIELDS, "status", "delay_s", "times", "rate", "method", "requests", "key"])
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10) | PHONES
SCALARS |= st.sampled_from(["sms", "call", "down", "status", "6f1c2a90-3f0e-4b7e-9c1d-2a6c1b0e7d55", 10**400])
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=5),
    max_leaves=15,
)
LEADS = st.dictionaries(NAMES, ANYTHING, max_size=6).map(
    lambda lead: {"name": "Ann", "phone": "2025550101"} | lead
)
PATHS = st.sampled_from(
    [LEADS_PATH, f"{LEADS_PATH}/x", "/sandbox/faults", "/sandbox/spend", "/sandbox/leads"]
)
QUERIES = st.dictionaries(
    st.sampled_from(["phone", "page", "pageSize", "campaign_id", "status"]), st.text() | PHONES
)


@pytest.mark.parametrize("rules", ["june", "july"])
@given(lead=ANYTHING | LEADS, patch=st.booleans())
def test_any_lead_is_right_or_complained_of(rules, lead, patch):
    fields, errors = check(lead, rules=rules, patch=patch)
    assert errors or 11 <= len(fields["phone"]) <= 16
    assert all(isinstance(error, str) and error for error in errors)


@given(ANYTHING)
def test_any_fault_is_one_or_refused(body):
    try:
        faults = parse_faults(body)
    except ValueError:
        return
    assert all(isinstance(fault, Fault) for fault in faults)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sampled_from(["GET", "POST", "PATCH", "DELETE", "PUT"]),
    PATHS,
    QUERIES,
    st.binary(max_size=60) | LEADS | ANYTHING,
    st.sampled_from(["june", "july"]),
)
@example("POST", "/sandbox/spend", {}, {"requests": 10**40}, "june")
async def test_any_request_has_an_answer(method, path, query, body, rules):
    sandbox = create_sandbox(rules=rules, requests=1000, per_s=1.0)
    transport = httpx2.ASGITransport(sandbox)  # raises what the application raises
    content = body if isinstance(body, bytes) else json.dumps(body).encode("utf-8", "surrogatepass")
    async with httpx2.AsyncClient(transport=transport, base_url="http://fusion") as http:
        answer = await http.request(
            method, path, params=query, content=content, headers={"Authorization": "Bearer key"}
        )
    # A fault that was put in force strikes later requests, never this one.
    assert answer.status_code in {200, 201, 400, 401, 404, 405, 409, 413}, answer.text
    if answer.status_code >= 400 and answer.status_code != 405:
        assert answer.json()
