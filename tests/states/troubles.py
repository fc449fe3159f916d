"""What may go wrong at Fusion, as hypothesis' strategies."""

from hypothesis import strategies as st

from bridge.fusion.sandbox import Fault
from tests.states.model import PHONES

STATUSES = (400, 401, 403, 404, 408, 409, 413, 422, 429, 500, 502, 503)
APPLIED = ("reset_after", "half", "text", "fewer", "others", "no_ids")
INSTEAD = ("reset_before", "html", "garbage", "empty", "redirect")


@st.composite
def faults(draw):
    kinds = ["status", "status", "status", "instead", "applied", "applied", "late", "delay", "delay", "huge"]
    kind = draw(st.sampled_from(kinds))
    few = draw(st.integers(1, 4))
    method = draw(st.sampled_from([None, None, "POST", "PATCH", "GET"]))
    match kind:
        case "status":
            return Fault(
                "status", status=draw(st.sampled_from(STATUSES)), delay_s=7, times=few, method=method
            )
        case "instead":
            return Fault(draw(st.sampled_from(INSTEAD)), times=few, method=method)
        case "applied":
            return Fault(draw(st.sampled_from(APPLIED)), times=few, method=method)
        case "late":
            return Fault("reset_late", delay_s=draw(st.sampled_from([0.5, 5, 30])), times=few, method="POST")
        case "delay":
            return Fault("delay", delay_s=draw(st.sampled_from([0.5, 8, 50])), times=few, method=method)
        case _:
            return Fault("huge", times=1, method=method)


@st.composite
def poison(draw):
    """One lead that Fusion refuses or stumbles over."""
    phone, status = draw(st.sampled_from(PHONES)), draw(st.sampled_from([400, 422, 500, 503, 0]))
    return Fault("status", status=status, phone=phone) if status else Fault("reset_before", phone=phone)
