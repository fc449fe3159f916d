"""The security headers of every answer: nothing here is to be guessed at, kept, framed or run.

Knows headers, not who answers. Rule for editors: a page that needs more (a dashboard's styles) says so by
setting the header itself; what an answer has already is left alone.
"""

from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

SECURITY_HEADERS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
    (b"referrer-policy", b"no-referrer"),  # a webhook's address holds its secret
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
)
PLAIN_HEADERS: Final = (*SECURITY_HEADERS, (b"content-type", b"text/plain; charset=utf-8"))


class SecurityHeaders:
    """ASGI middleware. The webhooks in front of it add the same by themselves."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = list(message.get("headers", ()))
                there = {name.lower() for name, _ in headers}
                headers += [header for header in SECURITY_HEADERS if header[0] not in there]
                message = {**message, "headers": headers}
            await send(message)

        await self._app(scope, receive, guarded)
