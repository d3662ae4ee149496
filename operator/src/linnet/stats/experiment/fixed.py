"""What a test says that looks once, at an end that was fixed before the start.

It is shown beside the confidence sequence, for those who know these tests and for the price of
being allowed to look. It decides nothing: read after each day of 14 it is wrong in 20 of 100
experiments without an effect.
"""

from dataclasses import dataclass
from math import inf, isfinite, nan, sqrt

from linnet.stats.experiment.arms import Arm
from linnet.stats.experiment.distributions import beyond, student_beyond, student_two_sided
from linnet.stats.experiment.effects import Effect
from linnet.stats.experiment.sums import Sums
from linnet.stats.intervals import Interval


@dataclass(frozen=True)
class Fixed:
    """A test's statistic, its two-sided p-value, and the interval of the difference.

    freedom: degrees of freedom of Student's t; inf for a normal test.
    """

    statistic: float
    p_value: float
    interval: Interval
    freedom: float = inf


UNKNOWN = Fixed(nan, 1.0, Interval(-inf, inf))


def welch(control: Arm, treatment: Arm, alpha: float = 0.05) -> Fixed:
    """Welch's t-test of two means with variances of their own (Biometrika 1947)."""
    spread = float(control.variance + treatment.variance)
    if not isfinite(spread) or spread <= 0:
        return UNKNOWN
    difference = float(treatment.value - control.value)
    parts = [float(arm.variance) ** 2 / (float(arm.users) - 1) for arm in (control, treatment)]
    freedom, error = spread**2 / sum(parts), sqrt(spread)
    t, half = difference / error, student_two_sided(alpha, freedom) * error
    interval = Interval(difference - half, difference + half)
    return Fixed(t, student_beyond(t, freedom), interval, freedom)


def proportions(control: Sums, treatment: Sums, alpha: float = 0.05) -> Fixed:
    """The z-test of two proportions: pooled for the p-value, each its own for the interval."""
    n, m = float(control.users), float(treatment.users)
    if min(n, m) <= 0:
        return UNKNOWN
    p, q = float(control.y) / n, float(treatment.y) / m
    pooled = (float(control.y) + float(treatment.y)) / (n + m)
    together = pooled * (1 - pooled) * (1 / n + 1 / m)
    if together <= 0:
        return UNKNOWN
    z = (q - p) / sqrt(together)
    half = student_two_sided(alpha, inf) * sqrt(p * (1 - p) / n + q * (1 - q) / m)
    return Fixed(z, beyond(z), Interval(q - p - half, q - p + half))


def normal(effect: Effect, alpha: float = 0.05) -> Fixed:
    """A normal test of any effect with a known variance: ratios, relative and adjusted ones."""
    size, variance = float(effect.size), float(effect.variance)
    if not (isfinite(size) and isfinite(variance)) or variance <= 0:
        return UNKNOWN
    z, half = size / sqrt(variance), student_two_sided(alpha, inf) * sqrt(variance)
    return Fixed(z, beyond(z), Interval(size - half, size + half))
