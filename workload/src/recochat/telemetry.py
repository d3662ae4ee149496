"""What each request leaves behind: metrics, response headers and, for failures, a log line."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from recochat import context
from recochat.clock import wall
from recochat.components import Connections
from recochat.latest import Latest
from recochat.logs import Sampler
from recochat.problems import MEDIA_TYPE, problem_body
from recochat.resources import Usage
from recochat.spans import Collect, Span

log = logging.getLogger(__name__)

SERVICE: Final = "recochat"

# Edges on every limit that a release may be judged by (75 ms to 1 s), so that no share is guessed.
REQUEST_BUCKETS: Final = (
    0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.25, 0.3, 0.5, 0.75, 1.0, 2.5, 5.0,
)  # fmt: skip
ENGINE_BUCKETS: Final = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5)

# Not the service's work. Counting probes and scrapes would dilute the error rate of a quiet canary.
UNCOUNTED_PATHS: Final = frozenset(
    {"/health", "/health/detailed", "/metrics", "/livez", "/readyz", "/docs", "/openapi.json"}
)

_METHODS: Final = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})
_CLIENT_CLOSED_REQUEST: Final = 499  # nginx's code for a caller that left before the answer


class Metrics:
    """The metrics of one process, in a registry of their own."""

    def __init__(self, version: str, track: str) -> None:
        """Label everything that belongs to requests with ``version`` and ``track``."""
        self.registry = CollectorRegistry()
        self.version, self.track = version, track
        self._requests = Counter(
            "http_requests_total",
            "Requests answered, by full status code; probes and scrapes aren't counted.",
            ["service", "method", "status", "version", "track"],
            registry=self.registry,
        )
        self._duration = Histogram(
            "http_request_duration_seconds",
            "Time from a request to the end of its answer.",
            ["service", "method", "version", "track"],
            buckets=REQUEST_BUCKETS,
            registry=self.registry,
        )
        self.session_count = Gauge(
            "session_count",
            "Live sessions in the store that this process uses (all of them if it is shared).",
            registry=self.registry,
        )
        self.router_latency = Histogram(
            "personality_router_latency_seconds",
            "Time that finding the persona of a person took for one answer.",
            ["version", "track"],
            buckets=ENGINE_BUCKETS,
            registry=self.registry,
        ).labels(version, track)
        self.recommendation_latency = self._engine("recommendation")
        self.multiturn_latency = self._engine("multiturn")
        Gauge(
            "recochat_build_info",
            "Always 1; its labels say what runs.",
            ["version", "track"],
            registry=self.registry,
        ).labels(version, track).set(1)
        self._llm_answers = Counter(
            "language_model_requests_total",
            "Answers that a language model was to word, by how that went.",
            ["outcome", "version", "track"],
            registry=self.registry,
        )
        self._llm_latency = Histogram(
            "language_model_latency_seconds",
            "Time until a language model answered, or was given up.",
            ["version", "track"],
            buckets=REQUEST_BUCKETS,
            registry=self.registry,
        ).labels(version, track)
        self._model = Gauge(
            "recommendation_model_info",
            "Always 1; its label says which model ranks.",
            ["model"],
            registry=self.registry,
        )
        self._models_refused = Gauge(
            "recommendation_models_refused",
            "Files that were not taken as a new model since the start: they can't be used.",
            registry=self.registry,
        )
        self._answers = Counter(
            "recommendation_cache_requests_total",
            "Questions for recommendations, by whether the answer was known already.",
            ["outcome", "version", "track"],
            registry=self.registry,
        )
        self._hit = self._answers.labels("hit", version, track)
        self._miss = self._answers.labels("miss", version, track)
        self._feedback = Counter(
            "recommendation_feedback_total",
            "What people said about items.",
            ["verdict", "version", "track"],
            registry=self.registry,
        )
        self.events = Counter(
            "experiment_events_total",
            "Events taken for the evaluation of experiments.",
            ["version", "track"],
            registry=self.registry,
        ).labels(version, track)
        self._errors = Gauge(
            "error_rate_percentage",
            "Requests of the last minute that were answered 5xx, in percent.",
            ["service", "version", "track"],
            registry=self.registry,
        ).labels(SERVICE, version, track)
        self._usage = Gauge(
            "system_resource_usage",
            "Use in percent of what the container may use; cpu: since the last scrape.",
            ["resource", "version", "track"],
            registry=self.registry,
        )
        self._connections = Gauge(
            "session_store_connections",
            "Connections to Redis; limit: as many as there may be.",
            ["state"],
            registry=self.registry,
        )
        self.latest, self._resources = Latest(), Usage()
        ProcessCollector(registry=self.registry)
        # Looking up a labelled child takes longer than counting, so the few there are get kept.
        self._counters: dict[tuple[str, int], Counter] = {}
        self._histograms: dict[str, Histogram] = {}

    def _engine(self, name: str) -> Histogram:
        return Histogram(
            f"{name}_engine_latency_seconds",
            f"Time that the {name} engine took for one answer.",
            ["version", "track"],
            buckets=ENGINE_BUCKETS,
            registry=self.registry,
        ).labels(self.version, self.track)

    def observe_language_model(self, outcome: str, seconds: float) -> None:
        """Count one attempt to have an answer worded; one that was skipped took no time."""
        self._llm_answers.labels(outcome, self.version, self.track).inc()
        if seconds:
            self._llm_latency.observe(seconds)

    def show_connections(self, connections: Connections | None) -> None:
        """Say how many connections to Redis there are."""
        if connections is not None:
            self._connections.labels("in_use").set(connections.in_use)
            self._connections.labels("idle").set(connections.idle)
            self._connections.labels("limit").set(connections.most)

    def show_usage(self) -> None:
        """Say what the process uses, and how many requests of the last minute failed."""
        for name, percent in self._resources.percentages().items():
            self._usage.labels(name, self.version, self.track).set(percent)
        self._errors.set(self.latest.error_percentage())

    def cached(self, known: bool) -> None:
        """Count a question for recommendations, by whether its answer was known already."""
        (self._hit if known else self._miss).inc()

    def feedback(self, verdict: str) -> None:
        """Count what somebody said about an item."""
        self._feedback.labels(verdict, self.version, self.track).inc()

    def show_model(self, version: str, refused: int) -> None:
        """Say which model is in use, and how many new ones were refused."""
        self._model.clear()
        self._model.labels(version).set(1)
        self._models_refused.set(refused)

    def observe_request(self, method: str, status: int, seconds: float) -> None:
        """Count one answered request."""
        method = method if method in _METHODS else "OTHER"
        counter = self._counters.get((method, status))
        if counter is None:
            counter = self._requests.labels(SERVICE, method, status, self.version, self.track)
            self._counters[method, status] = counter
        histogram = self._histograms.get(method)
        if histogram is None:
            histogram = self._duration.labels(SERVICE, method, self.version, self.track)
            self._histograms[method] = histogram
        counter.inc()
        self.latest.add(status, seconds)
        histogram.observe(seconds)


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
