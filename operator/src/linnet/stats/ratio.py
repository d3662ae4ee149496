"""Is the canary's rate of events more than a margin worse than stable's, whatever stable's is?

Given that d events happened in a window, and that the canary had the share π of the exposure, the
canary's part of them is binomial with the chance πR / (πR + 1 - π), where R is the ratio of the two
rates. The common rate cancels: it may differ from window to window, for both arms at once. So a day
curve, or an incident that both suffer, is no evidence (Lindon, Malek, "Anytime-valid inference for
multinomial count data", NeurIPS 2022; Lindon, Sanden, Shirikian, "Rapid regression detection in
software deployments through sequential testing", KDD 2022).

Against the hypothesis R ≤ R₀ a bet on R = rR₀, with r > 1, pays

    r^c · [(πR₀ + 1 - π) / (πrR₀ + 1 - π)]^d

for c of the d events on the canary. The payout grows with R, so its expectation is at most 1 for
every R ≤ R₀; and also where requests fail or don't, rather than in a Poisson stream, since
1 - p + p·e^x ≤ exp(p·(e^x - 1)). With r < 1 the same bet speaks against R ≥ R₀.
"""

from dataclasses import dataclass

import numpy as np

from linnet.stats import counts, dispersion, mixture
from linnet.stats.bets import BETTER, WORSE, Bets
from linnet.stats.counts import Window
from linnet.stats.dispersion import Dispersion
from linnet.stats.mixture import Mixture
from linnet.stats.state import Array, Numbers, State, floored

TINY = 1e-300
"""Divided by where there is no exposure: the payout is then 1, whatever the bet."""

LATELY_S = 60.0
"""Half-life, in seconds, of what counts as lately."""


@dataclass(frozen=True, eq=False)
class RatioState(State):
    """What two arms have shown so far.

    worse: evidence that the canary is more than the margin worse. better: evidence that it is less
    than `clear_below` times worse, at the present weight. scatter: how far the counts are from
    independent events. total, lately: (4, ...) the canary's events, all events, the canary's
    exposure, all exposure: at this weight, and of about the last minute.
    """

    worse: Mixture
    better: Mixture
    scatter: Dispersion
    total: Array
    lately: Array


@dataclass(frozen=True)
class RatioTest:
    """A comparison of two rates of events.

    margin: R₀ ≥ 1, up to which the canary counts as healthy. clear_below: the canary is clear once
    it is shown to be less than this many times worse; above the margin. within: events are some of
    the exposure (failed requests among all), not something else (restarts in pod-seconds).
    """

    margin: float = 1.5
    clear_below: float = 2.0
    within: bool = True

    def begin(self, shape: tuple[int, ...] = ()) -> RatioState:
        """No evidence yet. shape: of the counts."""
        none = np.zeros((4, *shape))
        return RatioState(
            mixture.begin((*shape, WORSE.many), restarts=True),
            mixture.begin((*shape, BETTER.many), restarts=False),
            dispersion.begin(shape),
            none,
            none,
        )

    def advance(self, state: RatioState, window: Window) -> RatioState:
        """The evidence after one more window. Costs the same whatever came before."""
        told = counts.believable(window, events_within_exposure=self.within)
        return step(state, told, counts.span(window), self.margin, self.clear_below)


def step(
    state: RatioState, told: Array, seconds: float, margin: Numbers, clear_below: Numbers
) -> RatioState:
    """The evidence after one more window of believable counts (4, ...); margins: (...)."""
    tempered = 1 / dispersion.at_surge(state.scatter, told[1], seconds)
    worse = payout(told, margin, WORSE, tempered)
    better = payout(told, clear_below, BETTER, tempered)
    return RatioState(
        mixture.advance(state.worse, worse, seconds, restarts=True),
        mixture.advance(state.better, better, seconds, restarts=False),
        dispersion.advance(state.scatter, told, seconds),
        state.total + told,
        floored(state.lately * 0.5 ** (seconds / LATELY_S)) + told,
    )


def payout(told: Array, margin: Numbers, bets: Bets, tempered: Numbers = 1.0) -> Array:
    """(..., K) logarithm of what each bet pays after a window, per unit staked.

    told: (4, ...) as in `RatioState.total`. margin: R₀, (...) or one. bets: K of them, on rR₀.
    tempered: (...) power to take, 1/φ.
    """
    canary, events, exposed, exposure = told
    odds = exposed * margin
    chance = odds / np.maximum(odds + exposure - exposed, TINY)
    lost = np.log1p(chance[..., None] * bets.less_one)
    gained = (canary * tempered)[..., None] * bets.logarithms
    logarithm: Array = gained - (events * tempered)[..., None] * lost
    return logarithm


def at_new_weight(state: RatioState) -> RatioState:
    """The state as a step to another weight begins.

    What speaks against the canary is kept. What speaks for it, and what is reported of it, has to
    come from measurements at the new weight.
    """
    return RatioState(
        state.worse,
        mixture.begin(state.better.log_wealth.shape, restarts=False),
        dispersion.forgotten(state.scatter),
        np.zeros_like(state.total),
        np.zeros_like(state.lately),
    )
