"""A quantile of users' events, such as requests: known to lie between edges, at any look.

At each edge the share of events beyond it is a ratio of users' sums, so that users are the unit
here, too: one who asks a thousand times is one. The quantile is above an edge where more than its
share of events is shown to be beyond, and below it where less is.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf, nan

from linnet.experiment.data import Both
from linnet.stats.experiment import sequence
from linnet.stats.experiment.arms import Arm, ratio
from linnet.stats.experiment.effects import Effect
from linnet.stats.experiment.sums import Sums
from linnet.stats.intervals import Interval


@dataclass(frozen=True)
class Quantiles:
    """Each variant's quantile, and the effect: treatment's less control's, with its interval."""

    control: float
    treatment: float
    of_treatment: Interval
    effect: float
    interval: Interval


def quantiles(edges: Mapping[float, Both], quantile: float, r: float, alpha: float) -> Quantiles:
    """r: the clock of `sequence`. Each variant and each edge has an equal part of alpha."""
    part = alpha / (2 * max(len(edges), 1))
    control = {edge: both.control for edge, both in edges.items()}
    treatment = {edge: both.treatment for edge, both in edges.items()}
    of_control = _interval(control, 1 - quantile, r, part)
    of_treatment = _interval(treatment, 1 - quantile, r, part)
    low, high = of_treatment.low - of_control.high, of_treatment.high - of_control.low
    one, other = _between(control, 1 - quantile), _between(treatment, 1 - quantile)
    return Quantiles(one, other, of_treatment, other - one, Interval(low, high))


def _interval(edges: Mapping[float, Sums], beyond: float, r: float, alpha: float) -> Interval:
    """beyond: the share of events above the quantile."""
    low, high = 0.0, inf
    for edge, sums in sorted(edges.items()):
        arm: Arm = ratio(sums)
        if not float(sums.d) > 0:
            continue
        known = sequence.interval(Effect(float(arm.value), float(arm.variance)), r, alpha)
        if known.low > beyond:
            low = edge
        elif known.high < beyond:
            high = min(high, edge)
    return Interval(low, high)


def _between(edges: Mapping[float, Sums], beyond: float) -> float:
    """Interpolated between edges, as Prometheus does; the last edge where it is beyond all."""
    start, before = 0.0, 1.0
    for edge, sums in sorted(edges.items()):
        if not float(sums.d) > 0:
            return nan
        share = float(sums.y) / float(sums.d)
        if share <= beyond:
            inside = (before - beyond) / (before - share) if before > share else 1.0
            return start + (edge - start) * inside
        start, before = edge, share
    return start if edges else nan
