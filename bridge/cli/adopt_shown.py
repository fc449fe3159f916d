"""How `bridge adopt` shows itself at work: a bar for each list on a terminal, a line now and then elsewhere.

On stderr, so that the tables at the end are all there is on stdout. Rule for editors: no names, and no phone
unmasked.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from bridge.cli.output import as_called, console, duration, printable, table
from bridge.cli.sheet import short
from bridge.masking import mask_phone

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from bridge.worker.course import Course

Show = Callable[["Course"], None]

# Off a terminal: a line for so many pages.
LINE_PAGES = 10
# Leads that Fusion hasn't any more: so many are shown, --json has them all.
MOST_MISSING = 10
# A wait that is longer than that is worth a line, once.
LINE_WAIT_S = 5.0


@contextmanager
def shown(*, several: bool) -> Iterator[Show]:
    """Somebody to tell of every course, as long as it takes. With several accounts each is named."""
    to = console(stderr=True)
    if not to.is_terminal:
        yield _Lines(several=several).show
        return
    from rich.progress import BarColumn, Progress, TextColumn  # noqa: PLC0415

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        TextColumn("{task.fields[said]}", markup=False),
    )
    with Progress(*columns, console=to, transient=True) as progress:
        yield _Bars(progress, several=several).show


class _Bars:
    """A bar for each list, with what it waits for."""

    def __init__(self, progress: "Progress", *, several: bool) -> None:
        self._progress = progress
        self._several = several
        self._tasks: dict[str, TaskID] = {}

    def show(self, course: "Course") -> None:
        name = _name(course, several=self._several)
        if name not in self._tasks:
            self._tasks[name] = self._progress.add_task(name, total=None, said="")
        said = ", ".join(filter(None, (_read(course), _waits(course))))
        total = course.leads if course.done_at else course.total
        self._progress.update(self._tasks[name], completed=course.seen, total=total, said=said)


class _Lines:
    """A line for each list at its end, and on the way now and then."""

    def __init__(self, *, several: bool) -> None:
        self._several = several
        self._waited: dict[str, str] = {}

    def show(self, course: "Course") -> None:
        name = _name(course, several=self._several)
        if course.waits_for:
            if course.waits_s >= LINE_WAIT_S and self._waited.get(name) != course.waits_for:
                self._waited[name] = course.waits_for
                typer.echo(f"{name}: {_waits(course)}", err=True)
            return
        if not course.requests:
            return
        self._waited.pop(name, None)
        if course.done_at or course.trouble or (course.pages and course.pages % LINE_PAGES == 0):
            typer.echo(f"{name}: {_read(course)}", err=True)


def _name(course: "Course", *, several: bool) -> str:
    campaign = short(course.campaign_id) or "Default Feed"
    return printable(f"{course.account}, {campaign}" if several else campaign)


def _read(course: "Course") -> str:
    of = "" if course.total is None else f" of {course.total:,}"
    pages = "1 page" if course.pages == 1 else f"{course.pages:,} pages"
    return f"{course.seen:,}{of} leads, {pages}"


def _waits(course: "Course") -> str:
    if not course.waits_for:
        return ""
    when = "" if course.waits_s == float("inf") else f" in {duration(course.waits_s)}"
    return f"next request{when} ({course.waits_for})"


def tell_missing(courses: "Iterable[Course]") -> None:
    """What the bridge knew and Fusion hasn't: it is forgotten, and this is the place where that is said."""
    missing = [(course, lead) for course in courses for lead in course.missing]
    if not missing:
        return
    one = len(missing) == 1
    what = (
        "1 known lead isn't in Fusion any more: it is"
        if one
        else (f"{len(missing):,} known leads aren't in Fusion any more: they are")
    )
    typer.echo(f"{what} forgotten, and the next event of each contact creates it.")
    table(
        ("account", "campaign", "phone", "lead"),
        [
            (
                course.account,
                short(course.campaign_id) or "Default Feed",
                mask_phone(lead.phone),
                lead.lead_id or "without an id",
            )
            for course, lead in missing[:MOST_MISSING]
        ],
        whole=(0, 1, 2),
    )
    if len(missing) > MOST_MISSING:
        typer.echo(f"… and {len(missing) - MOST_MISSING:,} more: --json shows them all.")
    typer.echo(as_called("To send them now: `bridge replay --state delivered --since 30d`."))
