"""The demo's stage: a folder with a real configuration, and the real service and the sandbox, each on a port.

Knows how to start, feed and stop them, all in one event loop. Rule for editors: the service is built by
`bridge.app` exactly as `bridge serve` builds it; a demo of something else would prove nothing.
"""

import asyncio
import base64
import contextlib
import json
import socket
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, Final

import httpx2
import uvicorn
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from bridge import logs
from bridge.app import create_app
from bridge.cli.demo_cases import APP_ID, Case
from bridge.config import Config, load
from bridge.errors import BridgeError
from bridge.fusion.sandbox import Sandbox, SandboxProtocol, create_sandbox
from bridge.fusion.sandbox_state import iso
from bridge.server import server_config
from bridge.store.database import open_reader, owned
from bridge.store.queries import SETTLED, states_of
from bridge.store.story import tell

WORKFLOW_TOKEN: Final = "demo-workflow-token-that-everybody-knows"  # noqa: S105 - opens a port of this machine, for a minute
FORMS_TOKEN: Final = "demo-forms-token-that-everybody-knows"  # noqa: S105 - likewise
API_KEY: Final = "demo-fusion-key"
SOLAR: Final = "6f1c2a90-3f0e-4b7e-9c1d-2a6c1b0e7d55"

CONFIG: Final = """\
# The configuration of `bridge demo`: a real one, for a Fusion sandbox on this machine.
server: {{host: 127.0.0.1, port: {port}}}
database: data/bridge.db
default_region: US

fusion:
  base_url: {fusion}
  accounts:
    main: {{api_key: {api_key}}}

sources:
  workflow: {{type: ghl_workflow, token: {workflow_token}}}
  app: {{type: ghl_app, app_id: {app_id}, public_keys: [ghl-demo.pem]}}
  forms:
    type: json
    token: {forms_token}
    id: "{{{{ payload.submission_id }}}}"
    contact:
      name: "{{{{ payload.name }}}}"
      phone: "{{{{ payload.phone }}}}"
      email: "{{{{ payload.email }}}}"

lead:
  name: ["{{{{ contact.name }}}}", "{{{{ contact.email }}}}"]
  phone: "{{{{ contact.phone }}}}"
  email: "{{{{ contact.email }}}}"
  tags: ["{{{{ contact.tags }}}}"]

routes:
  - name: existing customers
    when: "'customer' in contact.tags"
    skip: already a customer
  - name: solar
    when: "'solar' in contact.tags"
    campaign_id: {solar}
  - name: everyone else
"""


# Long enough that the bridge meets it several times, short enough to watch.
OUTAGE_S = 2.0

# Everything ends within five seconds; a machine that is busy may take this long.
PATIENCE_S = 30.0


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a case."""

    case: Case
    event_id: int | None
    answer: str
    fate: str
    fix: str
    leads: tuple[str, ...]

    @property
    def as_expected(self) -> bool:
        expected = (self.case.answer, self.case.fate, self.case.leads)
        return (self.answer, self.fate, self.leads) == expected


class Stage:
    """The running service and its Fusion."""

    def __init__(
        self, config: Config, sandbox: Sandbox, http: httpx2.AsyncClient, key: Ed25519PrivateKey
    ) -> None:
        self.config = config
        self.sandbox = sandbox
        self._http = http
        self._key = key
        self._reader = open_reader(config.database)

    @property
    def url(self) -> str:
        return f"http://{self.config.server.host}:{self.config.server.port}"

    async def play(self, cases: Sequence[Case]) -> list[Result]:
        """Send every case, one after the other; those of an outage together, while Fusion is down."""
        results: list[Result] = []
        end = time.monotonic() + PATIENCE_S
        for outage, group in groupby(cases, key=lambda case: case.outage):
            if outage:
                results += await self._outage(list(group), end)
            else:
                for case in group:
                    results.append(await self._result(case, await self._post(case), end))
        return results

    async def _outage(self, cases: list[Case], end: float) -> list[Result]:
        self.sandbox.faults.down = True
        answers = []
        for case in cases:
            answers.append(await self._post(case))
            await asyncio.sleep(OUTAGE_S / len(cases))
        self.sandbox.faults.clear()
        for answer in answers:  # all of them, before a lead is looked at: they may be about the same one
            await self._settled(answer.json().get("event_id"), end)
        return [await self._result(*each, end) for each in zip(cases, answers, strict=True)]

    async def _post(self, case: Case) -> httpx2.Response:
        if case.known:
            account = self.sandbox.account(API_KEY)
            account.create(dict(case.known), at=self.sandbox.clock())
        if case.source != "app":
            token = WORKFLOW_TOKEN if case.source == "workflow" else FORMS_TOKEN
            return await self._http.post(f"{self.url}/webhooks/{case.source}/{token}", json=dict(case.body))
        body = json.dumps({**case.body, "timestamp": iso(time.time())}).encode()
        key = Ed25519PrivateKey.generate() if case.forged else self._key
        signature = base64.b64encode(key.sign(body)).decode()
        headers = {"Content-Type": "application/json", "X-GHL-Signature": signature}
        return await self._http.post(f"{self.url}/webhooks/app", content=body, headers=headers)

    async def _result(self, case: Case, answer: httpx2.Response, end: float) -> Result:
        said: dict[str, Any] = answer.json()
        event_id: int | None = said.get("event_id")
        await self._settled(event_id, end)
        fate, fix = said.get("reason", "not stored"), ""
        if said["status"] == "duplicate":
            fate = f"is event {event_id}"
        elif event_id is not None:
            fate, fix = self._fate(event_id)
        leads = [lead for phone in case.phones for lead in self.sandbox.leads if lead.phone == phone]
        shown = tuple(f"{lead.name} ({', '.join(lead.tags)})" if lead.tags else lead.name for lead in leads)
        return Result(case, event_id, f"{answer.status_code} {said['status']}", fate, fix, shown)

    async def _settled(self, event_id: int | None, end: float) -> None:
        """Wait for the end of an event, or the end of patience."""
        waiting = True
        while waiting and event_id is not None and time.monotonic() < end:
            await asyncio.sleep(0.01)
            waiting = states_of(self._reader, [event_id])[event_id] not in SETTLED

    def _fate(self, event_id: int) -> tuple[str, str]:
        """Where the event is, and what to do about it."""
        story = tell(self._reader, event_id)
        if story is None:
            raise BridgeError(f"event {event_id} is gone", fix="this is a bug of the bridge: report it")
        if story.superseded_by is not None:
            return f"superseded by event {story.superseded_by}", ""
        return (f"{story.state}: {story.reason}" if story.reason else story.state), story.fix


@contextlib.asynccontextmanager
async def stage(folder: Path) -> AsyncIterator[Stage]:
    """Set everything up in the folder; take it down at the end, the service before its Fusion."""
    key = Ed25519PrivateKey.generate()
    with _listen() as fusion, _listen() as web:
        config = _configure(folder, key, fusion=fusion.getsockname()[1], port=web.getsockname()[1])
        app = create_sandbox(api_keys=[API_KEY])
        served = uvicorn.Config(app, http=SandboxProtocol, log_config=None, access_log=False, lifespan="off")
        bridge = server_config(create_app(config), config)
        with owned(config.database), _logs_in(folder / "bridge.log", config):
            async with (
                _serving(served, fusion),
                _serving(bridge, web),
                httpx2.AsyncClient(trust_env=False) as http,
            ):
                yield Stage(config, app.state.sandbox, http, key)


def _listen() -> socket.socket:
    # The protocol is named because asyncio sends small answers at once only where it is: else 40 ms each.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    return listener


def _configure(folder: Path, key: Ed25519PrivateKey, *, fusion: int, port: int) -> Config:
    pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (folder / "ghl-demo.pem").write_bytes(pem)
    path = folder / "config.yaml"
    text = CONFIG.format(
        port=port,
        fusion=f"http://127.0.0.1:{fusion}",
        api_key=API_KEY,
        workflow_token=WORKFLOW_TOKEN,
        forms_token=FORMS_TOKEN,
        app_id=APP_ID,
        solar=SOLAR,
    )
    path.write_text(text, encoding="utf-8")
    return load(path, {})


@contextlib.contextmanager
def _logs_in(path: Path, config: Config) -> Iterator[None]:
    """The service's log, as it is off a terminal, in a file: the screen belongs to the table."""
    with path.open("w", encoding="utf-8", buffering=1) as file:
        with contextlib.redirect_stdout(file):
            logs.configure(config.secrets, json=True)
        yield


@contextlib.asynccontextmanager
async def _serving(config: uvicorn.Config, listener: socket.socket) -> AsyncIterator[None]:
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started:
        if task.done():
            await task
            raise BridgeError("the demo's server didn't start", fix="is the temporary folder writable?")
        await asyncio.sleep(0.01)
    try:
        yield
    finally:
        server.should_exit = True
        await task
