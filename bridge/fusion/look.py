"""Whether a lead that a look-up found is one that our batch in doubt created: its time of creation tells.

Knows that Fusion's clock may be another than ours. Doesn't know what follows: whoever asked decides that.
Rule for editors: in doubt it says Rejected, never Delivered; a lead taken for ours by mistake is never sent.
"""

from bridge.fusion.received import Received
from bridge.fusion.rows import e164, id_in, phone_in, rows
from bridge.fusion.times import http_date, moment
from bridge.outbox.outcome import Delivered, Exists, Outcome, Rejected
from bridge.outbox.request import Request

# `Date` has whole seconds, `created_at` may have; and two machines at Fusion may differ by some tenths.
SLACK_S = 2.0
# Further ahead than clocks differ is no moment of creation, but say a local time without its offset.
_AHEAD_S = 300.0

_FIX = "nothing to do: what was in doubt is sent again"


def judge(request: Request, came: Received, *, now: float) -> Outcome:
    """What the lead in a 2xx answer tells about the batch that left at `request.since`."""
    phone = str(request.leads[0].get("phone", ""))
    found = rows(came.data)
    row = next((row for row in found if phone_in(row) == phone), found[0] if found else {})
    other = phone_in(row)
    if e164(other) not in {None, e164(phone)}:
        return Rejected("Fusion answered with the lead of another phone", _FIX)
    created_at = moment(row.get("created_at"))
    if created_at is None:
        return Rejected("Fusion's answer doesn't say when the lead was created", _FIX)
    fusion_now = http_date(came.headers.get("date"))
    age_s = (now if fusion_now is None else fusion_now) - created_at
    if age_s < -_AHEAD_S:
        return Rejected("Fusion's answer says that the lead was created in the future", _FIX)
    # Ages, not moments: each is a difference of one clock with itself.
    too_old_s = age_s - max(now - request.since, 0.0)
    if too_old_s > SLACK_S:
        return Exists(f"it was there before the batch left, for {too_old_s:.0f} s")
    return Delivered({phone: id_in(row)})
