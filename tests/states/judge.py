"""What is wrong with a world, in words: at any time, when nothing waits any more, and at the very end."""

from tests.states.model import OPT_OUT_TAGS, OWN_TAGS

FIELDS = ("name", "email", "company", "tags", "custom_fields")


def broken(world):
    """What must never happen, and did."""
    created = {}
    for lead in world.account.by_id.values():
        if lead.id not in world.foreign_ids:
            created.setdefault(lead.phone, []).append(lead.campaign_name)
    doubles = [
        f"{phone} was created in {there}"
        for phone, there in created.items()
        if len(there) > 1 and phone not in world.wire.lied
    ]
    return [*world.wire.wrong, *world.stumbled, *doubles]


def ends(world):
    """Events whose end is no end, or not theirs."""
    found = []
    for event in world.rows("SELECT id, state, reason, fix FROM events"):
        event_id, state, reason = event["id"], event["state"], event["reason"]
        if state in ("dead", "skipped") and not reason:
            found.append(f"event {event_id} is {state} without a reason")
        if state == "dead" and not event["fix"]:
            found.append(f"event {event_id} is dead without a fix: {reason}")
        if state == "dead" and event_id in world.model.in_vain:
            continue
        if state == "dead" and not world.model.phones[event_id] & world.wire.deadly.keys():
            found.append(f"event {event_id} died innocently: {reason}")
    return found


def leads(world):
    """Leads that aren't what they should be."""
    found = []
    there = list(world.account.by_id.values())
    for phone in sorted({*world.model.wishes, *(lead.phone for lead in there)}):
        ours = [lead for lead in there if lead.phone == phone and _is_ours(world, lead)]
        wish = world.model.wishes.get(phone)
        if fault := _fault(world, phone, wish, ours):
            shown = [(lead.campaign_name, *_held(lead).values()) for lead in ours]
            found.append(f"{phone} is wanted {wish}: {fault}; there is {shown}")
    return found


def _is_ours(world, lead):
    """The bridge created it, or wrote into it; others it needn't know of."""
    return lead.id not in world.foreign_ids or len(lead.history) > 1


def _fault(world, phone, wish, ours):
    # After a wrong 404 the bridge may have forgotten a lead: then what it did last is right somewhere.
    lied = phone in world.wire.lied
    match wish and wish.state:
        case None:
            return "nobody asked for it" if ours else ""
        case "live":
            wanted = wish.fields if world.rules == "july" else {**wish.fields, "custom_fields": {}}
            right = any(_held(lead) == wanted for lead in ours)
            return "" if right and (len(ours) == 1 or lied) else "isn't there as it should be"
        case "blocked":
            return "" if lied or all(OPT_OUT_TAGS & {*lead.tags} for lead in ours) else "isn't tagged"
        case "left":
            lost = lied or phone in world.wire.deadly  # a replay doesn't ask for that tag again
            return "" if lost or all(OWN_TAGS & {*lead.tags} for lead in ours) else "isn't tagged"


def _held(lead):
    return {name: getattr(lead, name) for name in FIELDS}
