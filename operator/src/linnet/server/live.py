"""Server-sent events: a release, now and at each change."""

import asyncio
from collections.abc import Awaitable, Callable

from aiohttp import web

from linnet.server import views
from linnet.server.call import Call
from linnet.server.desk import Seen
from linnet.server.problems import Refused

LOOK_SECONDS = 0.5
"""How often the operator's memory is looked at for a change."""
SIGN_SECONDS = 10.0
"""A sign of life this often, so that nobody in between gives the stream up."""
REVIEW_SECONDS = 30.0
"""How often it is asked whether the caller may still see the release."""
STREAMS_MOST = 100

May = Callable[[Call], Awaitable[bool]]


class Streams:
    """The streams that are open. clock: seconds that only grow. pause: waits so many seconds."""

    def __init__(
        self,
        clock: Callable[[], float],
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._clock = clock
        self._pause = pause
        self._open = 0

    async def serve(self, request: web.Request, call: Call, may: May) -> web.StreamResponse:
        """Stream until the caller leaves, the release is gone, or its sight is no more allowed.

        Raises:
            Refused: there is no such release, or too many streams are open.
        """
        await call.seen()
        if self._open >= STREAMS_MOST:
            raise Refused(429, f"{STREAMS_MOST} streams are open: close one, or try again later")
        response = web.StreamResponse(
            headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"}
        )
        await response.prepare(request)
        self._open += 1
        try:
            await self._stream(response, call, may)
        except ConnectionError:
            pass  # the caller has left
        finally:
            self._open -= 1
        return response

    async def _stream(self, response: web.StreamResponse, call: Call, may: May) -> None:
        version, spoken, reviewed = "", self._clock(), self._clock()
        while True:
            try:
                seen: Seen | None = await call.seen()
            except Refused as refused:
                seen = None
                if refused.status != 404:
                    await self._pause(LOOK_SECONDS)
                    continue
            now = self._clock()
            if seen is None or (now - reviewed >= REVIEW_SECONDS and not await may(call)):
                await response.write(b"event: end\ndata: {}\n\n")
                return
            if now - reviewed >= REVIEW_SECONDS:
                reviewed = now
            if seen.version != version:
                version, spoken = seen.version, now
                data = views.summary(seen).model_dump_json(by_alias=True)
                text = f"event: release\nid: {version}\ndata: {data}\n\n"
                await response.write(text.encode())
            elif now - spoken >= SIGN_SECONDS:
                spoken = now
                await response.write(b": here\n\n")
            await self._pause(LOOK_SECONDS)
