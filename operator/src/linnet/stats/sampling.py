"""How sure one may be of a figure that comes from a number of independent trials."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, inf, lgamma, log, sqrt

Z_95 = 1.959963984540054
"""The two-sided 95 % point of the standard normal distribution."""


@dataclass(frozen=True)
class Estimate:
    """A figure, and the interval that covers the true one in 95 of 100 cases."""

    value: float
    low: float
    high: float


def proportion(successes: int, trials: int) -> Estimate:
    """A share, 0 to 1, with Wilson's interval. 0 ≤ successes ≤ trials, trials ≥ 1.

    Wilson, "Probable inference, the law of succession, and statistical inference", 1927. It stays
    within 0 and 1, and says something after no success at all.
    """
    share, z2 = successes / trials, Z_95**2
    middle = (share + z2 / (2 * trials)) / (1 + z2 / trials)
    spread = share * (1 - share) / trials + z2 / (4 * trials**2)
    half = Z_95 * sqrt(spread) / (1 + z2 / trials)
    return Estimate(share, max(0.0, middle - half), min(1.0, middle + half))


def median(values: Sequence[float]) -> Estimate:
    """The median with an interval from order statistics; infinite where there is no upper one.

    values: at least one; inf for what was never seen. The interval needs no assumption but
    independence (David, Nagaraja, "Order Statistics", 2003, 7.1); with fewer than six values it is
    unbounded, as there is none at 95 %.
    """
    ordered, n = sorted(values), len(values)
    middle = ordered[n // 2] if n % 2 else _between(ordered[n // 2 - 1], ordered[n // 2])
    below, rank = 0.0, 0
    while below + _half_binomial(n, rank) <= 0.025:
        below += _half_binomial(n, rank)
        rank += 1
    if rank == 0:
        return Estimate(middle, -inf, inf)
    return Estimate(middle, ordered[rank - 1], ordered[n - rank])


def _between(low: float, high: float) -> float:
    return high if high == inf else (low + high) / 2


def _half_binomial(n: int, k: int) -> float:
    """The chance of k heads in n throws of a fair coin."""
    return exp(lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1) - n * log(2))
