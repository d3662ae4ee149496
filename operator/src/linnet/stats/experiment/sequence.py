"""What may be said of an effect at any look, as often as one likes.

The normal mixture, or mixture sequential probability ratio test: evidence against "no effect" is
the likelihood of z, averaged over effects that are normal around 0, by that of no effect,

    E = exp(z² r / (2 (1 + r))) / sqrt(1 + r)

with r the mixture's variance over the estimate's, which grows with what is known. E ≥ 1/α happens
with a probability of at most α at any time (Robbins 1970; Johari, Koomen, Pekelis, Walsh, "Always
valid inference", Operations Research 2022). With estimated variances that holds asymptotically
(Waudby-Smith, Arbour, Sinha, Kennedy, Ramdas, "Time-uniform central limit theory and asymptotic
confidence sequences", Annals of Statistics 2024). All effects that have E < 1/α are the confidence
sequence.

r needs a clock. Users would do if each brought all that they do at once; but those who come back
add knowledge without adding users, and nobody knows their number in advance. Here r is the share of
the planned time that has passed, times what makes the sequence tightest at its end. Where knowledge
grows no faster than time that is conservative, as then all looks are more alike than the bound
allows for (Slepian 1962); where it grows with time's square, as with users who keep coming and
coming back, the promise is measured: up to the planned end and well beyond (ADR 17).
"""

from math import log

import numpy as np

from linnet.stats.experiment.distributions import NORMAL
from linnet.stats.experiment.effects import Effect
from linnet.stats.intervals import Interval
from linnet.stats.state import Array, Numbers

LARGEST = 700.0
"""The logarithm of the largest e-value that is written: a larger one is no number any more."""


def tuned(alpha: float) -> float:
    """r at which the sequence is tightest, for a chance of error 0 < alpha < 1."""
    return -2 * log(alpha) + log(-2 * log(alpha) + 1)


def clock(passed: Numbers, alpha: float) -> Array:
    """r, when so much of the planned time has passed: 0 at the start, 1 at the planned end."""
    return np.maximum(np.asarray(passed, dtype=np.float64), 0.0) * tuned(alpha)


def log_evidence(z: Numbers, r: Numbers) -> Array:
    """The e-value's natural logarithm: odds against "no effect"; 0 before anything is known."""
    spread = 1.0 + np.asarray(r)
    found: Array = np.square(z) * r / (2 * spread) - 0.5 * np.log(spread)
    return found


def p_value(z: Numbers, r: Numbers) -> Array:
    """A p-value that may be read at any look: min(1, 1 / E)."""
    return np.exp(-np.clip(log_evidence(z, r), 0.0, LARGEST))


def critical(r: Numbers, alpha: float) -> Array:
    """How large |z| has to be for 1 / E ≤ alpha; inf at r = 0."""
    r = np.asarray(r, dtype=np.float64)
    some = np.where(r > 0, r, 1.0)
    found = np.sqrt((1 + 1 / some) * (2 * log(1 / alpha) + np.log1p(some)))
    return np.where(r > 0, found, np.inf)


def interval(effect: Effect, r: Numbers, alpha: float) -> Interval:
    """Covers the true effect at all looks at once, with at least 1 - alpha. effect: of one."""
    size, variance = float(effect.size), float(effect.variance)
    if not (np.isfinite(size) and np.isfinite(variance)) or not np.all(np.asarray(r) > 0):
        return Interval(-np.inf, np.inf)
    half = float(critical(r, alpha)) * variance**0.5
    return Interval(size - half, size + half)


def chance_at_end(effect: Effect, truth: float, passed: float, alpha: float, r: float) -> float:
    """The chance to show an effect by the planned end, if the truth is as given from now on.

    effect: so far. passed: of the planned time, above 0, below 1; knowledge is taken to go on
    growing with time. r: the clock at the planned end. Conditional power (Lan, Simon, Halperin,
    "Stochastically curtailed tests in long-term clinical trials", 1982), against the bound of the
    confidence sequence at the end alone; looks in between make it slightly larger.
    """
    if not np.isfinite(float(effect.variance)) or not float(effect.variance) > 0:
        return 1.0
    remaining = max(1 - passed, 1e-9)
    final = (passed * float(effect.variance)) ** 0.5
    expected = (float(effect.size) * passed + truth * remaining) / final
    return NORMAL.cdf((abs(expected) - float(critical(r, alpha))) / remaining**0.5)
