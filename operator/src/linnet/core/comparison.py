"""Canary against stable: what the sequential tests say of one release, look after look.

The tests themselves are in `linnet.stats`; here is what they are given, and what follows. The state
is all that is remembered, and goes through JSON without changing a bit.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import exp, inf, log, nan
from typing import Any, Self

import numpy as np

from linnet.core import compared_pods
from linnet.core.compared_pods import Asked, PodsCompared
from linnet.core.pods import UNSEEN
from linnet.core.route import WHOLE
from linnet.core.sources import Arm, Arms
from linnet.stats import dispersion, latency, mixture, ratio, share, verdict
from linnet.stats.counts import Window
from linnet.stats.cpu import CpuState, CpuTest
from linnet.stats.errors import ERRORS
from linnet.stats.intervals import NOTHING, Interval, mean_interval, ratio_interval
from linnet.stats.latency import Histograms, LatencyState, LatencyTest
from linnet.stats.objective import ObjectiveState, ObjectiveTest, gain_below, shown_below
from linnet.stats.ratio import RatioState
from linnet.stats.share import ShareState, ShareTest
from linnet.stats.state import Array
from linnet.stats.verdict import Circumstances, Evidence, Finding, judge

LATENCY = LatencyTest()
SHARE = ShareTest()
CPU = CpuTest()
ERRORS_NAME, LATENCY_NAME, CPU_NAME = "errors", "latency", "cpu"
TESTS = 3
"""Tests that may roll back: errors and latency against stable, and errors against the objective.
CPU per request, and each that is asked of the pods, is one more."""
MISROUTED_ALPHA = 0.001
"""Probability of calling traffic that is split as asked for misrouted."""
LITTLE = 0.1
"""The part of the objective below which a rate of errors is healthy, whatever stable's is: where
neither fails, there is nothing to compare."""
LITTLE_PART = 0.05
"""The part of the stake on that, of what may clear a canary of errors."""
CERTAIN = 700.0
"""Greatest logarithm of an e-value that is written as a number."""


@dataclass(frozen=True)
class Policy:
    """What a release may cost.

    false_rollback: probability of rolling back a healthy version, for the whole release, 0 to 1.
    objective: share of requests that may fail, for when there is nothing to compare with, 0 to 1.
    cpu: whether CPU seconds per request are compared. pods: what is compared of them.
    """

    false_rollback: float = verdict.BUDGET
    objective: float = 0.01
    cpu: bool = False
    pods: Asked = compared_pods.NOTHING

    @property
    def alpha(self) -> float:
        """The part of the budget that each test has."""
        return verdict.alpha_each(TESTS + self.cpu + self.pods.tests, self.false_rollback)


@dataclass(frozen=True)
class Look:
    """What one look saw. weight: the canary's in percent. seconds: since the look before.

    arms: None where the question was not answered. settled: all of it was counted at that weight.
    warm: the canary's caches are, so that its latency means something.
    """

    weight: int
    seconds: float
    arms: Arms | None
    settled: bool = True
    warm: bool = True


@dataclass(frozen=True, eq=False)
class Comparison:
    """All that is remembered of a release's looks.

    weight: of the last look, in percent. canary, stable: against the objective. edges: of the
    latency histogram in seconds, rising; none before the first one is seen. cpu: None before the
    first look that compares it. pods: what isn't counted by requests.
    """

    weight: int
    errors: RatioState
    canary: ObjectiveState
    stable: ObjectiveState
    share: ShareState
    edges: tuple[float, ...] = ()
    latency: LatencyState | None = None
    cpu: CpuState | None = None
    pods: PodsCompared = compared_pods.BEGUN

    def to_json(self) -> dict[str, Any]:
        """What `from_json` reads."""
        return {
            "weight": self.weight,
            "errors": self.errors.to_json(),
            "canary": self.canary.to_json(),
            "stable": self.stable.to_json(),
            "share": self.share.to_json(),
            "edges": list(self.edges),
            "latency": self.latency and self.latency.to_json(),
            "cpu": self.cpu and self.cpu.to_json(),
            "pods": self.pods.to_json(),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The comparison that was written.

        Raises ValueError where it is not one: then it is to be begun anew, not to be believed.
        """
        try:
            latency, cpu = data["latency"], data["cpu"]
            return cls(
                weight=int(data["weight"]),
                errors=RatioState.from_json(data["errors"]),
                canary=ObjectiveState.from_json(data["canary"]),
                stable=ObjectiveState.from_json(data["stable"]),
                share=ShareState.from_json(data["share"]),
                edges=tuple(float(edge) for edge in data["edges"]),
                latency=latency and LatencyState.from_json(latency),
                cpu=cpu and CpuState.from_json(cpu),
                # Older versions of the operator didn't write any.
                pods=PodsCompared.from_json(data.get("pods") or compared_pods.BEGUN.to_json()),
            )
        except (KeyError, TypeError) as error:
            raise ValueError(f"the comparison's state is not whole: {error}") from error


def begin() -> Comparison:
    """Nothing seen yet."""
    objective = ObjectiveTest(Policy().objective).begin()
    return Comparison(0, ERRORS.begin(), objective, objective, SHARE.begin())


def advance(before: Comparison, look: Look, policy: Policy) -> Comparison:
    """The comparison after one more look; a look without an answer changes nothing."""
    if look.arms is None:
        return before
    state = before if look.weight == before.weight else _at_new_weight(before, look.weight)
    canary, stable = look.arms.canary or Arm(), look.arms.stable or Arm()
    objective = ObjectiveTest(policy.objective)
    window = Window(canary.errors, canary.requests, stable.errors, stable.requests, look.seconds)
    split = state.share
    if look.settled:
        split = SHARE.advance(
            split, canary.requests, stable.requests, look.weight / WHOLE, look.seconds
        )
    if look.warm:
        state = _with_latency(state, canary, stable, look.seconds)
        state = _with_cpu(state, canary, stable, look.seconds) if policy.cpu else state
    if look.weight < WHOLE:  # a version without traffic hardly ever crashes
        pods = compared_pods.advance(state.pods, look.arms.pods, policy.pods, look.seconds)
        state = replace(state, pods=pods)
    return replace(
        state,
        errors=ERRORS.advance(state.errors, window),
        canary=objective.advance(state.canary, canary.errors, canary.requests, look.seconds),
        stable=objective.advance(state.stable, stable.errors, stable.requests, look.seconds),
        share=split,
    )


def _at_new_weight(state: Comparison, weight: int) -> Comparison:
    known = state.latency and latency.at_new_weight(state.latency)
    if weight >= WHOLE:
        # What it failed beside stable was judged there: in an incident stable failed as much.
        state = replace(state, canary=begin().canary)
    return replace(
        state,
        weight=weight,
        errors=ratio.at_new_weight(state.errors),
        share=SHARE.begin(),
        latency=known,
        pods=compared_pods.at_new_weight(state.pods),
    )


def _with_latency(state: Comparison, canary: Arm, stable: Arm, seconds: float) -> Comparison:
    """The latency's part; begun anew where the histogram has other edges than before."""
    edges = tuple(stable.faster) or state.edges
    if not edges:
        return state
    known = state.latency if edges == state.edges else None
    seen = Histograms(
        _slower(canary, edges), canary.timed, _slower(stable, edges), stable.timed, seconds
    )
    return replace(
        state, edges=edges, latency=LATENCY.advance(known or LATENCY.begin(len(edges)), seen)
    )


def _with_cpu(state: Comparison, canary: Arm, stable: Arm, seconds: float) -> Comparison:
    """The part of CPU per request; where nobody told of it, nothing is learnt."""
    if canary.cpu_s is None or stable.cpu_s is None:
        return state
    window = Window(canary.cpu_s, canary.requests, stable.cpu_s, stable.requests, seconds)
    return replace(state, cpu=CPU.advance(state.cpu or CPU.begin(), window))


def _slower(arm: Arm, edges: tuple[float, ...]) -> Array:
    """(J,) requests beyond each edge; NaN, which says nothing, where the arm has no such edge."""
    return np.array([arm.timed - arm.faster.get(edge, nan) for edge in edges])


def findings(state: Comparison, look: Look, policy: Policy) -> dict[str, Finding]:
    """What is said after a look: of errors, of latency and CPU where they were counted, and of
    what is asked of the pods.
    """
    alone = look.weight >= WHOLE
    suffers = _stable_suffers(state, policy)
    found = {ERRORS_NAME: _of_errors(state, look, policy, alone=alone, suffers=suffers)}
    if state.latency is not None and not alone:
        found[LATENCY_NAME] = _of_latency(state.latency, state, look, policy)
    if state.cpu is not None and policy.cpu and not alone:
        found[CPU_NAME] = _of_cpu(state.cpu, state, look, policy)
    if not alone:
        seen, what = look.arms.pods if look.arms else UNSEEN, _what(state, look)
        found |= compared_pods.findings(state.pods, seen, policy.pods, policy.alpha, what)
    return found


def _stable_suffers(state: Comparison, policy: Policy) -> bool:
    """Whether stable has been shown to miss the objective, and still does."""
    canary, events, exposed, exposure = (float(value) for value in state.errors.lately)
    still = events - canary > policy.objective * (exposure - exposed)
    return still and float(mixture.log_evidence(state.stable.worse)) >= log(1 / policy.alpha)


def _of_errors(
    state: Comparison, look: Look, policy: Policy, *, alone: bool, suffers: bool
) -> Finding:
    missed = float(mixture.log_evidence(state.canary.worse))
    if alone:
        evidence = Evidence(missed, float(mixture.log_evidence(state.canary.better)))
        return _finding(evidence, nan, NOTHING, nan, inf, _what(state, look), policy)
    test = state.errors
    worse = float(mixture.log_evidence(test.worse))
    # Where stable misses the objective, too, that the canary does so is no less of an incident.
    scatter = float(dispersion.factor(test.scatter))
    limit = policy.objective * LITTLE
    few = shown_below(test.total[0], test.total[2], limit, scatter)
    better = float(mixture.either(mixture.log_evidence(test.better), few, LITTLE_PART))
    evidence = Evidence(max(worse, missed) if suffers else worse, better)
    return _finding(
        evidence,
        _times(test.total),
        _interval(test.total, scatter),
        _times(test.lately),
        min(
            verdict.requests_needed(test, ERRORS, evidence, policy.alpha),
            _until_hardly_any(test, limit, scatter, float(few)),
        ),
        _what(state, look, suffers=suffers),
        policy,
    )


def _until_hardly_any(test: RatioState, limit: float, scatter: float, shown: float) -> float:
    """About how many more requests show that hardly any fail; inf if they do."""
    failed, _, requests, _ = (float(value) for value in test.total)
    if requests <= 0:
        return inf
    gap = log(1 / (verdict.CLEAR_ALPHA * LITTLE_PART)) - shown
    return verdict.missing(gap, gain_below(failed / requests, limit) / scatter)


def _of_latency(known: LatencyState, state: Comparison, look: Look, policy: Policy) -> Finding:
    evidence = Evidence(float(latency.worse(known)), float(latency.better(known)))
    worst = int(latency.worst_edge(known))
    total, lately = known.edges.total[:, worst], known.edges.lately[:, worst]
    return _finding(
        evidence,
        _times(total),
        _interval(total),
        _times(lately),
        inf,
        _what(state, look),
        policy,
    )


def _of_cpu(known: CpuState, state: Comparison, look: Look, policy: Policy) -> Finding:
    worse, better = (float(mixture.log_evidence(each)) for each in (known.worse, known.better))
    number, mean, squares = (float(value) for value in known.moments)
    known_at_all = number > 0
    between = mean_interval(number, mean, squares)
    return _finding(
        Evidence(worse, better),
        exp(mean) if known_at_all else nan,
        Interval(exp(max(between.low, -CERTAIN)), exp(min(between.high, CERTAIN))),
        nan,
        inf,
        _what(state, look),
        policy,
    )


def _what(state: Comparison, look: Look, *, suffers: bool = False) -> Circumstances:
    return Circumstances(
        failed=look.arms is None,
        silent=look.arms is not None and look.arms.canary is None,
        misrouted=float(share.wrong(state.share)) >= log(1 / MISROUTED_ALPHA),
        stable_suffers=suffers,
    )


def _finding(
    evidence: Evidence,
    effect: float,
    interval: Interval,
    lately: float,
    requests_needed: float,
    what: Circumstances,
    policy: Policy,
) -> Finding:
    return Finding(
        verdict=judge(evidence, policy.alpha, what),
        effect=effect,
        interval=interval,
        lately=lately,
        e_value=exp(min(evidence.worse, CERTAIN)),
        needed=1 / policy.alpha,
        requests_needed=requests_needed,
    )


def _times(told: Array) -> float:
    """How many times higher the canary's rate is, of counts as in `RatioState.total`."""
    canary, events, exposed, exposure = (float(value) for value in told)
    if exposed <= 0 or exposure <= exposed or events <= canary:
        return nan
    return (canary / exposed) / ((events - canary) / (exposure - exposed))


def _interval(told: Array, scatter: float = 1.0) -> Interval:
    canary, events, exposed, exposure = (float(value) for value in told)
    return ratio_interval(
        canary, events - canary, exposed / exposure if exposure else 0.0, scatter=scatter
    )
