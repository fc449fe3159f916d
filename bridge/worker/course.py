"""What there is to show of a campaign whose leads are being adopted: a value, made anew at every change.

Rule for editors: what goes to the screen and into logs of others shows phones masked, if at all.
"""

import sqlite3
from dataclasses import dataclass

from bridge.store import adopting
from bridge.store.mending import Missing
from bridge.worker.reading import Reading


@dataclass(frozen=True, slots=True)
class Course:
    """One campaign's list and how it goes, for people."""

    account: str
    campaign_id: str
    total: int | None = None  # leads in Fusion, as told last
    seen: int = 0  # on the pages read, those of earlier runs included
    new: int = 0
    opt_outs: int = 0
    forgotten: tuple[str, ...] = ()  # ids of leads that erased people still have in Fusion
    missing: tuple[Missing, ...] = ()  # leads that the map had, and Fusion hasn't
    pages: int = 0  # in this run, as are the requests
    requests: int = 0
    done_at: float | None = None
    absent: bool = False  # Fusion has no such feed
    waits_s: float = 0.0
    waits_for: str = ""
    trouble: str = ""
    fix: str = ""

    @property
    def leads(self) -> int:
        """Leads in Fusion, as far as is known."""
        return self.seen if self.total is None else self.total


def known_course(connection: sqlite3.Connection, account: str, campaign_id: str) -> Course:
    """Reads how far an earlier run came."""
    known = adopting.progress(connection, account, campaign_id)
    seen = Reading.from_page(known.next_page, known.total).seen if known.done_at is None else known.total or 0
    return Course(account, campaign_id, known.total, seen, done_at=known.done_at)
