"""Figures and verdicts of a report in words, the same in each of its forms."""

from collections.abc import Collection
from datetime import timedelta
from math import inf, isfinite

from linnet.api.experiment import EffectScale, ExperimentMetric, MetricState, Role
from linnet.experiment.effect import is_percent
from linnet.experiment.reading import Reading
from linnet.stats.intervals import Interval

UNKNOWN = "–"


def value(metric: ExperimentMetric, figure: float) -> str:
    """A variant's value, e.g. 31.2 %."""
    if not isfinite(figure):
        return UNKNOWN
    return f"{_short(figure)}{_unit(metric)}"


def effect(metric: ExperimentMetric, figure: float) -> str:
    """An effect, e.g. +10.0 pp, +108 % or -0.2 s."""
    if not isfinite(figure):
        return UNKNOWN
    return f"{_signed(figure)}{_effect_unit(metric)}"


def interval(metric: ExperimentMetric, found: Interval) -> str:
    """Both ends, e.g. +6.5 to +13.5 pp."""
    if found.low == -inf and found.high == inf:
        return UNKNOWN
    low = _signed(found.low) if isfinite(found.low) else "-∞"
    high = _signed(found.high) if isfinite(found.high) else "∞"
    return f"{low} to {high}{_effect_unit(metric)}"


def chance(p: float) -> str:
    """A p-value, or another chance."""
    return "< 0.0001" if p < 1e-4 else f"{p:.2g}" if p < 0.1 else f"{p:.2f}"


def verdict(metric: ExperimentMetric, reading: Reading) -> str:
    """What can be said of a metric, the gravest first."""
    return said(metric, reading.states, known=isfinite(reading.effect))


def said(metric: ExperimentMetric, states: Collection[MetricState], *, known: bool) -> str:
    """The same of its states alone. known: whether it has an effect."""
    told = [words for state, words in VERDICTS if state in states]
    if MetricState.NOT_WORSE in states and metric.margin > 0:
        told.append("not worse by the margin")
    return ", ".join(told) or ("nothing shown" if known else "no data")


VERDICTS = (
    (MetricState.BEYOND_LIMIT, "beyond its limit"),
    (MetricState.WORSE, "worse"),
    (MetricState.BETTER, "better"),
    (MetricState.MINIMUM_EFFECT, "as large as asked for"),
    (MetricState.FUTILE, "hardly as large as asked for"),
    (MetricState.WITHIN_LIMIT, "within its limit"),
)


def asked(metric: ExperimentMetric) -> str:
    """What the spec asks of a metric."""
    parts = []
    if metric.minimum_effect is not None:
        towards = metric.minimum_effect if metric.better == "Higher" else -metric.minimum_effect
        parts.append(effect(metric, towards))
    if metric.margin > 0:
        parts.append(f"worse by less than {_short(metric.margin)}{_effect_unit(metric)}")
    if metric.limit is not None and metric.limit.below is not None:
        parts.append(f"below {value(metric, metric.limit.below)}")
    if metric.limit is not None and metric.limit.above is not None:
        parts.append(f"above {value(metric, metric.limit.above)}")
    return ", ".join(parts) or UNKNOWN


def kind(metric: ExperimentMetric) -> str:
    """Its kind and role, e.g. mean, goal."""
    name = str(metric.kind).lower()
    if metric.kind == "Quantile":
        name = f"p{100 * metric.quantile:g}"
    return f"{name}, {'goal' if metric.role is Role.GOAL else 'guardrail'}"


def span(passed: timedelta) -> str:
    """A time in days, hours and minutes, the two largest of them."""
    minutes = round(passed / timedelta(minutes=1))
    days, rest = divmod(minutes, 1440)
    hours, left = divmod(rest, 60)
    parts = [(days, "d"), (hours, "h"), (left, "min")]
    told = [f"{many} {unit}" for many, unit in parts if many]
    return " ".join(told[:2]) or "0 min"


def _short(figure: float) -> str:
    return f"{figure:.3g}" if abs(figure) < 1000 else f"{figure:,.0f}"


def _signed(figure: float) -> str:
    return f"+{_short(figure)}" if figure > 0 else _short(figure)


def _unit(metric: ExperimentMetric) -> str:
    unit = "%" if is_percent(metric) else metric.unit
    return f" {unit}" if unit else ""


def _effect_unit(metric: ExperimentMetric) -> str:
    if metric.effect is EffectScale.RELATIVE:
        return " %"
    return " pp" if is_percent(metric) else _unit(metric)
