"""What one metric says: its effect, the interval that may be read at any look, and what follows."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import inf, isfinite, nan

from linnet.api.experiment import Experiment, ExperimentMetric, MetricKind, MetricState, Role
from linnet.experiment.data import Both, Measured
from linnet.experiment.effect import (
    at_a_fixed_end,
    belief,
    compared,
    sign,
)
from linnet.experiment.quantile import quantiles
from linnet.stats.experiment import sequence
from linnet.stats.experiment.arms import Arm
from linnet.stats.experiment.bayes import Belief
from linnet.stats.experiment.effects import Effect
from linnet.stats.experiment.fixed import Fixed
from linnet.stats.intervals import Interval

FEWEST = 100
"""Users in each variant below which nothing is claimed: the intervals hold for sums of many."""

HOPELESS = 0.05
"""Chance to show the minimum effect by the planned end below which a goal counts as futile."""


@dataclass(frozen=True)
class Reading:
    """One metric at one look; figures in the spec's units. Absent figures are NaN or infinite.

    control, treatment: values. effect: of the treatment, and its interval, which is simultaneous
    for all goals, or for all guardrails. p_value: for any look; adjusted: for the number of goals.
    log_e: odds against "no effect", as a natural logarithm. chance: to show the minimum effect by
    the planned end. saved: the share of the variance that a covariate explained.
    """

    name: str
    users: float
    control: float
    treatment: float
    effect: float
    interval: Interval
    states: frozenset[MetricState]
    p_value: float = 1.0
    adjusted: float = 1.0
    log_e: float = 0.0
    fixed: Fixed | None = None
    belief: Belief | None = None
    chance: float = nan
    saved: float = 0.0
    enough: bool = True


@dataclass(frozen=True)
class Moment:
    """passed: share of the planned time. alpha: of all goals together. r: `sequence.clock`."""

    passed: float
    alpha: float
    r: float


def moment(spec: Experiment, passed: float) -> Moment:
    """The moment at which so much of the planned time has passed."""
    alpha = 1 - spec.confidence_percent / 100
    return Moment(passed, alpha, float(sequence.clock(passed, alpha)))


def family(spec: Experiment, role: Role) -> int:
    """How many metrics of a role share alpha; at least 1."""
    return max(1, sum(metric.role is role for metric in spec.metrics))


def read(
    spec: Experiment, metric: ExperimentMetric, measured: Measured | None, at: Moment
) -> Reading:
    """The reading of one metric, not yet adjusted for the others."""
    alpha = at.alpha / family(spec, metric.role)
    if measured is None:
        unknown = Interval(-inf, inf)
        return Reading(metric.name, 0.0, nan, nan, nan, unknown, frozenset(), enough=False)
    if metric.kind is MetricKind.QUANTILE:
        return _of_events(metric, measured, at.r, alpha)
    found = compared(metric, measured.whole)
    z = float(found.effect.z())
    interval = sequence.interval(found.effect, at.r, alpha)
    reading = Reading(
        metric.name,
        measured.whole.users,
        float(found.control.value),
        float(found.treatment.value),
        float(found.effect.size),
        interval,
        frozenset(),
        float(sequence.p_value(z, at.r)),
        log_e=float(sequence.log_evidence(z, at.r)),
        fixed=at_a_fixed_end(metric, measured.whole, found, at.alpha),
        belief=belief(metric, measured.whole, found),
        chance=_chance(metric, found.effect, at, alpha),
        saved=found.saved,
        enough=_enough(measured.whole),
    )
    own = sequence.interval(_own(found.treatment), at.r, alpha)
    return replace(reading, states=_states(metric, reading, own))


def adjust(
    spec: Experiment, readings: Sequence[Reading], adjusted: Sequence[float]
) -> tuple[Reading, ...]:
    """The readings, with goals' p-values adjusted and Better said where they are small enough."""
    alpha = 1 - spec.confidence_percent / 100
    goals = [metric.name for metric in spec.metrics if metric.role is Role.GOAL]
    of = dict(zip(goals, adjusted, strict=True))
    signs = {metric.name: sign(metric) for metric in spec.metrics}
    found = []
    for reading in readings:
        p = of.get(reading.name, reading.p_value)
        shown = p <= alpha and signs[reading.name] * reading.effect > 0 and reading.enough
        states = reading.states
        if reading.name in of:
            states = states - {MetricState.BETTER} | ({MetricState.BETTER} if shown else set())
        found.append(replace(reading, adjusted=p, states=frozenset(states)))
    return tuple(found)


def _of_events(metric: ExperimentMetric, measured: Measured, r: float, alpha: float) -> Reading:
    """Of a quantile, which has no p-value and no variance: an interval between edges only."""
    found = quantiles(measured.edges, metric.quantile, r, alpha)
    most = max(measured.edges.values(), key=lambda both: both.users, default=measured.whole)
    reading = Reading(
        metric.name,
        most.users,
        found.control,
        found.treatment,
        found.effect,
        found.interval,
        frozenset(),
        enough=_enough(most),
    )
    return replace(reading, states=_states(metric, reading, found.of_treatment))


def _enough(both: Both) -> bool:
    return min(float(both.control.users), float(both.treatment.users)) >= FEWEST


def _own(arm: Arm) -> Effect:
    return Effect(float(arm.value), float(arm.variance))


def _chance(metric: ExperimentMetric, effect: Effect, at: Moment, alpha: float) -> float:
    """To show the minimum effect by the planned end, if that is the truth from now on."""
    if metric.minimum_effect is None or not 0 < at.passed < 1:
        return nan
    truth = sign(metric) * metric.minimum_effect
    end = float(sequence.clock(1.0, at.alpha))
    return sequence.chance_at_end(effect, truth, at.passed, alpha, end)


def _states(metric: ExperimentMetric, reading: Reading, own: Interval) -> frozenset[MetricState]:
    """What can be said; own: the interval of the treatment's own value."""
    said = set(_of_the_limit(metric, reading, own))
    if isfinite(reading.effect):
        said |= set(_of_the_effect(metric, reading))
    return frozenset(said)


def _of_the_effect(metric: ExperimentMetric, reading: Reading) -> list[MetricState]:
    """In terms of gain: what is better is positive, whichever way that is."""
    interval, gain = reading.interval, sign(metric) * reading.effect
    worst, best = interval.low, interval.high
    if sign(metric) < 0:
        worst, best = -best, -worst
    minimum = metric.minimum_effect
    hopeless = reading.chance < HOPELESS
    said = {
        MetricState.BETTER: reading.enough and worst > 0,
        MetricState.WORSE: reading.enough and best < -metric.margin,
        MetricState.NOT_WORSE: reading.enough and worst > -metric.margin,
        MetricState.MINIMUM_EFFECT: minimum is not None and gain >= minimum,
        MetricState.FUTILE: reading.enough and minimum is not None and (best < minimum or hopeless),
    }
    return [state for state, holds in said.items() if holds]


def _of_the_limit(metric: ExperimentMetric, reading: Reading, own: Interval) -> list[MetricState]:
    limit = metric.limit
    if limit is None or not isfinite(reading.treatment):
        return []
    if limit.below is not None:
        kept, broken = reading.treatment < limit.below, own.low >= limit.below
    else:
        above = limit.above if limit.above is not None else -inf
        kept, broken = reading.treatment > above, own.high <= above
    broken = broken and reading.enough
    return [MetricState.BEYOND_LIMIT] if broken else [MetricState.WITHIN_LIMIT] if kept else []
