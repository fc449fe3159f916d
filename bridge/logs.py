"""structlog, set up once: JSON off a terminal, sentences on one, and nothing that must not be read by others.

Event names are `noun.verbed`. Rule for editors: log through `structlog.get_logger()` everywhere; the
redaction here is the last line of defence, not a reason to log a payload.
"""

import asyncio
import logging
import re
import sys
import time
from collections.abc import Callable, Collection, Mapping, MutableMapping, Sequence
from typing import Any, BinaryIO, Final
from urllib.parse import quote

import orjson
import structlog

from bridge.masking import mask_text
from bridge.spoken import sentence

_OURS: Final = ("event", "level", "timestamp")  # fields that hold nothing but our own words
_SHORTEST: Final = 6  # of a secret: what is shorter is a word that stands everywhere

# What stays wrong is said once, and then as seldom as this: a line a second would bury what else is said.
SAY_AGAIN_S: Final = 600.0


def configure(secrets: Collection[str] = (), *, json: bool | None = None, level: int = logging.INFO) -> None:
    """Set up logging for the process; call again after a reload, with the new secrets."""
    as_json = not sys.stdout.isatty() if json is None else json
    # Longest first: a secret that contains another must not leave its tail behind.
    spelt = {way for secret in secrets if len(secret) >= _SHORTEST for way in _ways(secret)}
    known = sorted(spelt, key=len, reverse=True)

    def redact(_logger: Any, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        for name, value in line.items():
            if name not in _OURS:
                line[name] = _masked(value, known)
        return line

    def redact_all(logger: Any, method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        """A library's message is no name of ours: it may quote anything."""
        line["event"] = _masked(line.get("event", ""), known)
        return redact(logger, method, line)

    first: list[Any] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    if as_json:
        first.append(_without_who)
        renderer: Any = structlog.processors.JSONRenderer(serializer=_json)
        final: Any = structlog.processors.JSONRenderer(serializer=orjson.dumps, default=str)
        lines = Lines(sys.stdout.buffer)
        factory: Any = lambda *_names: lines  # noqa: E731 - structlog asks for a factory
    else:
        renderer = final = _on_a_terminal(sentence)
        factory = structlog.PrintLoggerFactory(sys.stdout)
    structlog.configure(
        processors=[*first, redact, final],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=factory,
        cache_logger_on_first_use=False,  # a reload brings new secrets
    )
    _adopt_standard_logging([*first, redact_all], renderer)


def _without_who(_logger: Any, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Whom a line is about, by first letters, is for a terminal alone: a file is kept and searched."""
    line.pop("who", None)
    return line


def _on_a_terminal(render: Callable[..., Any]) -> Callable[..., Any]:
    """What it shows as it is, the message and the traceback, may quote a stranger: it moves no cursor."""

    def plainly(logger: Any, method: str, line: MutableMapping[str, Any]) -> Any:
        for name in ("event", "exception"):
            if isinstance(text := line.get(name), str) and not text.isprintable():
                line[name] = "".join(
                    sign if sign.isprintable() or sign == "\n" else "\ufffd" for sign in text
                )
        return render(logger, method, line)

    return plainly


def _ways(secret: str) -> set[str]:
    """How it may stand in a text: as it is, as Python and JSON quote it, and in the ways of a URL."""
    quoted = {quote(secret, safe=safe) for safe in ("", "/")}
    lower = {re.sub("%..", lambda found: found[0].lower(), way) for way in quoted}
    return {secret, repr(secret)[1:-1], orjson.dumps(secret).decode()[1:-1], *quoted, *lower}


def _masked(value: Any, secrets: Sequence[str]) -> Any:
    """The value without secrets and people; what is no plain data becomes text here, to be masked, too."""
    if isinstance(value, str):
        return mask_text(value, secrets)
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, Mapping):
        return {mask_text(str(key), secrets): _masked(item, secrets) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_masked(item, secrets) for item in value]
    return mask_text(str(value), secrets)


class Seldom:
    """Tells whether something that is tried again and again, and goes on failing, is worth a line."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._said: str | None = None
        self._said_at = 0.0

    def due(self, words: str) -> bool:
        """True the first time, when it fails in other words, and every SAY_AGAIN_S."""
        now = self._clock()
        if words == self._said and now - self._said_at <= SAY_AGAIN_S:
            return False
        self._said, self._said_at = words, now
        return True

    def over(self) -> None:
        """It worked: the next failure is a new one."""
        self._said = None


class Lines:
    """Writes lines of bytes. Inside the event loop, all lines of one turn leave in one write.

    Each write lets another thread take the interpreter; a line a webhook would cost more than the webhook.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._waiting: list[bytes] = []
        self._loop: asyncio.AbstractEventLoop | None = None  # that will flush

    def msg(self, line: bytes) -> None:
        self._waiting.append(line + b"\n")
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:  # a command, or the very end
            self._flush()
            return
        if loop is not self._loop:
            self._loop = loop
            loop.call_soon(self._flush)

    debug = info = warning = error = critical = exception = msg

    def _flush(self) -> None:
        lines, self._waiting, self._loop = b"".join(self._waiting), [], None
        self._stream.write(lines)
        self._stream.flush()


def _adopt_standard_logging(shared: list[Any], renderer: Any) -> None:
    """What libraries log (uvicorn's tracebacks, above all) takes the same shape and the same redaction."""
    handler = logging.StreamHandler(sys.stdout)
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
    )
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    # A form that it can't read is refused in our words.
    logging.getLogger("python_multipart").setLevel(logging.CRITICAL)


def _json(line: Any, **_options: Any) -> str:
    return orjson.dumps(line, default=str).decode()
