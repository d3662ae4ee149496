"""A variant's value for a metric, and how far it may be off.

- mean: per user, its variance from the sum of squares.
- proportion: the same of zeros and ones. Its variance is that of one success and one failure more
  (Agresti, Caffo, "Simple and effective confidence intervals for proportions", The American
  Statistician 2000), so that no success at all isn't taken for certainty.
- ratio: sum by sum, with the variance of the delta method, as users and not their events are drawn
  (Deng, Knoblich, Lu, "Applying the delta method in metric analytics", KDD 2018).
- any of them less what a covariate foretold (Deng, Xu, Kohavi, Walker, "Improving the sensitivity
of
  online controlled experiments by utilizing pre-experiment data", WSDM 2013: CUPED).
"""

from dataclasses import dataclass

import numpy as np

from linnet.stats.experiment.sums import Sums
from linnet.stats.state import Array, Numbers

TINY = 1e-300


@dataclass(frozen=True)
class Arm:
    """value: of the metric. variance: of the value, the standard error's square; inf if unknown."""

    value: Numbers
    variance: Numbers
    users: Numbers


def mean(sums: Sums) -> Arm:
    """The mean outcome per user. Its variance is infinite below two users."""
    return Arm(_per(sums.y, sums.users), _variance(sums, 0.0, 0.0), sums.users)


def proportion(sums: Sums) -> Arm:
    """The share of users with the outcome 1. Its variance is infinite without users."""
    n = np.asarray(sums.users, dtype=np.float64)
    smoothed = (sums.y + 1) / (n + 2)
    spread = np.where(n > 0, smoothed * (1 - smoothed) / (n + 2), np.inf)
    return Arm(_per(sums.y, n), spread, n)


def ratio(sums: Sums) -> Arm:
    """The sum of outcomes by the sum of denominators. Unknown where the latter is not positive."""
    value = _per(sums.y, sums.d)
    per_user = _per(sums.d, sums.users)
    known = np.isfinite(value) & (per_user > 0)
    b = np.where(known, value, 0.0)
    spread = _variance(sums, b, 0.0) / np.maximum(per_user**2, TINY)
    return Arm(value, np.where(known, spread, np.inf), sums.users)


def adjusted(control: Sums, treatment: Sums, *, is_ratio: bool) -> tuple[Arm, Arm]:
    """Both values less what the covariate foretold of them: CUPED, for means, shares and ratios.

    θ is the slope of the outcome over the covariate, the same for both, and the covariate's mean
    that of all users. The difference of the two values estimates the same effect as before, with
    the variance times 1 - ρ². Where the covariate doesn't vary nothing changes.
    """
    both = (control, treatment)
    plain = [ratio(sums) if is_ratio else mean(sums) for sums in both]
    b = [np.where(np.isfinite(arm.value), arm.value, 0.0) * is_ratio for arm in plain]
    scale = [_scale(sums, is_ratio) for sums in both]
    with_x = [_cross(s.xy, s.x, s.y, s.users) - k * _cross(s.xd, s.x, s.d, s.users)
              for s, k in zip(both, b, strict=True)]  # fmt: skip
    of_x = [_cross(s.xx, s.x, s.x, s.users) for s in both]
    slope = sum(c / k for c, k in zip(with_x, scale, strict=True)) / np.maximum(sum(of_x), TINY)
    theta = np.where(sum(of_x) > 0, slope, 0.0)
    middle = _per(control.x + treatment.x, control.users + treatment.users)
    found = []
    for sums, arm, k, per_user in zip(both, plain, b, scale, strict=True):
        off = np.where(theta == 0, 0.0, theta * (_per(sums.x, sums.users) - middle))
        spread = _variance(sums, k, theta * per_user) / per_user**2
        found.append(Arm(arm.value - off, spread, sums.users))
    return found[0], found[1]


def _scale(sums: Sums, is_ratio: bool) -> Array:
    """The mean denominator: what one more of the outcome's sum per user is to be divided by."""
    per_user = np.asarray(_per(sums.d, sums.users))
    return np.where(is_ratio & (per_user > 0), per_user, 1.0)


def _variance(sums: Sums, b: Numbers, t: Numbers) -> Array:
    """Of the mean of y - b·d - t·x over users; infinite below two."""
    n = sums.users
    squares = (
        _cross(sums.yy, sums.y, sums.y, n)
        + b * b * _cross(sums.dd, sums.d, sums.d, n)
        + t * t * _cross(sums.xx, sums.x, sums.x, n)
        - 2 * b * _cross(sums.yd, sums.y, sums.d, n)
        - 2 * t * _cross(sums.xy, sums.x, sums.y, n)
        + 2 * b * t * _cross(sums.xd, sums.x, sums.d, n)
    )
    enough = np.asarray(n) >= 2
    spread = np.maximum(squares, 0.0) / np.where(enough, (np.asarray(n) - 1.0) * n, 1.0)
    return np.where(enough, spread, np.inf)


def _cross(product: Numbers, one: Numbers, other: Numbers, users: Numbers) -> Array:
    """The sum of products of two values' distances from their means."""
    found: Array = np.asarray(product - one * other / np.maximum(users, 1.0))
    return found


def _per(total: Numbers, users: Numbers) -> Array:
    """total / users; NaN where there are none."""
    many = np.asarray(users, dtype=np.float64)
    return np.where(many > 0, total / np.where(many > 0, many, 1.0), np.nan)
