"""CPU seconds per request: does the canary need more than the margin allows?

Usage alone says nothing: it follows the traffic. The quotient of two counters, CPU seconds and
requests, is compared between the versions minute by minute. Evidence comes from the signs of these
comparisons (`linnet.stats.signs`), because minutes scatter in no way that one could name; size
comes from a confidence sequence of the mean logarithm (`linnet.stats.intervals.mean_interval`).
"""

from dataclasses import dataclass
from math import log

import numpy as np

from linnet.stats import counts, mixture, signs
from linnet.stats.counts import Window
from linnet.stats.mixture import Mixture
from linnet.stats.state import Array, State, floored

BLOCK_S = 60.0
"""Length of a comparison, in seconds."""


@dataclass(frozen=True, eq=False)
class CpuState(State):
    """worse, better: evidence. within: (4, ...) the minute under way, in seconds of CPU and
    requests.

    seconds: () how much of it has passed. moments: (3, ...) number, mean and sum of squared
    deviations of the logarithms of the minutes' ratios.
    """

    worse: Mixture
    better: Mixture
    within: Array
    seconds: Array
    moments: Array


@dataclass(frozen=True)
class CpuTest:
    """margin: up to this ratio the canary is healthy. clear_below: shown to be less is clear."""

    margin: float = 1.2
    clear_below: float = 1.5

    def begin(self, shape: tuple[int, ...] = ()) -> CpuState:
        """No evidence yet. shape: of the counts."""
        bets = (*shape, len(signs.PARTS))
        return CpuState(
            mixture.begin(bets, restarts=True),
            mixture.begin(bets, restarts=False),
            np.zeros((4, *shape)),
            np.zeros(()),
            np.zeros((3, *shape)),
        )

    def advance(self, state: CpuState, window: Window) -> CpuState:
        """The evidence after one more window: events are CPU seconds, exposure is requests."""
        told = counts.believable(window, events_within_exposure=False)
        span = counts.span(window)
        within, passed = state.within + told, float(state.seconds) + span
        if passed < BLOCK_S:
            return CpuState(
                state.worse, state.better, floored(within), np.asarray(passed), state.moments
            )
        difference, known = _log_ratio(within)
        up = np.sign(difference - log(self.margin)) * known
        down = np.sign(log(self.clear_below) - difference) * known
        return CpuState(
            mixture.advance(state.worse, signs.payout(up), passed, restarts=True),
            mixture.advance(state.better, signs.payout(down), passed, restarts=False),
            np.zeros_like(within),
            np.zeros(()),
            _moments(state.moments, difference, known),
        )


def _log_ratio(within: Array) -> tuple[Array, Array]:
    """The logarithm of the ratio of CPU seconds per request, and where there is one."""
    mine, stables = within[0], within[1] - within[0]
    known = (within[[0, 2]].min(axis=0) > 0) & (stables > 0) & (within[3] > within[2])
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.log(mine / within[2]) - np.log(stables / (within[3] - within[2]))
    return np.where(known, ratio, 0.0), known


def _moments(moments: Array, value: Array, known: Array) -> Array:
    """Welford's update ("Note on a method for calculating corrected sums of squares", 1962)."""
    number, mean, squares = moments
    after = number + known
    gap = value - mean
    moved = mean + known * gap / np.maximum(after, 1)
    return floored(np.array([after, moved, squares + known * gap * (value - moved)]))
