"""What each request leaves behind: counts, response headers and, for failures, a log line."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from recochat import context
from recochat.clock import wall
from recochat.logs import Sampler
from recochat.metrics import Metrics
from recochat.problems import MEDIA_TYPE, problem_body
from recochat.spans import Collect, Span

log = logging.getLogger(__name__)

# Not the service's work. Counting probes and scrapes would dilute the error rate of a quiet canary.
UNCOUNTED_PATHS: Final = frozenset(
    {"/health", "/health/detailed", "/metrics", "/livez", "/readyz", "/docs", "/openapi.json"}
)

_CLIENT_CLOSED_REQUEST: Final = 499  # nginx's code for a caller that left before the answer


class TelemetryMiddleware:
    """The outermost layer: names the answering version, and sees how each request ends.

    Pure ASGI, because Starlette's BaseHTTPMiddleware costs a task and two streams per request.
    """

    def __init__(
        self,
        app: ASGIApp,
        metrics: Metrics,
        version: str,
        track: str,
        collect: Collect | None = None,
        share: float = 0.0,
    ) -> None:
        """Wrap ``app``; every response gets the headers X-Recochat-* and X-Correlation-Id.

        ``collect`` gets the spans of sampled requests; ``share``: of the traces that begin here.
        """
        self._app = app
        self._metrics = metrics
        self._collect, self._share = collect, share if collect else 0.0
        self._headers = [
            (b"x-recochat-version", version.encode()),
            (b"x-recochat-track", track.encode()),
        ]
        self._sampler = Sampler(per_second=5)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request. A failure that nothing below handled becomes a 500 problem."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        request = context.enter(scope["headers"], self._share)
        headers = [*self._headers, (b"x-correlation-id", request.correlation_id.encode())]
        status = 0
        failure: Exception | None = None

        async def send_named(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message = {**message, "headers": [*message.get("headers", ()), *headers]}
            await send(message)

        try:
            await self._app(scope, receive, send_named)
        except asyncio.CancelledError:
            status = status or _CLIENT_CLOSED_REQUEST
            raise
        except Exception as error:
            # The boundary of one request: whatever went wrong is counted and answered.
            failure = error
            if status:  # Too late for another answer: let the server cut the connection.
                status = 500
                raise
            await _send_internal_error(send_named)
        finally:
            if 0 < status < 400 and context.noted_error()[0]:
                status = 500  # A stream that had begun well: for whoever counts, it failed.
            seconds = time.perf_counter() - started
            self._finish(scope, status or 500, seconds, failure)
            if self._collect is not None and request.sampled:
                self._collect(_span(scope, request, status or 500, seconds))
            context.leave()

    def _finish(self, scope: Scope, status: int, seconds: float, failure: Exception | None) -> None:
        if scope["path"] not in UNCOUNTED_PATHS:
            self._metrics.observe_request(scope["method"], status, seconds)
        if status >= 500 and (suppressed := self._sampler.admit()) is not None:
            error_class, problem = context.noted_error()
            log.log(
                logging.ERROR if failure else logging.WARNING,
                "answered %d",
                status,
                exc_info=failure,
                extra={
                    "error_class": error_class or "system",
                    "problem": problem or "internal-error",
                    "httpRequest": {
                        "requestMethod": scope["method"],
                        "requestUrl": scope["path"],
                        "status": status,
                        "latency": f"{seconds:.6f}s",
                    },
                    "suppressed": suppressed,
                },
            )


def _span(scope: Scope, request: context.RequestContext, status: int, seconds: float) -> Span:
    ended = wall()
    error_class, problem = context.noted_error()
    # The template of the path: names must be few, and ids of people and sessions are none.
    path = getattr(scope.get("route"), "path", "")
    attributes: dict[str, str | int] = {
        "http.request.method": scope["method"],
        "http.response.status_code": status,
        "http.route": path,
        "recochat.correlation_id": request.correlation_id,
        "recochat.error_class": error_class,
        "error.type": problem,
    }
    return Span(
        name=f"{scope['method']} {path}".rstrip(),
        request=request,
        started_ns=int((ended - seconds) * 1e9),
        ended_ns=int(ended * 1e9),
        attributes={name: value for name, value in attributes.items() if value},
        failed=status >= 500,
    )


async def _send_internal_error(send: Send) -> None:
    body = problem_body(500, "internal-error", "The service failed on this request.", "system")
    headers = [
        (b"content-type", MEDIA_TYPE.encode()),
        (b"content-length", str(len(body)).encode()),
    ]
    await send({"type": "http.response.start", "status": 500, "headers": headers})
    await send({"type": "http.response.body", "body": body})
