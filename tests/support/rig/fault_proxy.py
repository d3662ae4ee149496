"""A proxy on loopback that makes requests fail, in front of the API server or of Prometheus.

Plain HTTP at its front, plain HTTP or TLS at its back; credentials pass through. It keeps a
record of all that it did.
"""

import asyncio
import json
import ssl
import time
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web
from yarl import URL

from tests.support.rig.faults import Asked, Choose, Fault, Met, asked
from tests.support.rig.following import CLOSING_SECONDS

NOT_PASSED = frozenset(
    {"connection", "keep-alive", "transfer-encoding", "host", "content-length", "content-encoding"}
)
NO_ANSWER = 499
"""The status of a response that nobody gets."""
REMEMBERED = 3
"""A stale answer is at most this many answers old."""

REFUSALS = {
    Fault.CONFLICT: (409, "Conflict", "the object has been modified"),
    Fault.BUSY: (429, "TooManyRequests", "too many requests, please try again later"),
    Fault.ERROR: (500, "InternalError", "an error on purpose"),
    Fault.UNAVAILABLE: (503, "ServiceUnavailable", "unavailable on purpose"),
    Fault.TIMEOUT: (504, "Timeout", "request did not complete within requested timeout"),
    Fault.GONE: (410, "Expired", "too old resource version"),
}
AT_ONCE = REFUSALS.keys() - {Fault.TIMEOUT, Fault.GONE}


@dataclass(frozen=True)
class Passed:
    """One request as the proxy saw it. status: what the client was told, 0 without an answer."""

    at: float
    request: Asked
    met: Met | None
    status: int

    def __str__(self) -> str:
        what = f"{self.met.fault} ({self.met.seconds:.1f} s)" if self.met else "passed"
        return f"{self.at:.3f} {self.request}: {what}, {self.status or 'no answer'}"


@dataclass(frozen=True)
class _Answer:
    """A whole answer of the back side."""

    status: int
    headers: dict[str, str]
    body: bytes

    def response(self) -> web.Response:
        return web.Response(status=self.status, headers=self.headers, body=self.body)


class FaultProxy:
    """The proxy's behaviour; `run_proxy` runs it.

    choose: may be replaced at any time. users: token -> name, so that faults can be for one
    client, and the record names it. record: all requests that have ended, in that order.
    recorded: set with the first of them. heard: called with each request that gets a whole
    answer, and this answer's body.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        back: str,
        choose: Choose,
        users: Mapping[str, str],
    ) -> None:
        self.choose = choose
        self.url = ""
        self.record: list[Passed] = []
        self.recorded = asyncio.Event()
        self.heard: Callable[[web.Request, bytes], object] = lambda request, body: None
        self._session = session
        self._back = back.rstrip("/")
        self._users = users
        self._earlier: dict[str, deque[_Answer]] = {}
        self._watches: dict[int, web.Request] = {}
        self._forwarding: set[asyncio.Task[_Answer]] = set()
        self._flow = asyncio.Event()
        self._flow.set()

    def counts(self) -> Counter[str]:
        """How many requests met which fault; `passed` are the others."""
        return Counter(str(each.met.fault) if each.met else "passed" for each in self.record)

    def cut_watches(self) -> None:
        """Break all watches that are open."""
        for request in list(self._watches.values()):
            _abort(request)

    def freeze_watches(self) -> None:
        """Hold back all events of all watches."""
        self._flow.clear()

    def thaw_watches(self) -> None:
        """Let them go on, with all that was held back."""
        self._flow.set()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request, or don't."""
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        user = self._users.get(token, "")
        what = asked(request.method, request.rel_url.raw_path, request.query, user)
        met = self.choose(what)
        status = 0
        try:
            answer = await (self._watch if what.verb == "watch" else self._one)(request, met)
            status = answer.status if answer.status != NO_ANSWER else 0
            return answer
        except (aiohttp.ClientError, ConnectionError):
            return _abort(request)  # the back side has no answer either
        finally:
            self.record.append(Passed(time.time(), what, met, status))  # noqa: TID251 - as the audit log
            self.recorded.set()

    async def _one(self, request: web.Request, met: Met | None) -> web.StreamResponse:
        fault = met.fault if met else None
        if met is not None and fault is Fault.STALL:
            await asyncio.sleep(met.seconds)  # a client that gives up ends this handler
        if fault is Fault.RESET:
            return _abort(request)
        if fault in AT_ONCE:
            return _refusal(fault)
        earlier = self._earlier.setdefault(request.raw_path, deque(maxlen=REMEMBERED))
        if fault is Fault.STALE and earlier:
            self.heard(request, earlier[0].body)
            return earlier[0].response()
        answer = await self._forward(request)
        if request.method == "GET" and answer.status == 200:
            earlier.append(answer)
        if fault is Fault.LOST:
            return _abort(request)
        if fault is Fault.TIMEOUT:
            return _refusal(fault)
        if fault is Fault.TRUNCATED:
            return await _truncated(request, answer)
        self.heard(request, answer.body)
        return answer.response()

    async def end(self) -> None:
        """Give up all requests that are still being carried out; their connections close."""
        under_way = list(self._forwarding)
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)

    async def _forward(self, request: web.Request) -> _Answer:
        """Have a request carried out, to its end also where the client is gone before that.

        Otherwise a write might be done of which an audit log says that it failed.
        """
        body = await request.read()

        async def whole() -> _Answer:
            async with self._ask(request, body) as answer:
                return _Answer(answer.status, _kept(answer.headers), await answer.read())

        task = asyncio.create_task(whole())
        self._forwarding.add(task)
        task.add_done_callback(self._ended)
        return await asyncio.shield(task)

    def _ended(self, task: asyncio.Task[_Answer]) -> None:
        self._forwarding.discard(task)
        if not task.cancelled():
            task.exception()  # if nobody waits any more, nobody has to know

    def _ask(self, request: web.Request, body: bytes = b"") -> Any:
        return self._session.request(
            request.method,
            URL(f"{self._back}{request.raw_path}", encoded=True),
            headers=_kept(request.headers),
            data=body or None,
        )

    async def _watch(self, request: web.Request, met: Met | None) -> web.StreamResponse:
        fault = met.fault if met else None
        if fault is Fault.RESET:
            return _abort(request)
        if fault in AT_ONCE:
            return _refusal(fault)
        self._watches[id(request)] = request
        try:
            async with self._ask(request) as answer:
                response = web.StreamResponse(status=answer.status, headers=_kept(answer.headers))
                await response.prepare(request)
                await self._stream(request, response, answer, met)
                return response
        finally:
            del self._watches[id(request)]

    async def _stream(
        self,
        request: web.Request,
        response: web.StreamResponse,
        answer: aiohttp.ClientResponse,
        met: Met | None,
    ) -> None:
        fault = met.fault if met else None
        if met is not None and fault is Fault.STALL:
            await asyncio.sleep(met.seconds)
        try:
            async with asyncio.timeout(
                met.seconds if met is not None and fault in (Fault.CUT, Fault.GONE) else None
            ):
                async for piece in answer.content.iter_any():
                    await self._flow.wait()
                    await response.write(piece)
        except TimeoutError:
            if fault is Fault.CUT:
                await response.write(b'{"type":"MODIFIED","object":{"kind":')
                _abort(request)
                return
            event = {"type": "ERROR", "object": _status(Fault.GONE)}
            await response.write(json.dumps(event).encode() + b"\n")
        await response.write_eof()


def _kept(headers: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in headers.items() if key.lower() not in NOT_PASSED}


def _status(fault: Fault) -> dict[str, Any]:
    code, reason, message = REFUSALS[fault]
    return {
        "apiVersion": "v1",
        "kind": "Status",
        "status": "Failure",
        "code": code,
        "reason": reason,
        "message": message,
    }


def _refusal(fault: Fault | None) -> web.Response:
    assert fault is not None
    headers = {"Retry-After": "1"} if fault is Fault.BUSY else {}
    return web.json_response(_status(fault), status=REFUSALS[fault][0], headers=headers)


def _abort(request: web.Request) -> web.Response:
    """Break the connection; the response that is given has nobody to read it."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=NO_ANSWER)


async def _truncated(request: web.Request, answer: _Answer) -> web.StreamResponse:
    response = web.StreamResponse(status=answer.status, headers=answer.headers)
    response.content_length = len(answer.body)
    await response.prepare(request)
    await response.write(answer.body[: len(answer.body) // 2])
    await asyncio.sleep(0)  # the half is on its way before the connection breaks
    if request.transport is not None:
        request.transport.close()
    return response


@asynccontextmanager
async def run_proxy(
    back: str, choose: Choose, *, ca: Path | None = None, users: Mapping[str, str] | None = None
) -> AsyncIterator[FaultProxy]:
    """Run a proxy in front of the server `back` until the block ends.

    ca: the certificate that the server shows, where it speaks TLS.
    """
    tls = ssl.create_default_context(cafile=str(ca)) if ca else True
    connector = aiohttp.TCPConnector(ssl=tls, limit=0)
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=5)
    async with aiohttp.ClientSession(
        connector=connector, timeout=timeout, auto_decompress=True, read_bufsize=1 << 20
    ) as session:
        proxy = FaultProxy(session, back, choose, users or {})
        app = web.Application(client_max_size=1 << 26)
        app.router.add_route("*", "/{path:.*}", proxy.handle)
        runner = web.AppRunner(
            app, handler_cancellation=True, access_log=None, shutdown_timeout=0.1
        )
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            host, port = runner.addresses[0][:2]
            proxy.url = f"http://{host}:{port}"
            yield proxy
        finally:
            await runner.cleanup()
            await proxy.end()
    await asyncio.sleep(CLOSING_SECONDS)
