"""Processes of the bridge without the wait for Python: forked from one that has imported everything already.

`python -m tests.crash.nursery` is that one: an order a line on its input, an answer a line on its output.
What it forks runs the program `bridge` from its first line with a log and a pid of its own, and dies as every
other process does. Rule for editors: nothing is done here before the fork but to import; what a child finds
must be what a fresh process would find.
"""

import gc
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any, Self

from tests.crash.dying import Death, install
from tests.crash.processes import _LIBC, _PR_SET_PDEATHSIG, ROOT, Process, free_port

_IMPORTED = ("bridge.app", "bridge.cli.serve", "bridge.cli.backup", "bridge.cli.prune", "bridge.cli.adopt")


@dataclass(frozen=True, slots=True)
class Order:
    """One process to be: its arguments, the constants it has other values for, and its death, if any."""

    argv: Sequence[str]
    log: str
    constants: Mapping[str, float] = field(default_factory=dict)  # "module:NAME" → value
    death: Death | None = None
    journal: str = ""
    step: str = ""


class Forked:
    """A child of the nursery, with the few methods of Popen that `Process` asks for."""

    def __init__(self, nursery: "Nursery", pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._nursery = nursery

    def poll(self) -> int | None:
        if self.returncode is None:
            self.returncode = self._nursery.ask({"poll": self.pid})
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        end = time.monotonic() + (timeout or 3600)
        while (status := self.poll()) is None:
            if time.monotonic() > end:
                raise subprocess.TimeoutExpired(f"process {self.pid}", timeout or 0)
            time.sleep(0.005)
        return status

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def send_signal(self, number: int) -> None:
        if self.poll() is None:  # else the pid may be somebody else's
            os.kill(self.pid, number)


class Nursery:
    """Forks processes on demand; a context manager that ends them all."""

    def __init__(self, *, constants: Mapping[str, float] | None = None, preload: Path | None = None) -> None:
        """Every child has other values for these `constants`, and `preload` loaded before the C library."""
        self._constants = dict(constants or {})
        environ = {**os.environ, **({"LD_PRELOAD": str(preload)} if preload else {})}
        self._lock = threading.Lock()
        self._server = subprocess.Popen(
            [sys.executable, "-m", "tests.crash.nursery"],
            cwd=ROOT,
            env=environ,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.communicate()  # the end of its input is its end, and that of its children

    def ask(self, order: Mapping[str, Any]) -> Any:
        with self._lock:
            assert self._server.stdin is not None
            assert self._server.stdout is not None
            self._server.stdin.write(json.dumps(order) + "\n")
            self._server.stdin.flush()
            return json.loads(self._server.stdout.readline())

    def fork(self, order: Order) -> Forked:
        """Start it and don't wait."""
        constants = {**self._constants, **order.constants}
        return Forked(self, self.ask({"fork": {**asdict(order), "constants": constants}}))

    def bridge(self, config: Path, port: int) -> Process:
        """The service, not started yet; its log is a file beside the configuration."""
        log = config.with_name("bridge.log")
        order = Order(("bridge", "serve", "-c", str(config)), str(log))
        return Process(order.argv, port=port, log=log, probe="/readyz", spawn=lambda: self.fork(order))

    def sandbox(self, folder: Path, **options: Any) -> Process:
        """Fusion's stand-in, not started yet."""
        port, log = free_port(), folder / "sandbox.log"
        order = Order(("sandbox", str(port), json.dumps(options)), str(log))
        return Process(order.argv, port=port, log=log, probe="/sandbox/stats", spawn=lambda: self.fork(order))


def main() -> None:
    """Serve orders until there are no more; in a child, be what was ordered."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    for module in _IMPORTED:
        import_module(module)
    gc.freeze()  # or each child copies what it only counts
    for line in sys.stdin:
        order = json.loads(line)
        if "poll" in order:
            pid, status = os.waitpid(order["poll"], os.WNOHANG)
            _say(os.waitstatus_to_exitcode(status) if pid else None)
            continue
        pid = os.fork()
        if not pid:
            _live(order["fork"])
            return
        _say(pid)


def _say(answer: int | None) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


def _live(order: dict[str, Any]) -> None:
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    nowhere = os.open(os.devnull, os.O_RDONLY)
    log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for there, here in ((nowhere, 0), (log, 1), (log, 2)):
        os.dup2(there, here)
    for name, value in order["constants"].items():
        module, _, constant = name.partition(":")
        assert hasattr(import_module(module), constant), name
        setattr(import_module(module), constant, value)
    if order["death"]:
        install(Death(**order["death"]), Path(order["journal"]), step=order["step"])
    program, *arguments = order["argv"]
    sys.argv = [program, *arguments]
    if program == "sandbox":
        import_module("tests.crash.sandbox_process").main()
    else:
        import_module("bridge.cli").main()


if __name__ == "__main__":
    main()
