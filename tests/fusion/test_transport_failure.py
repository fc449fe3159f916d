"""Every way in which no answer can come has an outcome, and none of them talks about secrets."""

import socket
import ssl
from dataclasses import replace

import httpx2
import pytest

from bridge.fusion.failures import transport_failure
from bridge.outbox.outcome import Failed, Unreachable

NOT_SENT = {"ConnectError", "ConnectTimeout", "PoolTimeout", "ProxyError"}
CUT_SHORT = {
    *("TimeoutException", "ReadTimeout", "WriteTimeout", "NetworkError", "ReadError", "WriteError"),
    *("CloseError", "RemoteProtocolError"),
}
UNFORESEEN = {
    *("RequestError", "TransportError", "UnsupportedProtocol", "ProtocolError", "LocalProtocolError"),
    *("SSEError", "DecodingError", "TooManyRedirects"),
}


def family(kind: type[Exception]) -> set[type[Exception]]:
    return {kind}.union(*(family(child) for child in kind.__subclasses__()))


LIBRARY = sorted(
    (kind for kind in family(httpx2.RequestError) if kind.__module__.startswith("httpx2")),
    key=lambda kind: kind.__name__,
)


def test_no_error_of_the_library_is_forgotten():
    assert {kind.__name__ for kind in LIBRARY} == NOT_SENT | CUT_SHORT | UNFORESEEN


@pytest.mark.parametrize("kind", LIBRARY)
def test_every_error_of_the_library_is_mapped(kind):
    outcome = transport_failure(kind("details"))
    if kind.__name__ in UNFORESEEN:
        assert isinstance(outcome, Failed)
    else:
        assert isinstance(outcome, Unreachable)
    assert outcome.uncertain is (kind.__name__ not in NOT_SENT)
    assert transport_failure(kind("details"), writes=False) == replace(outcome, uncertain=False)
    assert 0 < len(outcome.reason) < 200


@pytest.mark.parametrize(
    ("error", "outcome", "uncertain"),
    [
        (ConnectionRefusedError(111, "Connection refused"), Unreachable, False),
        (socket.gaierror(-2, "Name or service not known"), Unreachable, False),
        (ssl.SSLCertVerificationError(1, "certificate verify failed"), Unreachable, False),
        (ssl.SSLError(1, "bad record"), Unreachable, True),
        (ConnectionResetError(104, "reset"), Unreachable, True),
        (BrokenPipeError(32, "pipe"), Unreachable, True),
        (TimeoutError(), Unreachable, True),
        (OSError("anything"), Unreachable, True),
        (EOFError(), Failed, True),
        (RuntimeError("anything"), Failed, True),
        (httpx2.StreamClosed(), Failed, True),
        (httpx2.InvalidURL("http://"), Failed, True),
    ],
)
def test_other_errors(error, outcome, uncertain):
    came = transport_failure(error)
    assert isinstance(came, outcome)
    assert came.uncertain is uncertain


def test_a_quoted_header_stays_out_of_the_reason():
    error = httpx2.LocalProtocolError("Illegal header value b'Bearer secret-key\\n'")
    assert "secret" not in transport_failure(error).reason


def test_what_the_operator_can_mend_is_said():
    reason = transport_failure(httpx2.ConnectError("[Errno -2] Name or service not known")).reason
    assert "Name or service not known" in reason
