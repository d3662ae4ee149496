"""The few distributions that experiments need; scipy costs a second and 100 MB to import."""

from math import exp, inf, log, log1p, pi, sqrt
from statistics import NormalDist

from linnet.stats.intervals import log_beta

NORMAL = NormalDist()
PRECISE = 1e-15


def beta_cdf(x: float, a: float, b: float) -> float:
    """The regularised incomplete Beta function; 0 ≤ x ≤ 1, a, b > 0.

    The continued fraction 26.5.8 of Abramowitz, Stegun, "Handbook of mathematical functions", 1964,
    by Lentz' method, from the side on which it converges fast.
    """
    if x <= 0 or x >= 1:
        return float(x >= 1)
    if x > (a + 1) / (a + b + 2):
        return 1 - beta_cdf(1 - x, b, a)
    front = exp(a * log(x) + b * log1p(-x) - log_beta(a, b)) / a
    return front / _fraction(x, a, b)


def _fraction(x: float, a: float, b: float) -> float:
    """1 + d₁/(1 + d₂/(1 + …)) of the incomplete Beta function."""
    value = c = 1.0
    d = 0.0
    for k in range(1, 10_000):
        m = k // 2
        if k % 2:
            term = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        else:
            term = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        d = 1 / (1 + term * d)
        c = 1 + term / c
        value *= c * d
        if abs(c * d - 1) < PRECISE:
            break
    return value


def student_beyond(t: float, freedom: float) -> float:
    """The chance that Student's t is further from 0 than t, either way.

    freedom: above 0; inf for a normal distribution.
    """
    if freedom == inf:
        return 2 * NORMAL.cdf(-abs(t))
    return beta_cdf(freedom / (freedom + t * t), freedom / 2, 0.5)


def student_two_sided(alpha: float, freedom: float) -> float:
    """The t that is exceeded, either way, with the chance alpha; 0 < alpha < 1."""
    normal = NORMAL.inv_cdf(1 - alpha / 2)
    if freedom == inf:
        return normal
    low, high = 0.0, max(normal, 1.0)
    while student_beyond(high, freedom) > alpha:
        low, high = high, 2 * high
    for _ in range(200):
        middle = (low + high) / 2
        if not low < middle < high:
            break
        low, high = (middle, high) if student_beyond(middle, freedom) > alpha else (low, middle)
    return (low + high) / 2


def beyond(z: float) -> float:
    """The chance that a standard normal number is further from 0 than z, either way."""
    return student_beyond(z, inf)


def density(z: float) -> float:
    """Of the standard normal distribution."""
    return exp(-z * z / 2) / sqrt(2 * pi)
