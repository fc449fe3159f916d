"""The bridge and the sandbox as real processes on loopback: started, awaited, killed by their pid, measured.

Knows processes, ports and files; nothing of events. Rule for editors: whatever is started here dies with the
process that started it (Linux tells it to), and nothing else is ever ended.
"""

import contextlib
import ctypes
import http.client
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, Self

ROOT = Path(__file__).parents[2]
READY_WITHIN_S = 20.0
STOP_WITHIN_S = 15.0

# What the script `bridge` does, but always with the code beside these tests.
_BRIDGE = (sys.executable, "-c", "from bridge.cli import main; main()")
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None)
_TICK = os.sysconf("SC_CLK_TCK")


def free_port() -> int:
    """A free port below the ephemeral ones: no client can take it between two starts."""
    for _ in range(200):
        port = random.randint(15_000, 32_000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise RuntimeError("no free port")


def hold(port: int) -> socket.socket:
    """Keep it from other tests while nobody listens there; whoever is to listen can all the same."""
    holder = socket.socket()
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    holder.bind(("127.0.0.1", port))
    return holder


def call(
    port: int, method: str, path: str, body: Any = None, *, headers: Mapping[str, str] | None = None
) -> Any:
    """One request for JSON, on a connection of its own. Raises OSError while nobody listens."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request(method, path, json.dumps(body) if body is not None else None, headers or {})
        return json.loads(connection.getresponse().read())
    except http.client.HTTPException as error:
        raise ConnectionError(str(error)) from error
    finally:
        connection.close()


class Spawned(Protocol):
    """A process that was started: what is asked of a Popen here."""

    pid: int

    def poll(self) -> int | None: ...
    def wait(self, timeout: float | None = None) -> int: ...
    def kill(self) -> None: ...
    def terminate(self) -> None: ...


class Process:
    """One process of ours, its output in a file; a context manager that ends it."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        port: int,
        log: Path,
        probe: str,
        spawn: Callable[[], Spawned] | None = None,
    ) -> None:
        """`spawn` starts it in another way than by its command."""
        self.port = port
        self.log = log
        self._command = list(command)
        self._probe = probe
        self._spawn = spawn or self._fresh
        self._popen: Spawned | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.running:
            self.kill()

    @property
    def pid(self) -> int:
        assert self._popen is not None
        return self._popen.pid

    @property
    def running(self) -> bool:
        return self._popen is not None and self._popen.poll() is None

    def start(self) -> float:
        """Start it and wait until it answers. Returns the seconds that took."""
        began = time.perf_counter()
        self.launch()
        while True:
            if not self.running:
                raise RuntimeError(f"{self._command[0]} ended at once:\n{self.tail()}")
            with contextlib.suppress(OSError):
                call(self.port, "GET", self._probe)
                return time.perf_counter() - began
            if time.perf_counter() - began > READY_WITHIN_S:
                raise RuntimeError(f"not ready within {READY_WITHIN_S:g} s:\n{self.tail()}")
            time.sleep(0.01)

    def launch(self) -> None:
        """Start it and don't wait."""
        self._popen = self._spawn()

    def _fresh(self) -> Spawned:
        with self.log.open("ab") as output:
            return subprocess.Popen(
                self._command,
                cwd=ROOT,
                stdout=output,
                stderr=output,
                preexec_fn=_die_with_parent,  # noqa: PLW1509 - these are started from the main thread
            )

    def kill(self) -> None:
        """kill -9, and wait until it is gone."""
        assert self._popen is not None
        self._popen.kill()
        self._popen.wait()

    def terminate(self) -> int:
        """SIGTERM, as a service manager does. Returns the exit status."""
        assert self._popen is not None
        self._popen.terminate()
        return self._popen.wait(STOP_WITHIN_S)

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """It stands still meanwhile, and leaves the processor to others."""
        os.kill(self.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.pid, signal.SIGCONT)

    def tail(self) -> str:
        """The end of what it printed."""
        return self.log.read_text(errors="replace")[-2000:]

    def cpu_s(self) -> float:
        """Processor time used so far, by all of its threads."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICK

    def pss_mib(self) -> float:
        """Proportional set size of the process and its children."""
        return sum(_pss_kib(pid) for pid in _tree(self.pid)) / 1024


def bridge(config: Path, port: int) -> Process:
    """The service, not started yet; its log is a file beside the configuration."""
    command = [*_BRIDGE, "serve", "-c", str(config)]
    return Process(command, port=port, log=config.with_name("bridge.log"), probe="/readyz")


def sandbox(
    folder: Path, *, rules: str = "june", requests: int = 100, per_s: float = 60, seed: int = 0
) -> Process:
    """Fusion's stand-in, not started yet."""
    port = free_port()
    options = {"rules": rules, "requests": requests, "per_s": per_s, "seed": seed}
    command = [sys.executable, "-m", "tests.crash.sandbox_process", str(port), json.dumps(options)]
    return Process(command, port=port, log=folder / "sandbox.log", probe="/sandbox/stats")


def _die_with_parent() -> None:
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _tree(pid: int) -> Iterator[int]:
    yield pid
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in children.read_text().split():
            yield from _tree(int(child))


def _pss_kib(pid: int) -> int:
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    return 0
