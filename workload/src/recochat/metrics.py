"""The metrics of one process, each described by what it is called, counts and is told apart by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

from recochat.components import Connections
from recochat.latest import Latest
from recochat.resources import Usage

SERVICE: Final = "recochat"

# Edges on every limit that a release may be judged by (75 ms to 1 s), so that no share is guessed.
REQUEST_BUCKETS: Final = (
    0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.25, 0.3, 0.5, 0.75, 1.0, 2.5, 5.0,
)  # fmt: skip
ENGINE_BUCKETS: Final = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5)

_METHODS: Final = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})
_WHO: Final = ("version", "track")
"""What every metric of requests ends with, so that a canary can be told from stable."""


@dataclass(frozen=True, slots=True)
class Described:
    """What a metric is. kind: counter, gauge or histogram."""

    name: str
    kind: str
    text: str
    labels: tuple[str, ...]


class Metrics:
    """The metrics of one process, in a registry of their own.

    described: each of them by its name, except for those that every process has.
    """

    def __init__(self, version: str, track: str) -> None:
        """Label everything that belongs to requests with ``version`` and ``track``."""
        self.registry = CollectorRegistry()
        self.described: dict[str, Described] = {}
        self.version, self.track = version, track
        self.latest, self._resources = Latest(), Usage()
        self._of_requests()
        self._of_engines()
        self._of_people()
        self._of_what_runs()
        ProcessCollector(registry=self.registry)
        # Looking up a labelled child takes longer than counting, so the few there are get kept.
        self._counters: dict[tuple[str, int], Counter] = {}
        self._histograms: dict[str, Histogram] = {}

    def _of_requests(self) -> None:
        self._requests = self._counter(
            "http_requests_total",
            "Requests answered, by full status code; probes and scrapes aren't counted.",
            *("service", "method", "status", *_WHO),
        )
        self._duration = self._histogram(
            "http_request_duration_seconds",
            "Time from a request to the end of its answer.",
            *("service", "method", *_WHO),
            buckets=REQUEST_BUCKETS,
        )
        self._errors = self._gauge(
            "error_rate_percentage",
            "Requests of the last minute that were answered 5xx, in percent.",
            *("service", *_WHO),
        ).labels(SERVICE, self.version, self.track)

    def _of_engines(self) -> None:
        who = (self.version, self.track)
        self.router_latency = self._histogram(
            "personality_router_latency_seconds",
            "Time that finding the persona of a person took for one answer.",
            *_WHO,
        ).labels(*who)
        self.recommendation_latency = self._histogram(
            "recommendation_engine_latency_seconds",
            "Time that the recommendation engine took for one answer.",
            *_WHO,
        ).labels(*who)
        self.multiturn_latency = self._histogram(
            "multiturn_engine_latency_seconds",
            "Time that the multiturn engine took for one answer.",
            *_WHO,
        ).labels(*who)
        self._llm_answers = self._counter(
            "language_model_requests_total",
            "Answers that a language model was to word, by how that went.",
            *("outcome", *_WHO),
        )
        self._llm_latency = self._histogram(
            "language_model_latency_seconds",
            "Time until a language model answered, or was given up.",
            *_WHO,
            buckets=REQUEST_BUCKETS,
        ).labels(*who)
        cached = self._counter(
            "recommendation_cache_requests_total",
            "Questions for recommendations, by whether the answer was known already.",
            *("outcome", *_WHO),
        )
        self._cached = {
            known: cached.labels(name, *who) for known, name in ((True, "hit"), (False, "miss"))
        }
        self._model = self._gauge(
            "recommendation_model_info",
            "Always 1; its label says which model ranks.",
            "model",
        )
        self._models_refused = self._gauge(
            "recommendation_models_refused",
            "Files that were not taken as a new model since the start: they can't be used.",
        )

    def _of_people(self) -> None:
        who = (self.version, self.track)
        feedback = self._counter(
            "recommendation_feedback_total",
            "What people said about items.",
            *("verdict", *_WHO),
        )
        likes = self._counter(
            "recommendation_likes_total",
            "Likes by outcome: hit, the model in use has the item among its first ten for the "
            "person; miss; known, it has learned from this like already.",
            *("outcome", *_WHO),
        )
        lookups = self._counter(
            "session_lookups_total",
            "Sessions asked for by id, by outcome: hit or miss (expired, or never there).",
            *("outcome", *_WHO),
        )
        # Made at once: what begins at 1 looks to Prometheus as if it had never grown.
        self._feedback = {name: feedback.labels(name, *who) for name in ("like", "dislike")}
        self._likes = {
            foreseen: likes.labels(name, *who)
            for foreseen, name in ((True, "hit"), (False, "miss"), (None, "known"))
        }
        self._lookups = {
            found: lookups.labels(name, *who) for found, name in ((True, "hit"), (False, "miss"))
        }
        self.events = self._counter(
            "experiment_events_total",
            "Events taken for the evaluation of experiments.",
            *_WHO,
        ).labels(*who)
        self.session_count = self._gauge(
            "session_count",
            "Live sessions in the store that this process uses (all of them if it is shared).",
        )
        self._connections = self._gauge(
            "session_store_connections",
            "Connections to Redis; limit: as many as there may be.",
            "state",
        )

    def _of_what_runs(self) -> None:
        self._gauge(
            "recochat_build_info",
            "Always 1; its labels say what runs.",
            *_WHO,
        ).labels(self.version, self.track).set(1)
        self._usage = self._gauge(
            "system_resource_usage",
            "Use in percent of what the container may use; cpu: since the last scrape.",
            *("resource", *_WHO),
        )

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        self.described[name] = Described(name, "counter", text, labels)
        return Counter(name, text, labels, registry=self.registry)

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        self.described[name] = Described(name, "gauge", text, labels)
        return Gauge(name, text, labels, registry=self.registry)

    def _histogram(
        self, name: str, text: str, *labels: str, buckets: Sequence[float] = ENGINE_BUCKETS
    ) -> Histogram:
        self.described[name] = Described(name, "histogram", text, labels)
        return Histogram(name, text, labels, buckets=buckets, registry=self.registry)

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

    def feedback(self, verdict: str) -> None:
        """Count what somebody said about an item: like or dislike."""
        self._feedback[verdict].inc()

    def cached(self, known: bool) -> None:
        """Count a question for recommendations, by whether its answer was known already."""
        self._cached[known].inc()

    def liked(self, foreseen: bool | None) -> None:
        """Count a like, by whether the model would have recommended the item; None: it knew."""
        self._likes[foreseen].inc()

    def looked_up(self, found: bool) -> None:
        """Count a session that was asked for."""
        self._lookups[found].inc()

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
