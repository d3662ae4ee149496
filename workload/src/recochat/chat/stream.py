"""An answer as server-sent events: its text in pieces, then the whole."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import orjson
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from recochat.chat.engine import Say
from recochat.problems import StoreUnavailable, problem_body

MEDIA_TYPE = "text/event-stream"

Produce = Callable[[Say], Awaitable[bytes]]
"""Says an answer piece by piece; its result is the JSON of the whole."""


class EventStream(Response):
    """Events ``piece`` (``{"text": …}``), then one ``answer`` or one ``error`` (a problem)."""

    media_type = MEDIA_TYPE

    def __init__(self, produce: Produce) -> None:
        """Send what ``produce`` says while it says it."""
        # Proxies would otherwise collect the pieces and pass them on at the end.
        super().__init__(headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._produce = produce

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the stream. A failure after its start can't change the status: it is an event."""
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})

        async def event(name: str, data: bytes) -> None:
            body = b"event: " + name.encode() + b"\ndata: " + data + b"\n\n"
            await send({"type": "http.response.body", "body": body, "more_body": True})

        try:
            whole = await self._produce(lambda text: event("piece", orjson.dumps({"text": text})))
        except StoreUnavailable:
            detail = "The session store doesn't answer: this turn isn't kept. Say it again shortly."
            await event("error", problem_body(503, "session-store-unavailable", detail, "external"))
        else:
            await event("answer", whole)
        await send({"type": "http.response.body", "body": b"", "more_body": False})
