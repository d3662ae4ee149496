"""The Bayesian reading: how likely the treatment is better, and what choosing it risks.

Priors are conjugate, so that no sampling is needed. It is shown for those who want it and decides
nothing: a posterior that is read until it pleases keeps no promise on false alarms.
"""

from dataclasses import dataclass
from math import inf, isfinite, lgamma, sqrt

import numpy as np

from linnet.stats.experiment.distributions import NORMAL, density
from linnet.stats.experiment.effects import Effect
from linnet.stats.experiment.sums import Sums
from linnet.stats.intervals import Interval
from linnet.stats.state import Array

POINTS = 4001
"""Of the grid that two Beta distributions are compared on."""


@dataclass(frozen=True)
class Belief:
    """What is believed of an effect after the data.

    better: the chance that it is above 0. risk: what is lost on average by choosing the treatment,
    in the effect's unit: 0 where it is better, else how much worse it is. credible: the central 95
    %.
    """

    better: float
    risk: float
    credible: Interval


NONE = Belief(0.5, inf, Interval(-inf, inf))


def normal(effect: Effect, prior_sd: float = inf) -> Belief:
    """With a normal prior around 0; prior_sd in the effect's unit, inf for a flat one."""
    size, variance = float(effect.size), float(effect.variance)
    if not (isfinite(size) and isfinite(variance)) or variance <= 0:
        return NONE
    kept = 1 / (1 + variance / prior_sd**2)
    mean, sd = size * kept, sqrt(variance * kept)
    z = mean / sd
    half = NORMAL.inv_cdf(0.975) * sd
    risk = sd * density(z) - mean * NORMAL.cdf(-z)
    return Belief(NORMAL.cdf(z), max(risk, 0.0), Interval(mean - half, mean + half))


def beta(control: Sums, treatment: Sums, prior: tuple[float, float] = (1.0, 1.0)) -> Belief:
    """Of the difference of two proportions, each with the same Beta prior.

    The chance is ∫ f(x) F(x) dx and the risk ∫ F(x) (1 - G(x)) dx, over a grid that covers both (F,
    G the distributions of treatment and control). The credible interval is that of a normal
    distribution with the posterior's moments.
    """
    a, b = _posterior(control, prior), _posterior(treatment, prior)
    if min(float(control.users), float(treatment.users)) <= 0:
        return NONE
    (mean_a, sd_a), (mean_b, sd_b) = _moments(*a), _moments(*b)
    low = max(0.0, min(mean_a - 9 * sd_a, mean_b - 9 * sd_b))
    high = min(1.0, max(mean_a + 9 * sd_a, mean_b + 9 * sd_b))
    edges = np.linspace(low, high, POINTS)
    x, step = (edges[1:] + edges[:-1]) / 2, (high - low) / (POINTS - 1)
    mine, theirs = _density(x, *b) * step, _density(x, *a) * step
    mine, theirs = mine / mine.sum(), theirs / theirs.sum()
    below = np.cumsum(theirs) - theirs / 2  # control is below x
    risk = float(((np.cumsum(mine) - mine / 2) * (1 - below)).sum() * step)
    half = NORMAL.inv_cdf(0.975) * sqrt(sd_a**2 + sd_b**2)
    middle = mean_b - mean_a
    return Belief(float((mine * below).sum()), risk, Interval(middle - half, middle + half))


def _posterior(sums: Sums, prior: tuple[float, float]) -> tuple[float, float]:
    successes = float(sums.y)
    return prior[0] + successes, prior[1] + float(sums.users) - successes


def _moments(a: float, b: float) -> tuple[float, float]:
    """Mean and standard deviation of a Beta distribution."""
    return a / (a + b), sqrt(a * b / (a + b + 1)) / (a + b)


def _density(x: Array, a: float, b: float) -> Array:
    constant = lgamma(a + b) - lgamma(a) - lgamma(b)
    found: Array = np.exp(constant + (a - 1) * np.log(x) + (b - 1) * np.log1p(-x))
    return found
