"""Binds the accounts to the Fusion of the configuration, and says which of them had another one before.

Rule for editors: what is under way to the old Fusion is settled before anything of it is put aside.
"""

import asyncio
from collections.abc import Callable, Collection

import structlog

from bridge.config import Config
from bridge.errors import StoreError
from bridge.outbox.lane import LaneState
from bridge.store import origins
from bridge.store.writer import Writer
from bridge.worker.lane import Lane
from bridge.worker.signals import STORE_PAUSE_S, Signals

log = structlog.get_logger()

FIX = "`bridge adopt` learns the leads that it has; `bridge replay --state delivered --since 7d` sends again"


async def bind(writer: Writer, config: Config, clock: Callable[[], float]) -> None:
    """Bind every account, in one transaction. Raises StoreError when the database can't be written."""
    fusion, accounts, now = origins.origin_of(config.fusion.base_url), config.fusion.accounts, clock()
    for changed in await writer.run(
        lambda connection: origins.bind(connection, accounts, fusion, config.tags, now)
    ):
        log.warning(
            "fusion.changed",
            account=changed.account,
            before=changed.before,
            now=changed.now,
            leads_put_aside=changed.put_aside,
            leads_back=changed.back,
            changes_dropped=changed.dropped,
            fix=FIX,
        )


async def move(
    lanes: Collection[Lane],
    writer: Writer,
    signals: Signals,
    config: Config,
    clock: Callable[[], float],
) -> bool:
    """Bind every account anew once nothing is under way. The lanes begin nothing until `Lane.use`.

    Returns False when the service stops before that, or the change fails: the next start binds them.
    """
    for lane in lanes:
        lane.retire()
    for lane in lanes:
        await lane.quiet()
    while not signals.stopping:
        try:
            await bind(writer, config, clock)
        except StoreError:
            pass
        except Exception:
            log.exception("fusion.change_failed", fix="the old configuration goes on; a restart tries again")
            return False
        else:
            for lane in lanes:
                lane.state = LaneState()  # what it waited for was the old Fusion
            return True
        await asyncio.sleep(STORE_PAUSE_S)
    return False
