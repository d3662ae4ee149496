"""A metric by segment and by day: to understand an effect, never to decide on it."""

from dataclasses import dataclass

from linnet.api.experiment import ExperimentMetric, MetricKind
from linnet.experiment.data import Both, Measured
from linnet.experiment.effect import compared
from linnet.experiment.reading import Moment
from linnet.stats.experiment.days import Trend, trend
from linnet.stats.experiment.distributions import NORMAL
from linnet.stats.experiment.effects import Effect
from linnet.stats.experiment.segments import Divided, Part, divide
from linnet.stats.intervals import Interval


@dataclass(frozen=True)
class BySegment:
    """One metric, divided by one dimension. whole: its effect on all."""

    metric: str
    dimension: str
    whole: float
    found: Divided


@dataclass(frozen=True)
class Day:
    """day: from 1. effect: of what users did on that day, with a 95 % interval for it alone."""

    day: int
    effect: float
    interval: Interval


@dataclass(frozen=True)
class ByDay:
    """One metric over time. trend: None with too few days."""

    metric: str
    days: tuple[Day, ...]
    trend: Trend | None


def by_segment(metric: ExperimentMetric, measured: Measured, at: Moment) -> list[BySegment]:
    """Each dimension that has at least two segments with users."""
    if metric.kind is MetricKind.QUANTILE:
        return []
    whole = compared(metric, measured.whole).effect
    found = []
    for dimension, parts in measured.segments.items():
        divided = divide(
            whole,
            [Part(name, _effect(metric, both), both.users) for name, both in parts.items()],
            at.r,
        )
        if divided is not None:
            found.append(BySegment(metric.name, dimension, float(whole.size), divided))
    return found


def by_day(metric: ExperimentMetric, measured: Measured) -> ByDay | None:
    """The effect on each day; None without days."""
    if metric.kind is MetricKind.QUANTILE or not measured.days:
        return None
    found = [_effect(metric, both) for both in measured.days]
    days = tuple(
        Day(number, float(each.size), _alone(each)) for number, each in enumerate(found, start=1)
    )
    return ByDay(metric.name, days, trend(found))


def _effect(metric: ExperimentMetric, both: Both) -> Effect:
    return compared(metric, both).effect


def _alone(effect: Effect) -> Interval:
    half = NORMAL.inv_cdf(0.975) * float(effect.variance) ** 0.5
    return Interval(float(effect.size) - half, float(effect.size) + half)
