"""Where pods' restarts, OOM kills and memory are told of, and how the answers are read.

Restarts and kills are counters, taken as requests are: from raw samples, by differences. Memory is
followed in the canary's oldest pods and in some of stable's, once a minute. What stable's had at
the canary's age is asked of the past, which each of its pods spent at a time of its own.
"""

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from linnet.api.comparison import ComparisonSource, ContainerSource, RestartSource
from linnet.api.types import format_duration
from linnet.core.pods import Events, Happened, MemorySeen, PodsSeen
from linnet.core.series import Matrix, Series, Span, increase
from linnet.core.sources import CONTAINERS, Source, patterns, selectors

RESTARTS, OOM_KILLS, MEMORY, STARTS = "restarts", "oomKills", "memory", "starts"
KNOWN = timedelta(minutes=5)
"""How far back a pod is looked for, which tells a new one from one that was there."""
COMING_UP_S = 120.0
"""A pod's first so many seconds don't count: what it restarts then, it restarts before it serves
for long, while it waits for what it depends on."""
FOLLOWED = 8
"""Most pods of a version whose memory is followed."""
TOGETHER_S = 120.0
"""Pods of the canary that began so close together have one age."""
KEPT_S = 10 * 86400.0
"""How long a Prometheus remembers, more likely than not."""


def _by_pod(metric: str, matching: str) -> Source:
    return Source(
        requests=metric,
        buckets="",
        matching=matching,
        arm="pod",
        stable="{{stablePods}}",
        canary="{{canaryPods}}",
        status=(),
    )


_RESTARTS: Mapping[RestartSource, Source] = {
    RestartSource.KUBE_STATE_METRICS: _by_pod(
        "kube_pod_container_status_restarts_total", 'namespace="{{namespace}}"'
    )
}
# Of any process in a container: a worker that is killed doesn't restart it, and Kubernetes is
# silent about that.
_KILLS: Mapping[ContainerSource, Source] = {
    ContainerSource.CADVISOR: _by_pod("container_oom_events_total", CONTAINERS)
}
_USED: Mapping[ContainerSource, Source] = {
    ContainerSource.CADVISOR: _by_pod("container_memory_working_set_bytes", CONTAINERS)
}
_BEGUN: Mapping[ContainerSource, Source] = {
    ContainerSource.CADVISOR: _by_pod("container_start_time_seconds", CONTAINERS)
}


def questions(
    use: ComparisonSource,
    variables: Mapping[str, str],
    since: datetime,
    until: datetime,
    window: timedelta,
) -> dict[str, str]:
    """PromQL for raw samples of what is asked for and due, by what it is about."""
    asked: dict[str, tuple[Source, timedelta]] = {}
    counted = until - since + max(window, KNOWN)
    if use.restarts is not None:
        asked[RESTARTS] = (_RESTARTS[use.restarts], counted)
    if use.oom_kills is not None:
        asked[OOM_KILLS] = (_KILLS[use.oom_kills], counted)
    if use.memory is not None and since.timestamp() // 60 != until.timestamp() // 60:
        asked[MEMORY] = (_USED[use.memory], window)
        asked[STARTS] = (_BEGUN[use.memory], window)
    return {
        name: selectors(source, variables, format_duration(lookback))[0]
        for name, (source, lookback) in asked.items()
    }


def earlier(
    use: ComparisonSource,
    variables: Mapping[str, str],
    answers: Mapping[str, Matrix],
    until: datetime,
    window: timedelta,
) -> str:
    """PromQL for what stable's pods needed at the age that the canary's have now.

    answers: to `questions`, by the same names. Empty where there is nothing to ask for.
    """
    if use.memory is None:
        return ""
    source, moment = _USED[use.memory], until.timestamp()
    age_s, canary, stable = _followed(source, variables, answers, moment)
    if not canary or not stable:
        return ""
    asked = (
        f"avg_over_time({_of_one(source, variables, pod.name)}[{format_duration(window)}]"
        f" offset {max(1, round(moment - pod.begun - age_s))}s)"
        for pod in stable
    )
    return f"({' or '.join(asked)})[30s:30s]"


def seen(
    use: ComparisonSource,
    variables: Mapping[str, str],
    answers: Mapping[str, Matrix],
    past: Matrix,
    span: Span,
) -> PodsSeen:
    """What both versions' pods did, out of the answers to `questions` and to `earlier`."""
    memory = None
    if use.memory is not None and MEMORY in answers:
        source = _USED[use.memory]
        age_s, canary, stable = _followed(source, variables, answers, span.until)
        had = _newest(past.series, span.until)
        memory = MemorySeen(
            age_s,
            {pod.name: pod.used for pod in canary},
            {name: sum(value.values()) for name, value in had.items()},
            {pod.name: pod.used for pod in stable},
        )
    return PodsSeen(
        _happened(_RESTARTS[use.restarts], variables, answers[RESTARTS], span)
        if use.restarts is not None
        else None,
        _happened(_KILLS[use.oom_kills], variables, answers[OOM_KILLS], span)
        if use.oom_kills is not None
        else None,
        memory,
    )


def _happened(source: Source, variables: Mapping[str, str], answer: Matrix, span: Span) -> Happened:
    def of_arm(pattern: str) -> Events | None:
        mine = _matching(answer.series, pattern)
        pods = [list(group) for _, group in groupby(sorted(mine, key=_pod_of), key=_pod_of)]
        each = [_of_pod(group, span) for group in pods]
        return (sum(n for n, _ in each), sum(s for _, s in each)) if each else None

    stable, canary = patterns(source, variables)
    return Happened(of_arm(stable), of_arm(canary))


def _of_pod(group: Iterable[Series], span: Span) -> Events:
    """A pod's events, and the time between the samples that they were counted by."""
    known = [
        Series(each.labels, tuple(point for point in each.points if point[0] <= span.until))
        for each in group
    ]
    moments = sorted(moment for each in known for moment, _ in each.points)
    if not moments:
        return 0.0, 0.0
    up = moments[0] + COMING_UP_S
    counted = [moment for moment in moments if moment >= up]
    if not counted:
        return 0.0, 0.0
    before = [moment for moment in counted if moment <= span.since]
    events = sum(
        increase(
            Series(each.labels, tuple(point for point in each.points if point[0] >= up)),
            span,
            known_before=bool(before),
        )
        for each in known
    )
    return events, counted[-1] - (before[-1] if before else counted[0])


@dataclass(frozen=True)
class _Pod:
    """begun: when the youngest of its containers began, in unix seconds. used: bytes."""

    name: str
    begun: float
    used: float


def _followed(
    source: Source, variables: Mapping[str, str], answers: Mapping[str, Matrix], moment: float
) -> tuple[float, list[_Pod], list[_Pod]]:
    """The canary's age in seconds, its pods that are followed, and those of stable's.

    The oldest ones each: they stay longest where an autoscaler is at work. Of stable those whose
    youth is likely to be remembered.
    """
    stable, canary = (_pods(answers, pattern, moment) for pattern in patterns(source, variables))
    if not canary:
        return 0.0, [], []
    oldest = min(pod.begun for pod in canary)
    group = sorted(
        (pod for pod in canary if pod.begun <= oldest + TOGETHER_S),
        key=lambda pod: (pod.begun, pod.name),
    )[:FOLLOWED]
    older = sorted(
        (pod for pod in stable if pod.begun < oldest),
        key=lambda pod: (moment - pod.begun > KEPT_S, pod.begun, pod.name),
    )[:FOLLOWED]
    return moment - max(pod.begun for pod in group), group, older


def _pods(answers: Mapping[str, Matrix], pattern: str, moment: float) -> list[_Pod]:
    used, begun = (
        _newest(_matching(answers.get(name, Matrix()).series, pattern), moment)
        for name in (MEMORY, STARTS)
    )
    return [
        _Pod(name, max(begun[name].values()), sum(each.values()))
        for name, each in used.items()
        if name in begun and max(begun[name].values()) <= moment
    ]


def _newest(series: Iterable[Series], moment: float) -> dict[str, dict[str, float]]:
    """pod -> container -> its newest value up to a moment; a container begun anew has new ones."""
    latest: dict[tuple[str, str], tuple[float, float]] = {}
    for each in series:
        known = [(at, value) for at, value in each.points if at <= moment and 0 < value < math.inf]
        place = (_pod_of(each), each.labels.get("container", ""))
        if known:
            latest[place] = max(latest.get(place, known[-1]), known[-1])
    found: dict[str, dict[str, float]] = {}
    for (pod, container), (_, value) in latest.items():
        found.setdefault(pod, {})[container] = value
    return found


def _matching(series: Iterable[Series], pattern: str) -> list[Series]:
    return [each for each in series if re.fullmatch(pattern, _pod_of(each))]


def _pod_of(series: Series) -> str:
    return series.labels.get("pod", "")


def _of_one(source: Source, variables: Mapping[str, str], pod: str) -> str:
    """A selector of one pod's series."""
    names = {**variables, "stablePods": pod, "canaryPods": pod}
    return selectors(source, names, "")[0].removesuffix("[]")
