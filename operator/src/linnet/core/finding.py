"""What the comparison has found, in words, and what a release does about it."""

import math
from collections.abc import Mapping
from datetime import timedelta

from linnet.api.comparison import Comparison as ComparisonSpec
from linnet.api.comparison import ComparisonMode, FindingStatus
from linnet.core.compared_pods import MEMORY_NAME, OOM_KILLS_NAME, PODS_NAMES, PodsCompared
from linnet.core.comparison import CPU_NAME, ERRORS_NAME, Comparison
from linnet.core.decision import Situation, Trouble
from linnet.core.route import WHOLE
from linnet.stats import latency
from linnet.stats.verdict import Finding, Verdict

_NO_REQUEST = "no request of the canary's was counted"
_LONG_S = 30 * 86400.0
"""What takes longer than this is not in sight."""
_HOLDS = (Verdict.SHARED_INCIDENT, Verdict.INVALID, Verdict.NO_DATA, Verdict.ERROR)
_WHY: Mapping[Verdict, str] = {
    Verdict.SHARED_INCIDENT: "stable suffers, too: ",
    Verdict.INVALID: "traffic isn't split as asked for, so the versions can't be compared: ",
    Verdict.CLEAR: "shown to be healthy: ",
}


def told(
    name: str, finding: Finding, state: Comparison, asked: ComparisonSpec, error: str
) -> FindingStatus:
    """A finding as status has it. error: why nothing was measured, if so."""
    known = math.isfinite(finding.effect)
    whose = "nobody told of the canary's pods" if name in PODS_NAMES else _NO_REQUEST
    nothing = whose if finding.verdict is Verdict.NO_DATA else ""
    details = _WHY.get(finding.verdict, "") + _in_words(name, finding, state, asked)
    return FindingStatus(
        name=name,
        verdict=finding.verdict.value,
        message=error or nothing or details,
        effect=_number(finding.effect),
        low=_number(finding.interval.low) if known else None,
        high=_number(finding.interval.high) if known else None,
        e_value=_rounded(finding.e_value),
        needed=_rounded(finding.needed),
        requests_needed=_whole(finding.requests_needed),
        time_needed=_time(finding.seconds_needed),
    )


def _in_words(name: str, finding: Finding, state: Comparison, asked: ComparisonSpec) -> str:
    odds = f"odds against a healthy canary {finding.e_value:.3g}, {finding.needed:.3g} end it"
    if name == MEMORY_NAME:
        return f"{_of_memory(finding, state.pods)}; {odds}"
    if name in PODS_NAMES:
        return f"{_of_events(name, state.pods)}; {odds}"
    if name == ERRORS_NAME:
        what = "errors"
    elif name == CPU_NAME:
        what = "CPU per request"
    else:
        edge = state.edges[int(latency.worst_edge(state.latency))] if state.latency else 0.0
        what = f"requests slower than {1000 * edge:g} ms"
    if state.weight >= WHOLE:
        return f"{what} against the objective of {asked.objective_percent:g} %: {odds}"
    if not math.isfinite(finding.effect):
        healthy = finding.verdict is Verdict.CLEAR
        return f"hardly any {what}; {odds}" if healthy else f"{what}: too few to compare; {odds}"
    low, high = finding.interval.low, finding.interval.high
    return f"{finding.effect:.2g} times stable's {what} ({low:.2g} to {high:.2g}); {odds}"


def _of_memory(finding: Finding, pods: PodsCompared) -> str:
    if pods.followed.lacking == "stable":
        return "memory: what stable's pods had at this age isn't known"
    if not math.isfinite(finding.effect):
        return "memory: too short a time to compare"
    low, high = (100 * (end - 1) for end in (finding.interval.low, finding.interval.high))
    growth, above = 100 * (finding.effect - 1), 100 * (finding.lately - 1)
    return (
        f"memory grows {growth:.0f} % a day ({low:.0f} to {high:.0f}) beside stable's, and is "
        f"{above:.0f} % above it"
    )


def _of_events(name: str, pods: PodsCompared) -> str:
    state, what = pods.restarts, "restarts"
    if name == OOM_KILLS_NAME:
        state, what = pods.oom_kills, "OOM kills"
    if state is None:
        return f"{what}: not seen yet"
    canary, events, exposed, exposure = (float(value) for value in state.total)
    hours, rest = exposed / 3600, (exposure - exposed) / 3600
    return f"{canary:g} {what} in {hours:.3g} pod-hours, stable's {events - canary:g} in {rest:.3g}"


def _time(seconds: float) -> timedelta | None:
    """In whole minutes: it is an estimate."""
    return timedelta(minutes=math.ceil(seconds / 60)) if seconds < _LONG_S else None


def _number(value: float) -> float | None:
    return _rounded(value) if math.isfinite(value) else None


def _rounded(value: float) -> float:
    return float(f"{value:.4g}")


def _whole(value: float) -> int | None:
    return int(value) if math.isfinite(value) else None


def _enforced(situation: Situation) -> tuple[FindingStatus, ...]:
    """The findings that the release goes by; none where they are only shown."""
    asked, known = situation.spec.analysis.comparison, situation.status.comparison
    if asked is None or known is None or asked.mode is not ComparisonMode.ENFORCE:
        return ()
    return known.findings


def breach(situation: Situation) -> Trouble | None:
    """The canary is shown to be worse than stable, or than its objective."""
    for each in _enforced(situation):
        if each.verdict == Verdict.BREACH:
            return Trouble(f"{each.name[0].upper()}{each.name[1:]}Worse", each.message)
    return None


def obstacle(situation: Situation) -> tuple[str, str] | None:
    """(reason, message) of what keeps the comparison from letting the release go on."""
    asked, known = situation.spec.analysis.comparison, situation.status.comparison
    if asked is None or asked.mode is not ComparisonMode.ENFORCE:
        return None
    if known is None or known.weight != situation.status.weight.wanted:
        return "NotCompared", "the versions are not compared yet"
    for each in known.findings:
        if each.verdict in _HOLDS:
            return each.verdict, f"{each.name}: {each.message}"
    return None


def is_clear(situation: Situation) -> bool:
    """Whether the canary is shown to be healthy at this weight, and may go on before its time.

    By requests: that pods never restart or grow is not to be shown within a step.
    """
    asked, known = situation.spec.analysis.comparison, situation.status.comparison
    if asked is None or known is None or not asked.advance_when_clear:
        return False
    here = known.weight == situation.status.weight.wanted
    return here and all(
        each.verdict == Verdict.CLEAR for each in known.findings if each.name not in PODS_NAMES
    )
