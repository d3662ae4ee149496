"""Is a rate above what was promised? The test for where there is nothing to compare with.

At a weight of 100 %, or where stable has no traffic, the canary is judged by an absolute objective,
for example "at most 1 % of requests fail". Against "the rate is at most p" a bet on rp, r > 1, pays

    r^e · exp(-(r - 1) p n)

for e events among n: the Poisson likelihood ratio, which is on the safe side for requests that fail
or don't (Howard, Ramdas, McAuliffe, Sekhon, "Time-uniform, nonparametric, nonasymptotic confidence
sequences", Annals of Statistics 2021).

Both versions are judged by it while both have traffic: where stable misses the objective, too, the
trouble is shared, and no reason to roll back.
"""

from dataclasses import dataclass

import numpy as np

from linnet.stats import counts, dispersion, mixture
from linnet.stats.bets import BETTER, WORSE, Bets
from linnet.stats.dispersion import Dispersion
from linnet.stats.mixture import Mixture
from linnet.stats.state import Array, Numbers, State


@dataclass(frozen=True, eq=False)
class ObjectiveState(State):
    """worse, better: evidence of a rate above, below the objective. total: (2, ...) events, all."""

    worse: Mixture
    better: Mixture
    scatter: Dispersion
    total: Array


@dataclass(frozen=True)
class ObjectiveTest:
    """limit: the highest rate that keeps the objective: events per unit of exposure, > 0."""

    limit: float
    within: bool = True

    def begin(self, shape: tuple[int, ...] = ()) -> ObjectiveState:
        """No evidence yet. shape: of the counts."""
        return ObjectiveState(
            mixture.begin((*shape, WORSE.many), restarts=True),
            mixture.begin((*shape, BETTER.many), restarts=False),
            dispersion.begin(shape),
            np.zeros((2, *shape)),
        )

    def advance(
        self, state: ObjectiveState, events: Numbers, exposure: Numbers, seconds: float = 15.0
    ) -> ObjectiveState:
        """The evidence after one more window: (...) events in the course of (...) exposure."""
        window = counts.alone(events, exposure, seconds)
        told = counts.believable(window, events_within_exposure=self.within)
        span, tempered = counts.span(window), 1 / dispersion.factor(state.scatter)
        return ObjectiveState(
            mixture.advance(state.worse, self._pay(told, WORSE, tempered), span, restarts=True),
            mixture.advance(state.better, self._pay(told, BETTER, tempered), span, restarts=False),
            dispersion.advance(state.scatter, told, span),
            state.total + told[[1, 3]],
        )

    def _pay(self, told: Array, bets: Bets, tempered: Array) -> Array:
        events, expected = told[1] * tempered, told[3] * self.limit * tempered
        return np.asarray(events[..., None] * bets.logarithms - expected[..., None] * bets.less_one)


def shown_below(events: Numbers, exposure: Numbers, limit: float, scatter: Numbers = 1.0) -> Array:
    """(...) log evidence that a rate is below a limit, of all that was counted until now.

    events, exposure: (...) since a moment that was fixed beforehand. scatter: (...) φ ≥ 1. The mean
    of the bets without restarts needs no other memory than these sums. The power 1/φ may be known
    late: it only takes from evidence that speaks for anything (Jensen).
    """
    told, expected = np.asarray(events) / scatter, np.asarray(exposure) * limit / scatter
    bets = told[..., None] * BETTER.logarithms - expected[..., None] * BETTER.less_one
    return mixture.log_mean(bets)


def gain_below(rate: float, limit: float) -> float:
    """What the best bet on a rate below the limit gains per unit of exposure, at this rate."""
    return float((rate * BETTER.logarithms - limit * BETTER.less_one).max())
