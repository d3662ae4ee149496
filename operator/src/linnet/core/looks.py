"""When the canary is compared with stable, and by which requests."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from linnet.api.comparison import Comparison as ComparisonSpec
from linnet.api.comparison import ComparisonStatus
from linnet.api.spec import CanaryReleaseSpec
from linnet.api.status import CanaryReleaseStatus, Phase
from linnet.api.types import format_duration
from linnet.core import comparison, pod_sources, sources, steps
from linnet.core.compared_pods import Asked
from linnet.core.comparison import Look, Policy
from linnet.core.finding import told
from linnet.core.observed import Observed, Tally
from linnet.core.packing import packed, unpacked
from linnet.core.queries import pods_of
from linnet.core.series import Matrix, Span

LONGEST = timedelta(hours=1)
"""Requests that nobody has counted for longer than this are left out."""
SCRAPES = 4
"""Scrapes that a query window covers at least."""

REQUESTS, BUCKETS, CPU = "requests", "latency", "cpu"
Moments = tuple[datetime, datetime]


def span_due(spec: CanaryReleaseSpec, status: CanaryReleaseStatus, now: datetime) -> Moments | None:
    """From when to when requests are to be compared now; None where none are.

    Spans follow one another without a gap or an overlap, so that each request is evidence once.
    """
    begun = status.phase_since
    if spec.analysis.comparison is None or status.phase is not Phase.PROGRESSING or begun is None:
        return None
    since = status.comparison.until if status.comparison is not None else begun
    since = max(since, now - LONGEST)
    return (since, now) if since < now else None


def selectors(
    spec: CanaryReleaseSpec, asked: ComparisonSpec, namespace: str, due: Moments
) -> dict[str, str]:
    """PromQL for the raw samples of both versions, by what it is about: requests, latency buckets,
    and what else is asked for and due.
    """
    since, until = due
    lookback = format_duration(until - since + spec.analysis.window)
    names = _names(spec, namespace)
    http = sources.selectors(sources.SOURCES[asked.use.http], names, lookback)
    found = dict(zip((REQUESTS, BUCKETS), http, strict=True))
    if asked.use.cpu is not None:
        found[CPU], _ = sources.selectors(sources.CPU_SECONDS[asked.use.cpu], names, lookback)
    window = spec.analysis.window
    return found | pod_sources.questions(asked.use, names, since, until, window)


def earlier(
    spec: CanaryReleaseSpec,
    asked: ComparisonSpec,
    namespace: str,
    due: Moments,
    answers: Mapping[str, Matrix],
) -> str:
    """PromQL for the past that the answers to `selectors` are to be compared with; '' for none."""
    names = _names(spec, namespace)
    return pod_sources.earlier(asked.use, names, answers, due[1], spec.analysis.window)


def tallied(
    spec: CanaryReleaseSpec,
    asked: ComparisonSpec,
    namespace: str,
    due: Moments,
    answers: Mapping[str, Matrix],
    past: Matrix | None = None,
) -> Tally:
    """What both versions did, out of the answers to `selectors`, and to `earlier`."""
    since, until = due
    past = past or Matrix()
    if error := next((each.error for each in (*answers.values(), past) if each.error), ""):
        return Tally(since, until, error=error)
    span = Span(since.timestamp(), until.timestamp(), spec.analysis.window.total_seconds())
    names = _names(spec, namespace)
    http = sources.SOURCES[asked.use.http]
    arms = sources.arms(http, names, answers[REQUESTS], answers[BUCKETS], span)
    if asked.use.cpu is not None:
        used = sources.CPU_SECONDS[asked.use.cpu]
        arms = sources.with_cpu(arms, used, names, answers[CPU], span)
    pods = pod_sources.seen(asked.use, names, answers, past, span)
    return Tally(since, until, replace(arms, pods=pods))


def _names(spec: CanaryReleaseSpec, namespace: str) -> Mapping[str, str]:
    stable = spec.target_ref.name
    canary = f"{stable}-canary"
    service = spec.traffic.service or stable
    return {
        "namespace": namespace,
        "stable": stable,
        "canary": canary,
        "stablePods": pods_of(stable),
        "canaryPods": pods_of(canary),
        "stableService": service,
        "canaryService": canary,
        "route": spec.traffic.http_route or "",
    }


def compared(
    spec: CanaryReleaseSpec, status: CanaryReleaseStatus, observed: Observed, now: datetime
) -> CanaryReleaseStatus:
    """The status with this round's look at both versions, if one was made."""
    asked, tally = spec.analysis.comparison, observed.tally
    due = span_due(spec, status, now)
    if asked is None or tally is None or due is None or tally.since < due[0]:
        return status
    weight = steps.at_weight(status, status.weight.wanted, observed.route, now)
    settling = spec.analysis.window / SCRAPES
    look = Look(
        weight=weight.wanted,
        seconds=(tally.until - tally.since).total_seconds(),
        arms=tally.arms,
        settled=weight.seen_since is not None and tally.since >= weight.seen_since + settling,
        warm=status.phase_since is not None and tally.since >= status.phase_since + asked.warm_up,
    )
    policy = policy_of(asked)
    before = unpacked(status.comparison.state) if status.comparison else comparison.begin()
    after = comparison.advance(before, look, policy)
    found = comparison.findings(after, look, policy)
    known = ComparisonStatus(
        until=tally.since if tally.arms is None else tally.until,
        weight=look.weight,
        findings=tuple(
            told(name, finding, after, asked, tally.error) for name, finding in found.items()
        ),
        state=packed(after),
    )
    return status.model_copy(update={"comparison": known})


def policy_of(asked: ComparisonSpec) -> Policy:
    """What a release may cost, as a user asks for it in percent."""
    return Policy(
        asked.false_rollback_percent / 100,
        asked.objective_percent / 100,
        cpu=asked.use.cpu is not None,
        pods=asked_of_pods(asked),
    )


def asked_of_pods(asked: ComparisonSpec) -> Asked:
    """What is to be compared beside requests."""
    use = asked.use
    return Asked(
        use.restarts is not None,
        use.oom_kills is not None,
        use.memory is not None,
    )
