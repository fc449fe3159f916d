"""`/`: for a person's browser. `/healthz`: the process lives. `/readyz`: it can store events now.

The last is proved by a write.
"""

import asyncio

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from bridge.errors import StoreError
from bridge.store.database import prove
from bridge.store.trouble import no_room
from bridge.web.state import Surface

# A probe that takes longer than this means that a webhook would, too.
READY_WITHIN_S = 3.0


async def front(_request: Request) -> Response:
    """What a person sees who opens the bridge's address: that it works, and nothing else."""
    return PlainTextResponse("The bridge works.\n")


async def healthz(_request: Request) -> Response:
    """200 while the process lives."""
    return JSONResponse({"status": "ok"})


async def readyz(request: Request) -> Response:
    """200 while events can be stored; else 503 with the reason and the fix."""
    surface: Surface = request.app.state.surface
    try:
        async with asyncio.timeout(READY_WITHIN_S):
            await surface.writer.run(prove)
            full = await asyncio.to_thread(no_room, surface.config().database)
        if full is not None:
            raise full
    except StoreError as error:
        return JSONResponse({"status": "not ready", "reason": error.message, "fix": error.fix}, 503)
    except TimeoutError:
        reason = f"the database didn't answer within {READY_WITHIN_S:g} s"
        fix = "check the disk, and who else holds the database"
        return JSONResponse({"status": "not ready", "reason": reason, "fix": fix}, 503)
    return JSONResponse({"status": "ready"})
