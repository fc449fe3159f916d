"""A foresight as a page for people: what came, which way it went, what each rule did, what would be sent.

Knows colours and columns; `preview_words` has the sentences. Rule for editors: colour only stresses, the
words alone tell everything, because the page is also piped, pasted, and read by people who see no red.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import orjson
import typer
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from bridge.cli.foresight import Foresight, Sent, Tried
from bridge.cli.output import console, local_time, printable
from bridge.cli.preview_memory import Stored
from bridge.cli.preview_then import changes, remembered
from bridge.cli.preview_words import advice, destination, do_not_call, names, shown, stopped, verdict
from bridge.config import Config
from bridge.model import FieldTrace, Mapped
from bridge.rules.mapping import Rules
from bridge.spoken import COLOURS

if TYPE_CHECKING:
    from rich.console import Console

_FIELDS = ("name", "phone", "email", "company", "tags")  # custom fields come after them
_STATES = {"queued": f"bold black on {COLOURS['queued']}", "skipped": f"bold black on {COLOURS['skipped']}"}
_STATES["dead"] = f"bold white on {COLOURS['dead']}"


def tell(
    foresight: Foresight, config: Config, *, file: str, known: bool, stored: Stored | None = None
) -> None:
    """Print the whole page."""
    to = console()
    _facts(to, [("Payload", file), *_event(foresight)])
    reading, mapped, decision = foresight.reading, foresight.mapped, foresight.decision
    if reading is None or mapped is None or decision is None:
        badge, reason, fix = stopped(foresight)
        _fate(to, badge, _STATES["skipped" if foresight.answer.code == 200 else "dead"], reason, [fix])
        return
    _heading(to, "Routes")
    _routes(to, foresight.routes, config.rules, mapped)
    _heading(to, "Fields")
    _fields(to, mapped.trace)
    if foresight.warnings:
        _heading(to, "Warnings")
        _rows(to, [(Text("!", "bold yellow"), Text(printable(each))) for each in foresight.warnings])
    _heading(to, "Do-not-call")
    _paragraph(to, do_not_call(foresight.source, reading, mapped, config.tags))
    if foresight.facts and (said := remembered(foresight.facts)):
        _heading(to, "Known already")
        for line in said:
            _paragraph(to, line)
    if stored:
        _heading(to, "Then")
        _paragraph(to, ": ".join(printable(part) for part in (stored.state, stored.reason) if part))
        _rows(
            to,
            [
                (Text(printable(field)), Text(f"{shown(before)}\n→ now {shown(after)}"))
                for field, before, after in changes(stored, mapped)
            ],
        )
    words, more = verdict(foresight, known=known), advice(foresight, known=known)
    _fate(to, decision.state.upper(), _STATES[decision.state], words, more)
    for sent in foresight.sent:
        _request(to, sent, config)


def _event(foresight: Foresight) -> list[tuple[str, str]]:
    answer, reading, source = foresight.answer, foresight.reading, foresight.source
    said = ": ".join(part for part in (f"{answer.code} {answer.status}", printable(answer.reason)) if part)
    came = [("Source", f"{source.name}: {printable(foresight.why)}" if source else ""), ("Answer", said)]
    if reading is None:
        return came
    at, contact = reading.occurred_at, reading.contact
    person = " · ".join(each for each in (contact.name, contact.phone, contact.email, contact.id) if each)
    return [
        *came,
        ("Event", reading.type),
        ("Contact", shown(person)),
        ("Time", local_time(at) if at is not None else "of its arrival: it names none"),
        ("Tags", shown(contact.tags)),
        ("Custom", names(contact.custom)),
        ("Data", names(reading.data)),
    ]


def _facts(to: "Console", facts: Iterable[tuple[str, str]]) -> None:
    _rows(to, [(Text(name, "bold"), Text(fact)) for name, fact in facts if fact], indent=0)


def _routes(to: "Console", routes: Iterable[Tried], rules: Rules, mapped: Mapped) -> None:
    rows = []
    for each in routes:
        taken = each.verdict == "taken"
        verdict = destination(rules, each.route, mapped) if taken else each.verdict
        condition = printable(each.when) or "(always)"
        rows.append(
            (
                Text(f"{'✓' if taken else '✗'} {each.number}", "bold green" if taken else "dim"),
                Text(printable(each.route.name), "bold" if taken else "dim"),
                Text.assemble((condition, "" if taken else "dim"), f"\n→ {verdict}"),
            )
        )
    _rows(to, rows)


def _fields(to: "Console", traces: Iterable[FieldTrace]) -> None:
    rows = []
    before = ""
    for trace in sorted(traces, key=_in_order):
        used = trace.after is not None
        label = trace.field if trace.field != before else ""
        before = trace.field
        rule = Text.assemble((printable(trace.rule), "" if used else "dim"), "\n", (trace.at, "dim cyan"))
        rows.append((Text(label, "bold" if used else "dim"), rule, _change(trace)))
    _rows(to, rows)


def _in_order(trace: FieldTrace) -> int:
    """As in the file; phone is decided first, but isn't what people look for first."""
    return _FIELDS.index(trace.field) if trace.field in _FIELDS else len(_FIELDS)


def _change(trace: FieldTrace) -> Text:
    given, kept = shown(trace.before), shown(trace.after)
    if trace.after is None:
        return Text(f"{given}\n→ not used", "dim")
    if given == kept:
        return Text.assemble((given, "green"), ("\n→ the same", "dim"))
    return Text.assemble(given, "\n→ ", (kept, "bold green"))


def _fate(to: "Console", badge: str, style: str, words: str, more: Iterable[str]) -> None:
    to.print()
    _rows(to, [(Text(f" {badge} ", style), Text(words, "bold"))], indent=0)
    for line in more:
        _paragraph(to, line)


def _request(to: "Console", sent: Sent, config: Config) -> None:
    to.print()
    to.print(
        Text(f"{sent.request.method} {config.fusion.base_url}{sent.request.path}", "bold"), soft_wrap=True
    )
    to.print(Text(f"with the key of account {sent.account}", "dim"))
    body = orjson.dumps(orjson.loads(sent.request.body), option=orjson.OPT_INDENT_2).decode()
    typer.echo("\n".join(printable(line) for line in body.splitlines()))


def _heading(to: "Console", text: str) -> None:
    to.print()
    to.print(Text(text, "bold underline"))


def _paragraph(to: "Console", text: str) -> None:
    _print(to, Padding(Text(text), (0, 0, 0, 2)))


def _rows(to: "Console", rows: Iterable[tuple[Text, ...]], *, indent: int = 2) -> None:
    """Aligned columns, the last of which takes what width is left."""
    listed = list(rows)
    grid = Table.grid(padding=(0, 2, 0, 0))
    for column in range(len(listed[0]) if listed else 0):
        widest = max(max(map(len, row[column].plain.split("\n"))) for row in listed)
        first, last = column == 0, column == len(listed[0]) - 1
        limit = None if last else 22 if first else to.width * 2 // 5
        grid.add_column(overflow="fold", max_width=limit, min_width=min(widest, 12))
    for row in listed:
        grid.add_row(*row)
    _print(to, Padding(grid, (0, 0, 0, indent)))


def _print(to: "Console", page: Padding) -> None:
    """Without the blanks with which rich fills every line: they wrap when the page is pasted elsewhere."""
    with to.capture() as captured:
        to.print(page)
    typer.echo("\n".join(line.rstrip() for line in captured.get().splitlines()))
