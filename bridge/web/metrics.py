"""`/metrics`: the page that Prometheus reads. Made in a thread, so that no webhook waits for it."""

import asyncio

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from bridge.errors import StoreError
from bridge.metrics import CONTENT_TYPE
from bridge.web.state import Surface


async def metrics(request: Request) -> Response:
    """All metrics; 503 with the reason while the database can't be read."""
    surface: Surface = request.app.state.surface
    try:
        page = await asyncio.to_thread(surface.metrics.page)
    except StoreError as error:
        return JSONResponse({"status": "not ready", "reason": error.message, "fix": error.fix}, 503)
    return Response(page, media_type=CONTENT_TYPE)
