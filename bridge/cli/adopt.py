"""`bridge adopt`: learn the leads that Fusion has already, a hundred with each request.

Knows which lists are read and how to say what came of it; `worker.adopting` reads them. Rule for editors: no
phone gets to the screen unmasked, and whatever was learned stays learned, however it ends.
"""

import asyncio
import signal
import sqlite3
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bridge.cli.adopt_shown import shown, tell_missing
from bridge.cli.configured import DEFAULT_CONFIG, ConfigOption, load_config
from bridge.cli.output import JsonOption, duration, local_time, print_json, program, refuse, table
from bridge.cli.sheet import short
from bridge.errors import BridgeError

if TYPE_CHECKING:
    from bridge.config import Config
    from bridge.worker.course import Course

Courses = dict[tuple[str, str], "Course"]


def command(
    *,
    config: ConfigOption = DEFAULT_CONFIG,
    account: Annotated[
        list[str] | None,
        typer.Option("--account", metavar="NAME", help="Only this Fusion account; repeat for more."),
    ] = None,
    campaign: Annotated[
        list[str] | None,
        typer.Option("--campaign", metavar="UUID", help="Only this campaign; repeat for more."),
    ] = None,
    again: Annotated[bool, typer.Option("--again", help="Start over, also where all was learned.")] = False,
    json: JsonOption = False,
) -> None:
    """Learn the leads that Fusion has already, so that they are updated instead of created.

    Reads the Default Feed of each account and every campaign that routes, locations and campaigns: may
    send to, or with --campaign only those, 100 leads a request. Worth it before the first big import
    into an account that is in use: a lead that Fusion has without our knowledge costs two requests and
    spoils a batch. Leads that the bridge knew and Fusion hasn't any more are listed and forgotten, so
    that the next event creates them. The service may run; it goes first. Stopped in the middle, the
    next run goes on from there.

    Example:
      bridge adopt
      bridge adopt --account main --campaign 6f1c2a90-3f0e-4b7e-9c1d-2a6c1b0e7d55
      bridge adopt --again
    """
    loaded = load_config(config)
    wanted = _wanted(loaded, account or [], campaign or [])
    from bridge.store.database import open_writer  # noqa: PLC0415 -- bridge --help is instant without it

    started = time.time()
    with closing(open_writer(loaded.database)) as connection:
        _bind(loaded, connection)
        courses = _begin(connection, wanted, again=again)
        finished = all(course.done_at for course in courses.values()) or _read(
            loaded, wanted, connection, courses
        )
    if json:
        print_json([_as_json(course) for course in courses.values()])
    else:
        _tell(list(courses.values()), started)
    perhaps = set() if campaign else _perhaps(loaded)
    troubles = [
        each for place, each in courses.items() if each.trouble and not (each.absent and place in perhaps)
    ]
    for course in troubles:
        refuse(BridgeError(f"{course.account}, {_name(course)}: {course.trouble}", fix=course.fix))
    if not finished:
        refuse(BridgeError("stopped before the end", fix="`bridge adopt` goes on from there"))
    if troubles or not finished:
        raise typer.Exit(1)


def _perhaps(config: "Config") -> set[tuple[str, str]]:
    """Campaigns that only an expression may name: an account need not have each of them."""
    from bridge.rules.destination import places  # noqa: PLC0415

    found = list(places(config.rules))
    certain = {(place.account, place.campaign_id) for place in found if place.certain}
    return {(place.account, place.campaign_id) for place in found} - certain


def _wanted(config: "Config", accounts: list[str], campaigns: list[str]) -> dict[str, list[str]]:
    """By account the campaigns to read; "" is the Default Feed."""
    from bridge.rules.destination import places  # noqa: PLC0415 -- bridge --help is instant without it

    known = list(config.fusion.accounts)
    for name in accounts:
        if name not in known:
            said = f"there is no account {name!r} in {config.path}; known: {', '.join(known)}"
            raise typer.BadParameter(said, param_hint="--account")
    chosen = list(dict.fromkeys(accounts)) or known
    if not campaigns:
        named = [(place.account, place.campaign_id) for place in places(config.rules)]
        # The Default Feed always: what had no campaign once went there.
        return {
            name: list(dict.fromkeys(["", *(id_ for account, id_ in named if account == name)]))
            for name in chosen
        }
    if len(chosen) > 1:
        said = f"in which account? Add --account: {', '.join(chosen)}"
        raise typer.BadParameter(said, param_hint="--campaign")
    return {chosen[0]: list(dict.fromkeys(map(_uuid, campaigns)))}


def _uuid(text: str) -> str:
    try:
        return str(uuid.UUID(text.strip()))
    except ValueError:
        said = f"{text!r} is no campaign id; Fusion shows it in the campaign's address, 36 characters"
        raise typer.BadParameter(said, param_hint="--campaign") from None


def _bind(config: "Config", connection: sqlite3.Connection) -> None:
    """What is learned belongs to the Fusion that is asked.

    Raises:
        BridgeError: a service is running that still works with another one.
    """
    from bridge.store import adopting, origins, status  # noqa: PLC0415

    fusion = origins.origin_of(config.fusion.base_url)
    changed = origins.elsewhere(connection, config.fusion.accounts, fusion)
    if changed and status.owner(config.database):
        names = ", ".join(changed)
        fix = "restart the service, or reload it with SIGHUP; then run `bridge adopt` again"
        raise BridgeError(f"the service doesn't work with {fusion} yet (account {names})", fix=fix)
    with adopting.writing(connection):
        origins.bind(connection, config.fusion.accounts, fusion, config.tags, time.time())


def _begin(connection: sqlite3.Connection, wanted: Mapping[str, Iterable[str]], *, again: bool) -> Courses:
    """Every list that is wanted, and how far it was read before."""
    from bridge.store import adopting  # noqa: PLC0415
    from bridge.worker.course import known_course  # noqa: PLC0415

    places = [(name, campaign) for name, campaigns in wanted.items() for campaign in campaigns]
    if again:
        with adopting.writing(connection):
            adopting.start_over(connection, places)
    return {place: known_course(connection, *place) for place in places}


def _read(
    config: "Config",
    wanted: Mapping[str, Iterable[str]],
    connection: sqlite3.Connection,
    courses: Courses,
) -> bool:
    """Read them all, as far as it goes; whether nobody stopped it."""
    with shown(several=len(config.fusion.accounts) > 1) as show:

        def tell(course: "Course") -> None:
            courses[course.account, course.campaign_id] = course
            show(course)

        try:
            asyncio.run(_adopt(config, wanted, connection, tell))
        except asyncio.CancelledError:
            return False
    return True


async def _adopt(
    config: "Config",
    wanted: Mapping[str, Iterable[str]],
    connection: sqlite3.Connection,
    tell: Callable[["Course"], None],
) -> None:
    from bridge.clock import steady_clock  # noqa: PLC0415
    from bridge.fusion.client import FusionClient  # noqa: PLC0415
    from bridge.store.status import owner  # noqa: PLC0415
    from bridge.worker.adopting import adopt  # noqa: PLC0415

    task, loop, clock = asyncio.current_task(), asyncio.get_running_loop(), steady_clock()
    if task is not None:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, task.cancel)
    fusion = config.fusion
    await adopt(
        config,
        wanted,
        connection,
        client=lambda name: FusionClient(fusion.base_url, fusion.accounts[name].api_key, clock=clock),
        shares=lambda: bool(owner(config.database)),
        clock=clock,
        tell=tell,
    )


def _tell(courses: "list[Course]", started: float) -> None:
    several = len({course.account for course in courses}) > 1
    table(
        (*(("account",) if several else ()), "campaign", "leads in Fusion", "new to the bridge", "state"),
        [
            (
                *((course.account,) if several else ()),
                short(course.campaign_id) or "Default Feed",
                "?" if course.total is None and not course.seen else f"{course.leads:,}",
                f"{course.new:,}",
                _state(course, started),
            )
            for course in courses
        ],
        right=(several + 1, several + 2),
        whole=range(several + 3),
    )
    typer.echo()
    requests, new = (sum(getattr(course, name) for course in courses) for name in ("requests", "new"))
    dates = [course.done_at for course in courses if course.done_at and not course.requests]
    if len(dates) == len(courses):
        at = max(dates)
        typer.echo(
            f"All of it was learned already, the last {duration(started - at)} ago ({local_time(at)[:16]})."
        )
        typer.echo(f"`{program()} adopt --again` starts over.")
        return
    typer.echo(f"{_count(new, 'lead')} learned with {_count(requests, 'request')} to Fusion.")
    _tell_forgotten(courses)
    tell_missing(courses)
    if opt_outs := sum(course.opt_outs for course in courses):
        whose = "somebody who must" if opt_outs == 1 else f"{opt_outs:,} of people who must"
        typer.echo(
            f"Among them {whose} not be called: the service will tag {'it' if opt_outs == 1 else 'them'}."
        )


def _tell_forgotten(courses: "list[Course]") -> None:
    """Of people who were erased, by the ids of their leads: nobody else knows of these any more."""
    leads = [(course, lead_id) for course in courses for lead_id in course.forgotten]
    if leads:
        typer.echo("These leads of people who were erased are still in Fusion; delete them there:")
        table(
            ("account", "campaign", "lead"),
            [
                (course.account, course.campaign_id or "Default Feed", lead_id or "without an id")
                for course, lead_id in leads
            ],
            whole=range(3),
        )


def _count(count: int, what: str) -> str:
    return f"{count:,} {what}{'s' * (count != 1)}"


def _state(course: "Course", started: float) -> str:
    if course.absent:
        return "there is none"
    if course.done_at is None:
        return f"not all yet: {course.seen:,} read" if course.seen else "not read yet"
    if not course.requests:
        return f"learned {duration(started - course.done_at)} ago"
    if course.seen < course.leads:  # a lead without a phone, or a Fusion that shows a page twice
        return f"done; Fusion showed {course.seen:,}"
    return "done"


def _name(course: "Course") -> str:
    return f"campaign {course.campaign_id}" if course.campaign_id else "Default Feed"


def _as_json(course: "Course") -> dict[str, Any]:
    return {
        "account": course.account,
        "campaign_id": course.campaign_id,
        "leads": course.leads,
        "new": course.new,
        "forgotten": list(course.forgotten),
        "missing": [{"phone": each.phone, "lead_id": each.lead_id} for each in course.missing],
        "pages": course.pages,
        "done": course.done_at is not None,
    }
