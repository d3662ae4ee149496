"""How the operator's own metrics are made, so that `docs/reference/metrics.md` has them all."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from prometheus_client import Counter, Gauge, Histogram
from prometheus_client.core import GaugeMetricFamily


@dataclass(frozen=True)
class Described:
    """What a metric is. kind: counter, gauge or histogram."""

    name: str
    kind: str
    text: str
    labels: tuple[str, ...]


DESCRIBED: dict[str, Described] = {}
"""Every metric by its name."""


def counter(name: str, text: str, *labels: str) -> Counter:
    """Make a counter; its name ends with _total."""
    DESCRIBED[name] = Described(name, "counter", text, labels)
    return Counter(name, text, labels)


def gauge(name: str, text: str, *labels: str) -> Gauge:
    """Make a gauge."""
    DESCRIBED[name] = Described(name, "gauge", text, labels)
    return Gauge(name, text, labels)


def histogram(name: str, text: str, *labels: str, buckets: Sequence[float]) -> Histogram:
    """Make a histogram, in seconds."""
    DESCRIBED[name] = Described(name, "histogram", text, labels)
    return Histogram(name, text, labels, buckets=buckets)


def family(name: str, text: str, *labels: str) -> Callable[[], GaugeMetricFamily]:
    """What makes a gauge anew for each scrape."""
    DESCRIBED[name] = Described(name, "gauge", text, labels)
    return lambda: GaugeMetricFamily(name, text, labels=labels)


FAST = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

API_REQUESTS = counter(
    "linnet_api_requests_total",
    "Requests to the API server; code 0: no answer. Watches are not counted",
    "method",
    "code",
)
API_SECONDS = histogram(
    "linnet_api_request_duration_seconds", "Time of a request to the API server", buckets=FAST
)
QUERIES = counter(
    "linnet_prometheus_queries_total",
    "Queries of Prometheus by outcome: answered, or refused where no whole answer came",
    "outcome",
)
QUERY_SECONDS = histogram(
    "linnet_prometheus_query_duration_seconds", "Time of a query of Prometheus", buckets=FAST
)
