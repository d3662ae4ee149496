"""The dashboard of Linnet: what releases are at, what was decided, and how the operator is."""

from hack.dashboards.panels import (
    GREEN,
    GREY,
    ORANGE,
    PALE,
    RED,
    VIOLET,
    YELLOW,
    Dashboard,
    Line,
    Panel,
    State,
    Unit,
    Variable,
    coded,
)
from linnet.api.status import Phase, Verdict

HERE = 'namespace=~"$namespace",name=~"$release"'
_RELEASE = "namespace, name"
_COLOUR_OF_PHASE = {
    Phase.PENDING: GREY,
    Phase.IDLE: PALE,
    Phase.STARTING: YELLOW,
    Phase.PROGRESSING: ORANGE,
    Phase.PROMOTING: VIOLET,
    Phase.RETURNING: VIOLET,
    Phase.ROLLING_BACK: RED,
    Phase.PROMOTED: GREEN,
    Phase.ROLLED_BACK: RED,
}
_COLOUR_OF_VERDICT = {
    Verdict.PASS: GREEN,
    Verdict.HOLD: YELLOW,
    Verdict.BREACH: RED,
    Verdict.NO_DATA: GREY,
    Verdict.ERROR: VIOLET,
    Verdict.SKIPPED: PALE,
}
PHASES = tuple(State(phase.value, _COLOUR_OF_PHASE[phase]) for phase in Phase)
VERDICTS = tuple(State(verdict.value, _COLOUR_OF_VERDICT[verdict]) for verdict in Verdict)


def release_state() -> str:
    """The phase of each release, as its place in `PHASES`."""
    return coded("linnet_release_phase", "phase", PHASES, HERE, _RELEASE)


def _counted(metric: str, by: str) -> str:
    """What a counter has gained in the window, by some labels.

    A series that wasn't there a window ago has begun at 1: all that it has is gain.
    """
    begun = f"({metric} unless {metric} offset $window)"
    return f"sum by ({by}) ({begun} or increase({metric}[$window])) > 0"


def _quantiles(metric: str, of: str, by: str = "") -> tuple[Line, ...]:
    """Median and p95 of all there ever was: these things are rare."""
    grouped = f"sum by ({', '.join(filter(None, (by, 'le')))}) ({metric}_bucket)"
    return tuple(
        Line(f"histogram_quantile({share}, {grouped}) >= 0", f"{of} {name}".strip())
        for share, name in ((0.5, "median"), (0.95, "p95"))
    )


def _p95(metric: str, of: str) -> Line:
    rates = f"sum by (le) (rate({metric}_bucket[$__rate_interval]))"
    return Line(f"histogram_quantile(0.95, {rates}) >= 0", of)


_OPERATORS = "and on (namespace, instance) linnet_leader"

STATE = Panel(
    "Releases",
    "The phase that each release is in.",
    (Line(release_state(), "{{namespace}}/{{name}}"),),
    kind="states",
    states=PHASES,
)
CHECKS = Panel(
    "Checks",
    "What the last measurement of each check says, while a release is measured.",
    (
        Line(
            coded(
                "linnet_release_metric_verdict", "verdict", VERDICTS, HERE, f"{_RELEASE}, metric"
            ),
            "{{name}} {{metric}}",
        ),
    ),
    kind="states",
    states=VERDICTS,
)
WEIGHTS = Panel(
    "Canary weight",
    "The canary's share of traffic as Linnet wants it, and as the route reports it.",
    (
        Line(
            f'max by ({_RELEASE}) (linnet_release_weight_percent{{{HERE},kind="seen"}}) >= 0',
            "{{name}}",
        ),
        Line(
            f'max by ({_RELEASE}) (linnet_release_weight_percent{{{HERE},kind="wanted"}})',
            "{{name}}, wanted",
            reference=True,
        ),
    ),
    Unit.PERCENT,
    most=100,
)
LIMITS = Panel(
    "Measured, of the rollback limit",
    "100 % is the limit that rolls back: from above, or for limits that must be reached "
    "(availability) from below.",
    (
        Line(
            f"100 * max by ({_RELEASE}, metric) (linnet_release_metric_value{{{HERE}}})"
            f" / on ({_RELEASE}, metric)"
            f' max by ({_RELEASE}, metric) (linnet_release_metric_limit{{{HERE},kind="rollback"}})',
            "{{name}} {{metric}}",
        ),
    ),
    Unit.PERCENT,
    limit=100,
)
DECISIONS = Panel(
    "Decisions",
    "Decisions in the last $window, and the rule that made each.",
    (Line(_counted("linnet_decisions_total", "decision, reason"), "{{decision}} {{reason}}"),),
    kind="bars",
)
WAITING = Panel(
    "Releases by phase",
    "How many releases are in each phase, and how many of them wait for somebody.",
    (
        Line(f"count by (phase) (linnet_release_phase{{{HERE}}} == 1)", "{{phase}}"),
        Line(
            f"count(linnet_release_stalled{{{HERE}}} == 1)"
            f" or 0 * count(linnet_release_phase{{{HERE}}})",
            "wait for somebody",
            reference=True,
        ),
    ),
)
ROLLBACKS = Panel(
    "Time to roll back",
    "Detection: from the first bad measurement, or the beginning of an alert, to the decision. "
    "Rollback: from the decision until the route reports that the canary has no traffic. Of all "
    "rollbacks since the operator's start.",
    (
        *_quantiles("linnet_detection_duration_seconds", "detection by {{by}},", "by"),
        *_quantiles("linnet_rollback_duration_seconds", "rollback,"),
    ),
    Unit.SECONDS,
)
ALERTS = Panel(
    "Alerts",
    "Alertmanager's alerts in the last $window by what became of them, and its notifications by "
    "the operator's answer. Empty where none came.",
    (
        Line(_counted("linnet_alerts_total", "outcome"), "alerts {{outcome}}"),
        Line(_counted("linnet_alert_requests_total", "code"), "notifications answered {{code}}"),
    ),
    kind="bars",
)
NOTIFICATIONS = Panel(
    "Notifications of decisions",
    "Notifications in the last $window by receiver and outcome, and those that wait for their "
    "receiver. All but delivered ones are lost. Empty without receivers.",
    (
        Line(
            _counted("linnet_notifications_total", "receiver, outcome"), "{{receiver}} {{outcome}}"
        ),
        Line(
            "sum by (receiver) (linnet_notifications_waiting)",
            "{{receiver}}, waiting",
            reference=True,
        ),
    ),
    kind="bars",
)
API = Panel(
    "Requests to the HTTP API",
    "Requests in the last $window by path and answer, and callers' rights that were denied. Empty "
    "where the API is off or nobody calls it.",
    (
        Line(_counted("linnet_http_requests_total", "path, code"), "{{path}} {{code}}"),
        Line(_counted('rbac_permission_checks_total{result="denied"}', "role"), "denied: {{role}}"),
    ),
    kind="bars",
)
LOOKS = Panel(
    "Looks at releases",
    "Looks a second, and those among them that failed. A failed one is tried again.",
    (
        Line("sum(rate(linnet_reconcile_duration_seconds_count[$__rate_interval]))", "looks"),
        Line(
            "sum by (kind) (rate(linnet_reconcile_errors_total[$__rate_interval]))",
            "failed: {{kind}}",
        ),
    ),
)
QUEUE = Panel(
    "Queue and leader",
    "Releases that wait for a worker, and operators that lead: it must be one.",
    (Line("sum(linnet_queue_length)", "waiting"), Line("sum(linnet_leader)", "leaders")),
)
TIMES = Panel(
    "Time, p95",
    "What 95 % of looks, of requests to the API server, of queries of Prometheus and of "
    "decisions on alerts take at most.",
    (
        _p95("linnet_reconcile_duration_seconds", "look"),
        _p95("linnet_api_request_duration_seconds", "API server"),
        _p95("linnet_prometheus_query_duration_seconds", "Prometheus"),
        _p95("linnet_alert_decision_duration_seconds", "alert"),
    ),
    Unit.SECONDS,
)
ASKED = Panel(
    "Requests to others",
    "Requests to the API server by its answer (0: none came), and queries of Prometheus.",
    (
        Line(
            "sum by (code) (rate(linnet_api_requests_total[$__rate_interval]))",
            "API server {{code}}",
        ),
        Line(
            "sum by (outcome) (rate(linnet_prometheus_queries_total[$__rate_interval]))",
            "Prometheus {{outcome}}",
        ),
    ),
    Unit.PER_SECOND,
)
MEMORY = Panel(
    "Memory of operators",
    "Resident memory of each replica.",
    (Line(f"process_resident_memory_bytes {_OPERATORS}", "{{pod}}"),),
    Unit.BYTES,
)
CPU = Panel(
    "CPU of operators",
    "Percent of one core that each replica uses.",
    (
        Line(
            f"100 * (rate(process_cpu_seconds_total[$__rate_interval]) {_OPERATORS})",
            "{{pod}}",
        ),
    ),
    Unit.PERCENT,
)
LINNET = Dashboard(
    "linnet-operator",
    "Linnet",
    "Releases, decisions and the operator itself.",
    (
        Variable("namespace", "linnet_release_info", "namespace"),
        Variable("release", "linnet_release_info", "name"),
    ),
    (
        *(STATE, CHECKS, WEIGHTS, LIMITS, DECISIONS, WAITING, ROLLBACKS, ALERTS),
        *(NOTIFICATIONS, API, LOOKS, QUEUE, TIMES, ASKED, MEMORY, CPU),
    ),
)
