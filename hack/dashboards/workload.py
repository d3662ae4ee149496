"""The dashboard of recochat: ten panels that tell a canary from stable."""

from hack.dashboards.panels import Dashboard, Line, Panel, Unit, Variable
from hack.dashboards.releases import HERE as RELEASE
from hack.dashboards.releases import PHASES, release_state
from linnet.api.analysis import Profile, ReadyMade
from linnet.core.catalog import LIMITS
from recochat.metrics import SERVICE

HERE = 'namespace=~"$namespace"'
_REQUESTS = f'{HERE},service="{SERVICE}"'
_POD = "namespace, instance"
"""What tells one process from another in whatever Prometheus scrapes."""


def _limit(check: ReadyMade) -> float | None:
    """Above this the policy that is the default rolls back."""
    return LIMITS[Profile.STANDARD][check].above


def _rate(metric: str, matchers: str, window: str = "$__rate_interval") -> str:
    return f"rate({metric}{{{matchers}}}[{window}])"


def _by_track(vector: str, *more: str) -> str:
    return f"sum by ({', '.join(('track', *more))}) ({vector})"


def _share(part: str, whole: str) -> str:
    """Percent; nothing where there is nothing to be a part of."""
    return f"100 * {part} / ({whole} > 0)"


_ALL = _by_track(_rate("http_requests_total", _REQUESTS))
_FAILED = _by_track(_rate("http_requests_total", f'{_REQUESTS},status=~"5.."'))
_BUCKETS = _by_track(_rate("http_request_duration_seconds_bucket", _REQUESTS), "le")


def _answers(status: str) -> str:
    """Answers of some status in the window; 0 where there were others."""
    found, total = (
        _by_track(f"increase(http_requests_total{{{_REQUESTS}{only}}}[$window])")
        for only in (f',status=~"{status}"', "")
    )
    return f"{found} or 0 * {total}"


def _people(metric: str, label: str, part: str, whole: str) -> str:
    """The share of rare things that turned out so, in the window."""
    some, all_of_them = (
        _by_track(_rate(metric, f'{HERE},{label}=~"{values}"', "$window"))
        for values in (part, whole)
    )
    return _share(some, all_of_them)


def _connections(states: str, worst: str = "max") -> str:
    matchers = f'{HERE},state=~"{states}"'
    return f"{worst}(sum by ({_POD}) (session_store_connections{{{matchers}}}))"


TRAFFIC = Panel(
    "Traffic split",
    "Requests that each version answered, and the share that the release wants the canary to have.",
    (
        Line(f"100 * {_ALL} / ignoring (track) group_left () sum({_ALL})", "{{track}}"),
        Line(
            f'max by (name) (linnet_release_weight_percent{{{RELEASE},kind="wanted"}})',
            "canary, wanted by {{name}}",
            reference=True,
        ),
    ),
    Unit.PERCENT,
    most=100,
)
ERRORS = Panel(
    "Error rate",
    "Requests answered 5xx. Above the mark the usual policy rolls back.",
    (Line(_share(f"({_FAILED} or 0 * {_ALL})", _ALL), "{{track}}"),),
    Unit.PERCENT,
    limit=_limit(ReadyMade.ERROR_RATE),
)
LATENCY = Panel(
    "Latency",
    "Time from a request to the end of its answer. p95 above the mark rolls back.",
    tuple(
        Line(f"histogram_quantile({share}, {_BUCKETS}) >= 0", f"p{100 * share:.0f} {{{{track}}}}")
        for share in (0.5, 0.95, 0.99)
    ),
    Unit.SECONDS,
    limit=(_limit(ReadyMade.LATENCY_P95) or 0) / 1000,
)
RATE = Panel(
    "Requests per second",
    "Requests answered, whatever the answer; probes and scrapes aren't counted.",
    (Line(_ALL, "{{track}}"),),
    Unit.PER_SECOND,
)
ACCURACY = Panel(
    "Recommendation accuracy",
    "Hits: liked items that the model has among its first ten for that person, of those that it "
    "hasn't learned from. Liked: what people said of items, in all.",
    (
        Line(
            _people("recommendation_likes_total", "outcome", "hit", "hit|miss"), "hits, {{track}}"
        ),
        Line(
            _people("recommendation_feedback_total", "verdict", "like", ".+"),
            "liked, {{track}}",
            reference=True,
        ),
    ),
    Unit.PERCENT,
    most=100,
)
MEMORY = Panel(
    "Memory",
    "Resident memory of the largest process of each version. A line that keeps rising is a leak.",
    (
        Line(
            f"max by (track, version) (process_resident_memory_bytes{{{HERE}}}"
            f" * on ({_POD}) group_left (track, version) recochat_build_info{{{HERE}}})",
            "{{track}} {{version}}",
        ),
    ),
    Unit.BYTES,
)
CONNECTIONS = Panel(
    "Session store connections",
    "Connections to Redis of the process that has most: in use when it was asked, open (as many "
    "as were ever needed at once), and as many as there may be. Empty without Redis.",
    (
        Line(_connections("in_use"), "in use"),
        Line(_connections("in_use|idle"), "open"),
        Line(_connections("limit", "min"), "limit", reference=True),
    ),
)
CACHE = Panel(
    "Cache hit rate",
    "Recommendations whose answer was known already, and sessions that were asked for by id and "
    "were still there. Fewer sessions: they expire or are pushed out early, or callers name "
    "sessions that never were.",
    (
        Line(
            _people("recommendation_cache_requests_total", "outcome", "hit", "hit|miss"),
            "answers, {{track}}",
        ),
        Line(
            _people("session_lookups_total", "outcome", "hit", "hit|miss"),
            "sessions, {{track}}",
        ),
    ),
    Unit.PERCENT,
    most=100,
)
ERROR_COUNT = Panel(
    "Error count",
    "Answers in the last $window: failed ones are the service's fault, refused ones the caller's.",
    (
        Line(_answers("5.."), "failed (5xx), {{track}}"),
        Line(_answers("4.."), "refused (4xx), {{track}}"),
    ),
    kind="bars",
)
RELEASE_STATE = Panel(
    "Release state",
    "The phase that each release is in, as Linnet tells it. Empty without Linnet.",
    (Line(release_state(), "{{name}}"),),
    kind="states",
    states=PHASES,
)
RECOCHAT = Dashboard(
    "linnet-recochat",
    "recochat",
    "What people get from recochat, by version: stable and canary.",
    (
        Variable("namespace", "recochat_build_info", "namespace"),
        Variable("release", "linnet_release_info", "name"),
    ),
    (
        *(TRAFFIC, RELEASE_STATE, ERRORS, LATENCY, RATE, ERROR_COUNT),
        *(ACCURACY, CACHE, MEMORY, CONNECTIONS),
    ),
)
