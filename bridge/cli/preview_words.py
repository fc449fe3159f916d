"""The sentences of `bridge preview`: how a value is shown, what do-not-call decided, what to do now.

Pure text. Rule for editors: say whose doing it was (the event's, a rule's, Fusion's limits) and what would
change it.
"""

from collections.abc import Mapping
from typing import Any

from bridge.cli import places
from bridge.cli.foresight import Foresight
from bridge.cli.output import printable
from bridge.errors import MappingError
from bridge.inbound import JsonSource, Source
from bridge.inbound.ghl import nested
from bridge.model import Mapped, Reading
from bridge.outbox.facts import OwnTags
from bridge.rules.mapping import Route, Rules

_LONGEST = 300  # characters of one value; --json gives all of it

# By the words of `inbound`; any other is of a body that nobody could read.
_OF_REFUSED = {
    "no event type": (
        "a GHL app's delivery names its event, as type: ContactCreate, say. If this comes from a workflow or "
        "a form, name that source with --source; add one to sources: if there is none."
    )
}
_BLOCK_KEYS = ("dnd", "donot")  # how whatever speaks of do-not-disturb begins, spelt in letters only


def shown(value: Any) -> str:
    """A rule's value on one line; text in quotes only where one would otherwise misread it."""
    match value:
        case None | "" | [] | ():
            return "(nothing)"
        case bool():
            return "true" if value else "false"
        case str():
            text = printable(value[:_LONGEST])
            if len(value) > _LONGEST:
                return f"{text}… ({len(value)} characters)"
            return f"“{text}”" if text != text.strip() else text
        case list() | tuple():
            return ", ".join(shown(item) for item in value)
        case dict():
            return ", ".join(f"{shown(key)}: {shown(item)}" for key, item in value.items())
        case _:
            return printable(str(value))


def destination(rules: Rules, route: Route, mapped: Mapped) -> str:
    """Where a route sends this lead, or why not."""
    if route.skip:
        return f"skipped: {printable(route.skip)}"
    where = mapped.destination
    if where is None:
        return f"account {places.destination(rules, route)}"
    kind = f", {where.kind}" if where.kind else ""
    return f"account {where.account}, {places.campaign(rules, where.campaign_id)}{kind}"


def do_not_call(source: Source | None, reading: Reading, mapped: Mapped, tags: OwnTags) -> str:
    """Whether this person may be called, and who said so."""
    if reading.deleted:
        return f"The contact was deleted: no lead is made, one that exists gets the tag {tags.deleted}."
    flagged = bool(reading.dnd_all or reading.dnd_call)
    blocked = mapped.blocked_if_flagged if flagged else mapped.blocked_if_not
    channels = "every channel" if reading.dnd_all else "calls"
    consequence = f"no lead is made, one that exists gets the tag {tags.do_not_call}."
    if flagged and blocked:
        return f"Blocked: the event says do-not-disturb for {channels}; {consequence}"
    if flagged:
        return f"Allowed: the event says do-not-disturb for {channels}, but do_not_call.when doesn't hold."
    if blocked:
        return f"Blocked: do_not_call.when holds for this contact; {consequence}"
    if reading.dnd_all is None and reading.dnd_call is None:
        if near := _near_do_not_call(source, reading):
            return (
                f"Allowed: {near} isn't understood as do-not-disturb for calls; dnd with true or false is. "
                "What earlier events said still counts."
            )
        return "Allowed: the event doesn't speak of do-not-disturb. What earlier events said still counts."
    return "Allowed: the event says that there is no do-not-disturb."


def _near_do_not_call(source: Source | None, reading: Reading) -> str:
    """What looks like do-not-disturb in an event that is silent about it: a misspelt key, another channel."""
    if isinstance(source, JsonSource):
        try:
            value = source.contact["do_not_call"]({"payload": reading.payload})
        except (KeyError, MappingError):  # no such rule, or it gives nothing
            return ""
        return "" if value in (None, "") else f"contact.do_not_call ({shown(value)})"
    layers = (
        reading.payload,
        nested(reading.payload, "contact"),
        nested(reading.payload, "data"),
        reading.data,
    )
    for key, value in (pair for layer in layers for pair in layer.items()):
        letters = "".join(filter(str.isalpha, key.lower()))
        if letters.startswith(_BLOCK_KEYS) and value not in (None, "", {}):
            return f"{printable(key)} ({shown(value)})"
    return ""


def verdict(foresight: Foresight, *, known: bool) -> str:
    """The fate in a few words, to stand beside the state."""
    decision = foresight.decision
    if decision is None:
        return ""
    if decision.state != "queued":
        return printable(decision.reason)
    if decision.puts[0].only_existing:
        return f"{decision.puts[0].only_existing}: the lead gets a tag"
    return "a change of a lead that Fusion has" if known else "a new lead"


def advice(foresight: Foresight, *, known: bool) -> list[str]:
    """What the fate means, and what to do if another was expected."""
    decision = foresight.decision
    if decision is None:
        return []
    if decision.state == "queued":
        return [] if known else ["--known shows what is sent when Fusion has the lead already."]
    if decision.state == "dead":
        return [f"fix: {printable(decision.fix)}"]
    return [_of_skipped(decision.reason, foresight)]


def _of_skipped(reason: str, foresight: Foresight) -> str:
    if reason == "no phone":
        return (
            "fix: nothing, if the contact has none: a later event with a phone makes the lead. Else let a "
            "rule of lead.phone name where the payload has it."
        )
    if reason == "filtered: no route matches":
        return "fix: if such contacts are wanted, add a last route without `when`."
    if reason.startswith("filtered: "):
        taken = foresight.routes[-1]
        return f"fix: if it is wanted, change `when` of route {taken.number}, {printable(taken.route.name)}."
    return "Nothing is sent for a lead that Fusion doesn't have; --known shows what is if it does."


def stopped(foresight: Foresight) -> tuple[str, str, str]:
    """What became of a delivery that isn't stored, why, and the fix."""
    answer, source = foresight.answer, foresight.source
    name = source.name if source else "NAME"
    reason = printable(answer.reason)
    if answer.status == "ignored" and reason.startswith("location"):
        return "IGNORED", reason, f"fix: if it is wanted, add it to sources.{name}.locations."
    if answer.status == "ignored":
        return "IGNORED", reason, "fix: nothing; such events tell nothing about a contact."
    if answer.status == "unauthorized":
        return "REFUSED", reason, f"fix: correct sources.{name}.app_id, if the delivery is of your app."
    fix = _OF_REFUSED.get(
        reason, "let the sender send one JSON object with the contact's id, phone or e-mail."
    )
    return "REFUSED", reason, f"fix: {fix}"


def names(mapping: Mapping[str, Any]) -> str:
    """The names that a rule may use."""
    return " · ".join(printable(name) for name in mapping)
