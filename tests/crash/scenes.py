"""What is done in a world while somebody dies: one scene for the service's everyday, one for each command.

A scene plays to its end whether anybody dies or not; its `steps` are what it is about. Rule for editors: a
scene ends when nothing waits, and leaves it to `judge` to find fault.
"""

import asyncio
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tests.crash.dying import Death
from tests.crash.judge import adopted, backed_up, everyday, forgotten, migrated, pruned, reloaded, replayed
from tests.crash.town import (
    AMY,
    BATCH,
    BEN,
    CHANGES,
    EVE_AGAIN,
    HAL,
    HAL_OUT,
    LATER,
    PHONES,
    REFUSED,
    RESET,
    Act,
)
from tests.crash.verdicts import Fault
from tests.crash.world import World

SLOW = {"kind": "delay", "delay_s": 0.04}
REFUSES = {"kind": "status", "status": 400, "phone": PHONES[REFUSED]}


@dataclass(frozen=True, slots=True)
class Scene:
    """`play` is given the death of whoever is to die; `lives` says that it is the service's."""

    name: str
    play: Callable[[World, Death | None], Awaitable[None]]
    judge: Callable[[World], list[Fault]]
    steps: tuple[str, ...]  # it is about
    before: str = "town"  # which database and which leads there are at the beginning
    first: Death | None = None  # how the life before died
    service: bool = True  # it is the service that dies


EVERYDAY = ("receive", "resolve", "compose", "send", "settle", "prune", "start")


async def _everyday(world: World, _death: Death | None) -> None:
    """Everything that happens to people, on a Fusion that is slow, refuses, cuts off and fails."""
    await world.fault(SLOW, REFUSES)
    async with world.alive():
        await world.say(AMY)
        await world.say(*BATCH, HAL, *CHANGES)
        await world.say(HAL_OUT)
        await world.settled()
        await world.fault(SLOW, {"kind": "reset_after", "times": 2, "method": "POST"})
        await world.say(*RESET)
        await world.settled()
        await world.fault(SLOW, {"kind": "status", "status": 500, "times": 1, "method": "PATCH"})
        await world.say(AMY, *LATER, BEN[0])  # Amy's first once more: her sender repeats it
        await world.say(BEN[1])
        await world.settled()


async def _reload(world: World, _death: Death | None) -> None:
    """The rules change while requests are under way."""
    await world.fault(SLOW)
    async with world.alive():
        await world.say(AMY)
        text = world.setting.config.read_text()
        world.setting.config.write_text(text.replace("gohighlevel", "reloaded"))
        await world.signal(signal.SIGHUP)
        await world.say(Act("ben", 1), Act("cal", 1))
        await world.settled()
        await world.say(Act("dee", 1))
        await world.settled()


async def _stop(world: World, _death: Death | None) -> None:
    """SIGTERM while requests are under way; a service manager starts it again."""
    await world.fault({"kind": "delay", "delay_s": 0.2})
    async with world.alive():
        await world.say(AMY, *BATCH[:3])
        await world.signal(signal.SIGTERM)
        await world.say(*RESET)
        await world.settled()


async def _migrate(world: World, _death: Death | None) -> None:
    """The first start on the database of the release before, with what waits in it."""
    await world.fault(SLOW)
    async with world.alive():
        await world.say(AMY)
        await world.settled()


async def _backup(world: World, death: Death | None) -> None:
    """A copy beside the service, while webhooks come in; then another one to the same name."""
    await world.fault(SLOW)
    file = str(world.folder / "copy.db")
    async with world.alive():
        copying = asyncio.create_task(world.command("backup", file, death=death))
        await world.say(*BATCH[:3])
        status = await copying
        there = (world.folder / "copy.db").exists()
        world.faults += backed_up(world, complete=status == 0)
        await world.command("backup", file, *(("--force",) if there else ()))
        world.faults += backed_up(world, complete=True)
        await world.settled()


async def _beside_backup(world: World, _death: Death | None) -> None:
    """The service dies while it is copied."""
    await world.fault(SLOW)
    async with world.alive():
        copying = asyncio.create_task(world.command("backup", str(world.folder / "copy.db")))
        await world.say(AMY, *BATCH[:3])
        status = await copying
        world.faults += backed_up(world, complete=status == 0)
        await world.settled()


async def _prune(world: World, death: Death | None) -> None:
    """`bridge prune` without a service, until nothing is left to do."""
    await world.command("prune", "--yes", death=death)
    await world.command("prune", "--yes")


async def _vacuum(world: World, death: Death | None) -> None:
    await world.command("prune", "--vacuum", "--yes", death=death)
    await world.command("prune", "--vacuum", "--yes")


async def _replay(world: World, death: Death | None) -> None:
    """What died of Fusion's refusal goes again, once Fusion takes it."""
    acts = tuple(Act(who, 1, fates=frozenset({"dead"})) for who in ("amy", "ben", "cal", "dee", "lou"))
    await world.fault({"kind": "status", "status": 400})
    async with world.alive():
        await world.say(*acts)
        await world.settled()
        await world.fault(SLOW)
        await world.command("replay", "--state", "dead", death=death)
        await world.settled()
        if world.rows("SELECT 1 FROM events WHERE state = 'dead'"):
            await world.command("replay", "--state", "dead")
        await world.settled()


async def _adopt(world: World, death: Death | None) -> None:
    """Fusion has many leads; Ben is one of them, and there is news of him."""
    await world.fault(SLOW)
    async with world.alive():
        await world.command("adopt", death=death)
        await world.command("adopt")
        await world.say(AMY, BEN[1])
        await world.settled()


async def _forget(world: World, death: Death | None) -> None:
    """Eve demands erasure, and comes again afterwards."""
    await world.fault(SLOW)
    async with world.alive():
        await world.say(AMY, CHANGES[0])
        await world.settled()
        await world.command("forget", PHONES["eve"], "--yes", death=death)
        await world.command("forget", PHONES["eve"], "--yes")
        await world.say(EVE_AGAIN)
        await world.settled()


_UNDER_WAY = Death(label="send: on its way", nth=2)

SCENES = {
    scene.name: scene
    for scene in (
        Scene("everyday", _everyday, everyday, EVERYDAY),
        Scene("recovery", _everyday, everyday, ("start",), first=_UNDER_WAY),
        Scene("migration", _migrate, migrated, ("migrate",), before="release"),
        Scene("reload", _reload, reloaded, ("reload",)),
        Scene("stop", _stop, everyday, ("stop",)),
        Scene("backup", _backup, everyday, ("backup",), service=False),
        Scene("beside backup", _beside_backup, everyday, ("receive", "settle")),
        Scene("prune", _prune, pruned, ("prune",), service=False),
        Scene("vacuum", _vacuum, pruned, ("prune",), service=False),
        Scene("replay", _replay, replayed, ("replay",), service=False),
        Scene("forget", _forget, forgotten, ("forget",), service=False),
        Scene("adopt", _adopt, adopted, ("adopt",), before="crowd", service=False),
    )
}
