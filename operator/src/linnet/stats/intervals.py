"""Intervals that hold at every look, for reports: what is shown next to a verdict.

A confidence sequence covers the true value at all times at once, with the stated probability, so it
may be read after every window. These are for people; verdicts come from the tests themselves.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import exp, inf, lgamma, log, sqrt

from linnet.stats.state import Array


@dataclass(frozen=True)
class Interval:
    """low ≤ high; infinite where nothing is known."""

    low: float
    high: float


NOTHING = Interval(0.0, inf)


def ratio_interval(
    canary: float, stable: float, share: float, alpha: float = 0.05, scatter: float = 1.0
) -> Interval:
    """How many times higher the canary's rate of events is than stable's.

    canary, stable: events ≥ 0 at a constant share of exposure, 0 < share < 1. scatter: φ ≥ 1, by
    which the events are divided. The Beta-binomial mixture, inverted (Lindon, Malek, NeurIPS 2022,
    with two categories), with a prior that is worth one event of the canary's.
    """
    if not 0 < share < 1 or not (0 <= canary < inf and 0 <= stable < inf):
        return NOTHING
    c, s = canary / scatter, stable / scatter
    level = log_marginal(c, s, (1.0, (1 - share) / share)) + log(alpha)
    low, high = _where_likelihood_is(c, s, level)
    odds = share / (1 - share)
    return Interval(low / odds, high / odds)


def log_marginal(c: float, s: float, prior: tuple[float, float]) -> float:
    """The logarithm of the likelihood of c and s events, averaged over a Beta prior.

    Less c ln p + s ln(1 - p) it is the mixture's evidence against the chance p.
    """
    return log_beta(prior[0] + c, prior[1] + s) - log_beta(*prior)


def log_beta(a: float, b: float) -> float:
    """The logarithm of Euler's Beta function; a, b > 0."""
    return lgamma(a) + lgamma(b) - lgamma(a + b)


def _where_likelihood_is(c: float, s: float, level: float) -> tuple[float, float]:
    """The odds, below and above c : s, at which c ln p + s ln(1 - p) has fallen to a level."""

    def excess(x: float) -> float:
        return c * x - (c + s) * (x + log1pexp(-x)) - level

    middle = log((c + 0.5) / (s + 0.5))
    low = exp(_cross(excess, middle, -1.0)) if c > 0 else 0.0
    high = exp(_cross(excess, middle, 1.0)) if s > 0 else inf
    return low, high


def log1pexp(x: float) -> float:
    """ln(1 + eˣ), also where eˣ is too large to write."""
    return max(x, 0.0) + log(1 + exp(-abs(x)))


def _cross(excess: Callable[[float], float], inside: float, direction: float) -> float:
    """Where the concave function falls through 0, by doubling and then halving the step."""
    step = 0.5
    while excess(inside + direction * step) > 0 and step < 64:
        step *= 2
    near, far = inside, inside + direction * step
    for _ in range(20):
        middle = (near + far) / 2
        if excess(middle) > 0:
            near = middle
        else:
            far = middle
    return far


def mean_interval(
    number: float, mean: float, squares: float, alpha: float = 0.05, tightest: float = 60.0
) -> Interval:
    """The mean of what Welford's sums describe (`linnet.stats.cpu`).

    number ≥ 0 of values, their mean, and the sum of their squared deviations. The asymptotic
    confidence sequence of Waudby-Smith, Arbour, Sinha, Kennedy, Ramdas, "Time-uniform central limit
    theory and asymptotic confidence sequences", Annals of Statistics 2024; tightest at
    that many values, of minutes an hour's. Nothing is said below two values.
    """
    if number < 2:
        return Interval(-inf, inf)
    prior = (-2 * log(alpha) + log(-2 * log(alpha) + 1)) / tightest
    spread = number * prior + 1
    variance = squares / (number - 1)
    half = sqrt(variance * 2 * spread / (number**2 * prior) * log(sqrt(spread) / alpha))
    return Interval(mean - half, mean + half)


def quantile_interval(
    quantile: float, edges: Array, slower: Array, requests: float, alpha: float = 0.05
) -> Interval:
    """Between which edges of a histogram a quantile lies.

    quantile: 0 to 1, exclusive. edges: (J,) rising, in seconds. slower: (J,) requests that took
    longer than each. An edge lies below the quantile if more than 1 - quantile of all requests take
    longer; the Beta-binomial mixture says where that is sure (Howard, Ramdas, McAuliffe, Sekhon,
    "Time-uniform, nonparametric, nonasymptotic confidence sequences", Annals of Statistics 2021),
    with a part of alpha for each edge. high is infinite beyond the last edge.
    """
    beyond, level = 1 - quantile, log(len(edges) / alpha)
    prior = 1.0, quantile / beyond
    low, high = 0.0, inf
    for edge, slow in zip(edges.tolist(), slower.tolist(), strict=True):
        fast = requests - slow
        against = log_marginal(slow, fast, prior) - slow * log(beyond) - fast * log(quantile)
        if against >= level and slow > beyond * requests:
            low = edge
        elif against >= level:
            high = min(high, edge)
    return Interval(low, high)
