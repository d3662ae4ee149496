"""Group-sequential designs: a few looks at planned times, for comparison and for planning.

They need fewer users than a confidence sequence where the looks can be fixed before the start, and
promise nothing at any other. Jennison, Turnbull, "Group sequential methods with applications to
clinical trials", 2000; chances by the recursive integration of Armitage, McPherson, Rowe (1969).
"""

from collections.abc import Sequence

import numpy as np

from linnet.stats.experiment.distributions import NORMAL
from linnet.stats.state import Array

GRID = 161


def obrien_fleming(looks: int, alpha: float) -> list[float]:
    """Bounds on |z| at equally spaced looks, high at first (O'Brien, Fleming, 1979)."""
    shape = [np.sqrt(looks / (k + 1)) for k in range(looks)]
    return _scaled(shape, alpha)


def pocock(looks: int, alpha: float) -> list[float]:
    """The same bound on |z| at all looks (Pocock, 1977)."""
    return _scaled([1.0] * looks, alpha)


def _scaled(shape: Sequence[float], alpha: float) -> list[float]:
    """Bounds of a shape that are crossed with the chance alpha where there is no effect."""
    low, high = 0.5, 10.0
    for _ in range(30):
        middle = (low + high) / 2
        crossed = sum(crossing([middle * each for each in shape]))
        low, high = (middle, high) if crossed > alpha else (low, middle)
    return [high * each for each in shape]


def crossing(bounds: Sequence[float], drift: float = 0.0) -> list[float]:
    """The chance to cross each bound on |z| first at its look; looks are equally spaced.

    drift: what z is expected to be at the last look.
    """
    step = 1 / len(bounds)
    # s is the score: z times the root of the information, which is 1 at the end.
    found, before, weight = [], np.zeros(1), np.ones(1)
    for number, bound in enumerate(bounds):
        reach = bound * np.sqrt((number + 1) * step)
        mean = before + drift * step
        beyond = 1 - _cdf((reach - mean) / np.sqrt(step)) + _cdf((-reach - mean) / np.sqrt(step))
        found.append(float((weight * beyond).sum()))
        after, width = _nodes(reach)
        apart = (after[:, None] - mean[None, :]) / np.sqrt(step)
        density = np.exp(-apart * apart / 2) / np.sqrt(2 * np.pi * step)
        weight, before = width * (density @ weight), after
    return found


def _nodes(reach: float) -> tuple[Array, Array]:
    """Simpson's rule on -reach to reach: places and weights."""
    places = np.linspace(-reach, reach, GRID)
    weights = np.ones(GRID)
    weights[1:-1:2], weights[2:-1:2] = 4.0, 2.0
    return places, weights * (2 * reach / (GRID - 1)) / 3


def _cdf(values: Array) -> Array:
    return np.array([NORMAL.cdf(float(value)) for value in values])


def inflation(bounds: Sequence[float], alpha: float, power: float) -> float:
    """Times as many users at most as with one look, for the same power."""
    once = NORMAL.inv_cdf(1 - alpha / 2) + NORMAL.inv_cdf(power)
    low, high = once, 3 * once
    for _ in range(30):
        middle = (low + high) / 2
        low, high = (middle, high) if sum(crossing(bounds, middle)) < power else (low, middle)
    return float((high / once) ** 2)
