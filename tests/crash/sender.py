"""A sender as reliable as GHL at its best: it repeats every webhook until somebody answers 200.

Events of one family go one after the other, so that their order of arrival is known; families go side by
side.
"""

import asyncio
import contextlib
import json
import time
from collections import Counter
from datetime import UTC, datetime
from typing import Any

from tests.crash.people import Family, Happening, Story
from tests.crash.setting import Setting

_ANSWER_WITHIN_S = 10.0
_AGAIN_S = 0.2  # as long as a start takes, or it is slowed down by those who wait for it


class Sender:
    """Sends a story at a steady rate; remembers what was accepted, and when."""

    def __init__(self, setting: Setting, story: Story, *, rate: float) -> None:
        self._setting = setting
        self._story = story
        self._gap = 1 / rate
        self.event_ids: dict[int, set[int]] = {}  # number of the happening → ids it was answered with
        self.accepted_at: dict[int, float] = {}  # … → when the first 200 came
        self.answers: Counter[str] = Counter()
        self._done = 0
        self._moments: dict[int, asyncio.Event] = {}

    async def run(self) -> None:
        """Send everything; returns when each webhook has its 200."""
        queues: dict[int, list[tuple[float, Happening]]] = {}
        for place, happening in enumerate(self._story.happenings):
            queues.setdefault(happening.family, []).append((place * self._gap, happening))
        began = time.monotonic()
        async with asyncio.TaskGroup() as group:
            for number, queue in queues.items():
                group.create_task(self._one_family(self._story.families[number], queue, began))

    async def reached(self, count: int) -> None:
        """Wait until so many webhooks have their 200."""
        if self._done < count:
            await self._moments.setdefault(count, asyncio.Event()).wait()

    async def _one_family(self, family: Family, queue: list[tuple[float, Happening]], began: float) -> None:
        for due, happening in queue:
            await asyncio.sleep(max(0.0, began + due - time.monotonic()))
            payload = (app_event if family.source == "app" else workflow_body)(happening)
            sign = self._setting.signed if family.source == "app" else self._setting.with_token
            request = sign(payload)
            copies = 2 if happening.twice else 1
            await asyncio.gather(*(self._until_accepted(happening.number, request) for _ in range(copies)))
            self._done += 1
            for moment in [moment for moment in self._moments if moment <= self._done]:
                self._moments.pop(moment).set()

    async def _until_accepted(self, number: int, request: tuple[str, bytes, dict[str, str]]) -> None:
        while True:
            try:
                status, answer = await asyncio.wait_for(
                    post(self._setting.port, *request), timeout=_ANSWER_WITHIN_S
                )
            except (OSError, EOFError, TimeoutError):
                self.answers["no answer"] += 1
                await asyncio.sleep(_AGAIN_S)
                continue
            self.answers[f"{status} {answer['status']}"] += 1
            if status == 200:
                self.event_ids.setdefault(number, set()).add(answer["event_id"])
                self.accepted_at.setdefault(number, time.time())
                return
            await asyncio.sleep(_AGAIN_S)


async def post(port: int, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, dict[str, Any]]:
    """One POST on a connection of its own. Raises OSError or EOFError when no whole answer comes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        lines = [f"POST {path} HTTP/1.1", "Host: bridge", f"Content-Length: {len(body)}", "Connection: close"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
        return int(head.split()[1]), json.loads(await reader.readexactly(length))
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


def app_event(happening: Happening) -> dict[str, Any]:
    """What a marketplace app's webhook says; silent about do-not-disturb unless that is what it is about."""
    kinds = {"create": "ContactCreate", "delete": "ContactDelete"} | dict.fromkeys(
        ("dnd", "lift"), "ContactDndUpdate"
    )
    fields = happening.fields
    return {
        "type": kinds.get(happening.kind, "ContactUpdate"),
        "webhookId": f"webhook-{happening.number}",
        "timestamp": datetime.fromtimestamp(happening.at, UTC).isoformat(),
        "locationId": "location-1",
        "id": happening.contact_id,
        "name": fields["name"],
        "email": fields["email"],
        "companyName": fields["company"],
        "phone": happening.spelling,
        "city": fields["custom_fields"]["city"],
        "tags": fields["tags"][:1],
        **_block(happening),
    }


def workflow_body(happening: Happening) -> dict[str, Any]:
    """What a workflow's webhook action sends: no id and no time of the event, the type in the custom data."""
    fields = happening.fields
    return {
        "contact_id": happening.contact_id,
        "full_name": fields["name"],
        "email": fields["email"],
        "company_name": fields["company"],
        "phone": happening.spelling,
        "city": fields["custom_fields"]["city"],
        "tags": ",".join(fields["tags"][:1]),
        "location": {"id": "location-1", "name": "Example Studio"},
        "workflow": {"id": "w1", "name": "To the dialer"},
        "customData": {"event": "contact.deleted"} if happening.kind == "delete" else {},
        **_block(happening),
    }


def _block(happening: Happening) -> dict[str, Any]:
    if happening.kind == "dnd":
        return {"dnd": True}
    if happening.kind == "lift":
        return {"dnd": False, "dndSettings": {"Call": {"status": "inactive"}}}
    return {}
