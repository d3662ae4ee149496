"""Does an effect fade, or grow? What is new is tried out; what is unfamiliar is first resented.

A line through the effects of single days, each weighted by its precision. It warns and decides
nothing: users who come back make days more alike than the line supposes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite, sqrt

from linnet.stats.experiment.distributions import beyond
from linnet.stats.experiment.effects import Effect

FEWEST = 4
"""Days below which no line is drawn."""
ALPHA = 0.01


@dataclass(frozen=True)
class Trend:
    """slope: change of the effect per day. first, second: effects in the halves of the time.

    fades: the effect gets smaller, beyond chance at 1 %; grows: it gets larger.
    """

    slope: float
    p_value: float
    first: float
    second: float
    fades: bool
    grows: bool


def trend(effects: Sequence[Effect]) -> Trend | None:
    """Of the days' effects in order; None below four that can be judged."""
    known = [
        (day, float(each.size), 1 / float(each.variance))
        for day, each in enumerate(effects)
        if isfinite(float(each.size)) and 0 < float(each.variance) < float("inf")
    ]
    if len(known) < FEWEST:
        return None
    total = sum(w for _, _, w in known)
    middle = sum(w * day for day, _, w in known) / total
    mean = sum(w * size for _, size, w in known) / total
    spread = sum(w * (day - middle) ** 2 for day, _, w in known)
    slope = sum(w * (day - middle) * (size - mean) for day, size, w in known) / spread
    p = beyond(slope * sqrt(spread))
    half = len(known) // 2
    first, second = _mean(known[:half]), _mean(known[half:])
    sure = p < ALPHA
    return Trend(slope, p, first, second, sure and slope * mean < 0, sure and slope * mean > 0)


def _mean(days: Sequence[tuple[int, float, float]]) -> float:
    return sum(w * size for _, size, w in days) / sum(w for _, _, w in days)
