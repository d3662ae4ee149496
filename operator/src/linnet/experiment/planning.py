"""How many users and days an experiment needs, and what it can show in the time it has."""

from dataclasses import dataclass
from math import inf, isfinite

from linnet.api.experiment import EffectScale, Experiment, ExperimentMetric, MetricKind, Role
from linnet.experiment.data import Data
from linnet.experiment.effect import Compared, compared, sign
from linnet.experiment.reading import family
from linnet.stats.experiment import power
from linnet.stats.experiment.group_sequential import inflation, obrien_fleming
from linnet.stats.experiment.power import Spread

LOOKS = 5
"""Of the group-sequential design that is shown for comparison."""


@dataclass(frozen=True)
class Terms:
    """What all metrics of an experiment share.

    alpha: of all goals together, shared by so many. share: of users with the treatment, 0 to 1.
    per_day: users a day, of both variants; 0 if unknown. days: planned.
    """

    alpha: float = 0.05
    goals: int = 1
    power: float = 0.8
    share: float = 0.5
    per_day: float = 0.0
    days: float = 14.0

    @property
    def own_alpha(self) -> float:
        """What each goal has of it."""
        return self.alpha / self.goals


@dataclass(frozen=True)
class Plan:
    """For one metric and one effect: users of both variants together.

    once: with one look at the end. planned: at most, with five planned looks. any_look: with as
    many looks as one likes. days: for any_look; inf if users a day are unknown. shown: the chance
    to show the effect in the planned time. smallest: the effect that is shown in that time with the
    power.
    """

    effect: float
    once: int
    planned: int
    any_look: int
    days: float
    shown: float
    smallest: float


def plan(effect: float, spread: Spread, terms: Terms) -> Plan:
    """effect: not 0, in the unit of spread's root."""
    alpha = terms.own_alpha
    once, bound = power.once(alpha), power.always(alpha, terms.alpha)
    single = power.users(effect, spread, once, terms.power, terms.share)
    looks = obrien_fleming(LOOKS, alpha)
    needed = power.users(effect, spread, bound, terms.power, terms.share)
    total = terms.per_day * terms.days
    return Plan(
        effect,
        single,
        round(single * inflation(looks, alpha, terms.power)),
        needed,
        needed / terms.per_day if terms.per_day > 0 else inf,
        power.shown(effect, spread, bound, total, terms.share),
        power.smallest(spread, bound, terms.power, total, terms.share),
    )


@dataclass(frozen=True)
class MetricPlan:
    """A metric's plan, with control's value so far; figures in the spec's units."""

    metric: ExperimentMetric
    baseline: float
    plan: Plan


def plans(spec: Experiment, data: Data) -> tuple[MetricPlan, ...]:
    """For each metric with a minimum effect, out of what control's users have done so far.

    Metrics without users are left out. Days are reckoned with as many users a day as until now.
    """
    passed = (data.until - data.started).total_seconds() / 86400
    terms = Terms(
        alpha=1 - spec.confidence_percent / 100,
        goals=family(spec, Role.GOAL),
        power=spec.power_percent / 100,
        share=spec.treatment_percent / 100,
        per_day=sum(data.users) / passed if passed > 0 else 0.0,
        days=spec.duration.total_seconds() / 86400,
    )
    found = []
    for metric in spec.metrics:
        measured = data.metrics.get(metric.name)
        if metric.minimum_effect is None or measured is None or metric.kind is MetricKind.QUANTILE:
            continue
        seen = compared(metric, measured.whole)
        if (spread := _spread(metric, seen)) is not None:
            baseline = float(seen.control.value)
            found.append(MetricPlan(metric, baseline, plan(metric.minimum_effect, spread, terms)))
    return tuple(found)


def _spread(metric: ExperimentMetric, seen: Compared) -> Spread | None:
    """Variance per user as control has it, in the effect's unit; None where it is unknown.

    A relative effect divides by control, whose error then counts as often as the effect has grown.
    """
    control = seen.control
    variance = float(control.variance) * float(control.users)
    if not isfinite(variance) or variance <= 0:
        return None
    if metric.effect is EffectScale.ABSOLUTE:
        return Spread(variance, variance)
    value = float(control.value)
    if not value > 0:
        return None
    relative = 10_000 * variance / value**2
    grown = 1 + sign(metric) * (metric.minimum_effect or 0) / 100
    return Spread(relative * grown**2, relative)
