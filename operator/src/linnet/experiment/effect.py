"""From sums to a metric's effect, in the unit that its spec is written in."""

from dataclasses import dataclass, replace

from linnet.api.experiment import Better, EffectScale, ExperimentMetric, MetricKind
from linnet.experiment.data import Both
from linnet.stats.experiment import arms, bayes, effects, fixed
from linnet.stats.experiment.arms import Arm
from linnet.stats.experiment.bayes import Belief
from linnet.stats.experiment.effects import Effect
from linnet.stats.experiment.fixed import Fixed
from linnet.stats.intervals import Interval


@dataclass(frozen=True)
class Compared:
    """Both values, and the effect. saved: the share of the variance that a covariate explained."""

    control: Arm
    treatment: Arm
    effect: Effect
    saved: float = 0.0


def is_percent(metric: ExperimentMetric) -> bool:
    """Whether its values are shares, told in percent."""
    return metric.kind is MetricKind.PROPORTION or metric.unit == "%"


def sign(metric: ExperimentMetric) -> float:
    """1 where higher is better, else -1."""
    return 1.0 if metric.better is Better.HIGHER else -1.0


def compared(metric: ExperimentMetric, both: Both) -> Compared:
    """The effect on these users; not for quantiles."""
    plain = _plain(metric, both)
    chosen, saved = plain, 0.0
    if _varies(both):
        chosen = arms.adjusted(
            both.control, both.treatment, is_ratio=metric.kind is MetricKind.RATIO
        )
        before = float(plain[0].variance + plain[1].variance)
        if 0 < before < float("inf"):
            saved = 1 - float(chosen[0].variance + chosen[1].variance) / before
    control, treatment = (_scaled(metric, arm) for arm in chosen)
    return Compared(control, treatment, _effect(metric, control, treatment), saved)


def _varies(both: Both) -> bool:
    """Whether there is a covariate to adjust by."""
    return float(both.control.xx) > 0 and float(both.treatment.xx) > 0


def _plain(metric: ExperimentMetric, both: Both) -> tuple[Arm, Arm]:
    of = {
        MetricKind.PROPORTION: arms.proportion,
        MetricKind.MEAN: arms.mean,
        MetricKind.RATIO: arms.ratio,
    }[metric.kind]
    return of(both.control), of(both.treatment)


def _scaled(metric: ExperimentMetric, arm: Arm) -> Arm:
    k = 100.0 if is_percent(metric) else 1.0
    return replace(arm, value=float(arm.value) * k, variance=float(arm.variance) * k * k)


def _effect(metric: ExperimentMetric, control: Arm, treatment: Arm) -> Effect:
    if metric.effect is EffectScale.ABSOLUTE:
        found = effects.absolute(control, treatment)
        return Effect(float(found.size), float(found.variance))
    found = effects.relative(control, treatment)
    return Effect(100 * float(found.size), 10_000 * float(found.variance))


def at_a_fixed_end(metric: ExperimentMetric, both: Both, found: Compared, alpha: float) -> Fixed:
    """The classical test: of two proportions, Welch's, or a normal one."""
    simple = metric.effect is EffectScale.ABSOLUTE and found.saved == 0
    if metric.kind is MetricKind.PROPORTION and simple:
        return _times(fixed.proportions(both.control, both.treatment, alpha), 100.0)
    if metric.kind is MetricKind.MEAN and simple:
        return fixed.welch(found.control, found.treatment, alpha)
    return fixed.normal(found.effect, alpha)


def _times(found: Fixed, k: float) -> Fixed:
    return replace(found, interval=Interval(k * found.interval.low, k * found.interval.high))


def belief(metric: ExperimentMetric, both: Both, found: Compared) -> Belief:
    """What a Bayesian believes of the gain: of what is better, whichever way that is."""
    counted = metric.kind is MetricKind.PROPORTION and metric.effect is EffectScale.ABSOLUTE
    if counted and found.saved == 0 and sign(metric) > 0:
        held = bayes.beta(both.control, both.treatment)
        interval = Interval(100 * held.credible.low, 100 * held.credible.high)
        return Belief(held.better, 100 * held.risk, interval)
    gain = Effect(sign(metric) * float(found.effect.size), found.effect.variance)
    return bayes.normal(gain)
