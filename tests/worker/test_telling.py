"""What Fusion says of a person is kept for `bridge show`; the log tells why, and not who."""

import pytest
import structlog
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

from tests.harness import running

pytestmark = pytest.mark.anyio

SAID = "Lead 'Annabel Leeworth' of Oak Street 5, phone 555-0101, is not valid"
ALLOWED = "Lead '•••' of ••• 5, phone •••, is not valid"
ANNABEL = {"first_name": "Annabel", "last_name": "Leeworth", "phone": "+12025550101"}


def quoting(status):
    """A Fusion that refuses every lead, and quotes it."""

    def refuse(_):
        return JSONResponse({"success": False, "error": SAID}, status)

    app = Starlette(routes=[Route("/{path:path}", refuse, methods=["GET", "POST", "PATCH"])])
    app.state.sandbox = None
    return app


def kept(lines):
    """The lines as a file has them: `who`, first letters and a masked phone, is for a terminal alone."""
    return [{name: value for name, value in each.items() if name != "who"} for each in lines]


def line(lines, name):
    return next(line for line in lines if line["event"] == name)


async def test_the_lead_that_fusion_quotes_stays_out_of_the_log(tmp_path):
    with structlog.testing.capture_logs() as lines:
        async with running(tmp_path, sandbox=quoting(400)) as bridge:
            event = await bridge.accept(**ANNABEL)
            await bridge.settled()
            assert bridge.fate(event) == f"dead: Fusion refused it: {SAID}"
    assert line(lines, "attempt.finished")["error"] == ALLOWED
    assert line(lines, "attempt.finished")["who"] == ["A•• L•• +1202•••0101"]
    dead = line(lines, "event.dead")
    assert (dead["reason"], dead["in_full"]) == (f"Fusion refused it: {ALLOWED}", f"bridge show {event}")
    assert not [each for each in lines if "Leeworth" in str(each)]
    assert not [each for each in kept(lines) if "0101" in str(each)]


async def test_nor_does_a_pause_tell_of_it(tmp_path):
    with structlog.testing.capture_logs() as lines:
        async with running(tmp_path, sandbox=quoting(403)) as bridge:
            await bridge.accept(**ANNABEL)
            await bridge.until(lambda: bridge.rows("SELECT 1 FROM lanes"))
    assert line(lines, "account.paused")["detail"] == ALLOWED
    assert not [each for each in lines if "Leeworth" in str(each)]
    assert not [each for each in kept(lines) if "0101" in str(each)]
