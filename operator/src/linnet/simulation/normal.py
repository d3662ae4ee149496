"""The normal distribution, for arrays, without scipy."""

import numpy as np

from linnet.stats.state import Array


def cdf(z: Array) -> Array:
    """(...) the chance of a standard normal value below z, to 7.5e-8.

    Abramowitz, Stegun, "Handbook of Mathematical Functions", 1964, 26.2.17.
    """
    x = np.abs(z)
    t = 1 / (1 + 0.2316419 * x)
    tail = 1.330274429 * t
    for coefficient in (-1.821255978, 1.781477937, -0.356563782, 0.319381530):
        tail = t * (coefficient + tail)
    upper = np.exp(-np.square(x) / 2) / np.sqrt(2 * np.pi) * tail
    below: Array = np.where(z >= 0, 1 - upper, upper)
    return below
