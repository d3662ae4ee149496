"""Does the canary get the share of traffic that was asked for?

A mesh that routes elsewhere, or a canary that sheds connections, makes every comparison suspect: a
"sample ratio mismatch" (Lindon, Malek, "Anytime-valid inference for multinomial count data",
NeurIPS 2022; here with two arms, and with a tolerance, because proxies balance connections rather
than requests). Two tests share the stake: of a share above the tolerance, and of one below it. The
outcome is INVALID, never a rollback.
"""

from dataclasses import dataclass

import numpy as np

from linnet.stats import counts, dispersion, mixture
from linnet.stats.bets import LESS, MORE, Bets
from linnet.stats.counts import Window
from linnet.stats.dispersion import Dispersion
from linnet.stats.mixture import Mixture
from linnet.stats.ratio import payout
from linnet.stats.state import Array, Numbers, State


@dataclass(frozen=True, eq=False)
class ShareState(State):
    """more, less: evidence of too much, too little traffic. total: (2, ...) the canary's, all."""

    more: Mixture
    less: Mixture
    scatter: Dispersion
    total: Array


@dataclass(frozen=True)
class ShareTest:
    """tolerance: how far, as a part of the weight, the share may be off; above 0, below 1."""

    tolerance: float = 0.2

    def begin(self, shape: tuple[int, ...] = ()) -> ShareState:
        """No evidence yet: at each new weight, once it is on the route. shape: of the counts."""
        bets = (*shape, MORE.many)
        return ShareState(
            mixture.begin(bets, restarts=True),
            mixture.begin(bets, restarts=True),
            dispersion.begin(shape),
            np.zeros((2, *shape)),
        )

    def advance(
        self,
        state: ShareState,
        canary: Numbers,
        stable: Numbers,
        weight: float,
        seconds: float = 15.0,
    ) -> ShareState:
        """The evidence after one more window of (...) requests each.

        weight: asked for, 0 < weight < 1; at other weights nothing is tested.
        """
        none = np.zeros(np.shape(canary))
        window = Window(none, canary, none, stable, seconds)
        _, _, mine, every = counts.believable(window)
        if not 0 < weight < 1:
            return state
        span, tempered = counts.span(window), 1 / dispersion.factor(state.scatter)
        high, low = weight * (1 + self.tolerance), weight * (1 - self.tolerance)
        told = np.array([mine, every, weight * (every > 0), 1.0 * (every > 0)])
        return ShareState(
            _bet(state.more, told, min(high, 1.0), MORE, tempered, span),
            _bet(state.less, told, low, LESS, tempered, span),
            dispersion.advance(state.scatter, told, span, own=False),
            state.total + told[:2],
        )


def wrong(state: ShareState) -> Array:
    """(...) log evidence that the share is off by more than the tolerance, either way."""
    more, less = mixture.log_evidence(state.more), mixture.log_evidence(state.less)
    total: Array = np.logaddexp(more, less) - np.log(2)
    return total


def _bet(
    side: Mixture, told: Array, chance: float, bets: Bets, tempered: Array, seconds: float
) -> Mixture:
    """Each request is one that the canary has with at most, or at least, the chance."""
    at = np.array([told[0], told[1], chance * told[3], told[3]])
    return mixture.advance(side, payout(at, 1.0, bets, tempered), seconds, restarts=True)
