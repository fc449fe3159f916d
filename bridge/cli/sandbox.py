"""`bridge sandbox`: Fusion in memory on a port, with its limits, and with faults on demand.

Knows options and how to listen; `bridge.fusion.sandbox` knows Fusion. Rule for editors: it listens before it
says so, and a wrong option is told in the option's own words.
"""

import socket
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args

import typer

from bridge.cli.stopping import until_stopped
from bridge.errors import BridgeError

if TYPE_CHECKING:
    from bridge.fusion.sandbox import Fault

_NAMES = {"delay": "delay_s"}
_KEYS = ("kind", "status", "delay", "times", "rate", "method", "phone")
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 -- compared with, not listened on


def command(
    host: Annotated[str, typer.Option(metavar="HOST", help="Where to listen.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(metavar="PORT", min=0, max=65_535, help="0: a free one.")] = 9100,
    rules: Annotated[
        Literal["june", "july"], typer.Option(help="Which revision of Fusion's reference to enforce.")
    ] = "june",
    requests: Annotated[
        int, typer.Option(metavar="N", min=1, help="Each key's limit: so many requests …")
    ] = 100,
    per: Annotated[str, typer.Option(metavar="TIME", help="… in any such span of time.")] = "60s",
    key: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY", help="A key to accept; repeat for more. Without: any key."),
    ] = None,
    fault: Annotated[
        list[str] | None,
        typer.Option(metavar="K=V,…", help="A fault to begin with; repeat for more."),
    ] = None,
) -> None:
    """Run a sandbox of the Fusion leads API. Nobody is called, nothing is kept.

    Leads, limits and refusals are as in Fusion's API reference. A fault is a list of kind (status,
    delay, reset_before, reset_after, reset_late, html, garbage, empty, half, huge, text, redirect,
    fewer, others, no_ids or down), status, delay, times, rate, method and phone. GET / of the sandbox
    says what each kind does.

    Example:
      bridge sandbox
      bridge sandbox --requests 10 --per 5s --fault status=503,rate=0.1
      bridge sandbox --fault delay=2s,method=POST --fault reset_after,times=1
      bridge sandbox --fault status=500,phone=+12025550101
      curl http://127.0.0.1:9100/sandbox/leads
    """
    from bridge.fusion.sandbox import create_sandbox  # noqa: PLC0415 -- brings starlette and httpx2

    per_s = _seconds(per, option="--per")
    faults = [_fault(text) for text in fault or ()]
    app = create_sandbox(rules=rules, api_keys=key or None, requests=requests, per_s=per_s)
    app.state.sandbox.faults.add(*faults)
    with until_stopped(), _listen(host, port) as listener:
        _introduce(_url(host, listener.getsockname()[1]), any_key=not key)
        _run(app, listener)


def _run(app: Any, listener: socket.socket) -> None:
    import uvicorn  # noqa: PLC0415

    from bridge.fusion.sandbox import SandboxProtocol  # noqa: PLC0415

    config = uvicorn.Config(
        app,
        http=SandboxProtocol,
        log_config=None,
        access_log=False,
        lifespan="off",
        server_header=False,
        date_header=False,  # the sandbox sends its own
    )
    uvicorn.Server(config).run(sockets=[listener])


def _listen(host: str, port: int) -> socket.socket:
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        reason = (error.strerror or str(error)).lower().partition(" (")[0]
        fix = "choose another --port or --host"
        raise BridgeError(f"can't listen on {host}:{port}: {reason}", fix=fix) from None


def _url(host: str, port: int) -> str:
    reached = _EVERYWHERE.get(host, host)
    return f"http://[{reached}]:{port}" if ":" in reached else f"http://{reached}:{port}"


def _introduce(url: str, *, any_key: bool) -> None:
    typer.echo(
        f"""\
A sandbox of Fusion at {url}; Ctrl-C ends it.

To point the bridge at it, in config.yaml:

  fusion:
    base_url: {url}
    accounts: {{main: {{api_key: {"any-key-will-do" if any_key else "one of the keys given"}}}}}

Look and meddle:

  curl {url}/sandbox/leads              what it has been sent
  curl {url}/sandbox/requests           each request and its answer
  curl {url}/sandbox/stats              counts, and how often the limit was hit
  curl -d '{{"kind": "status", "status": 503, "times": 3}}' {url}/sandbox/faults
  curl -X DELETE {url}/sandbox/faults   everything works again
  curl -X POST {url}/sandbox/reset      forget everything
"""
    )


def _fault(text: str) -> "Fault":
    """`status=500,rate=0.1`, `down`, `delay=2s,method=POST`."""
    from pydantic import ValidationError  # noqa: PLC0415

    from bridge.fusion.sandbox_faults import FaultKind, parse_faults  # noqa: PLC0415

    given: dict[str, Any] = {}
    for part in text.split(","):
        name, equals, value = (piece.strip() for piece in part.partition("="))
        if not equals:
            name, value = "kind", name  # `down` alone
        if name not in _KEYS:
            raise _wrong("--fault", f"{part!r} in {text!r}: known keys are {', '.join(_KEYS)}")
        given[_NAMES.get(name, name)] = _seconds(value, option="--fault") if name == "delay" else value
    given.setdefault("kind", "delay" if "delay_s" in given and "status" not in given else "status")
    if "method" in given:
        given["method"] = given["method"].upper()
    try:
        found = parse_faults(given)[0]
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        # After the place in the list comes the name, then whatever type pydantic tried.
        name = str(first["loc"][1]).removesuffix("_s")
        said = f"kinds are {', '.join(get_args(FaultKind))}" if name == "kind" else first["msg"].lower()
        raise _wrong("--fault", f"{name} in {text!r}: {said}") from None
    if found.kind == "status" and not found.status:
        raise _wrong("--fault", f"{text!r} has no status; write for example status=503")
    return found


def _seconds(text: str, *, option: str) -> float:
    """A span as the configuration writes it, and refused in its words."""
    from pydantic_core import PydanticCustomError  # noqa: PLC0415

    from bridge.config.values import seconds  # noqa: PLC0415

    try:
        return seconds(text)
    except PydanticCustomError as error:
        said = error.context or {}
        message = said["message"] if "{value}" in said["message"] else f"{{value}} {said['message']}"
        words = message.replace("{value}", repr(text))
        raise _wrong(option, f"{words}; {said['fix']}".replace("{value}", text)) from None


def _wrong(option: str, message: str) -> typer.BadParameter:
    return typer.BadParameter(message, param_hint=option)
