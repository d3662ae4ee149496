"""The engine of every test: evidence that may be looked at after every window.

An e-process is what a gambler owns who starts with 1 and bets against the hypothesis "the canary is
healthy" at fair odds. If the hypothesis holds, the fortune ever exceeds 1/α with a probability of
at most α, however often one looks (Ville 1939; Ramdas, Grünwald, Vovk, Shafer, "Game-theoretic
statistics and safe anytime-valid inference", Statistical Science 2023).

The gambler divides the stake twice:

- over K alternatives, since nobody knows how bad a bad canary is (method of mixtures: Robbins
  1970);
- over starting times, since a defect may begin after a day. A bet that was placed at the beginning
  has by then lost so much that it takes minutes to recover. Half of the stake is placed at once and
  the rest bit by bit, once a minute (the idea of e-detectors: Shin, Ramdas, Rinaldo 2022). All
  stakes together are never more than 1, so the whole is an e-process itself.
"""

from dataclasses import dataclass
from math import ceil, floor, isfinite, log, log2

import numpy as np

from linnet.stats.state import Array, State, floored

RESTART_S = 60.0
"""Time between two stakes, in seconds."""

PLAN_S = 48 * 3600.0
"""The span, in seconds, on which nine tenths of the later stakes are placed.

Nine tenths of what then remains are placed on the next span, which is twice as long, and so on: a
release may go on for as long as it likes.
"""

AT_ONCE = 0.5
"""The part of the stake that is placed at the beginning, where there are restarts."""


@dataclass(frozen=True, eq=False)
class Mixture(State):
    """What the gambler owns.

    log_wealth: (..., K) natural logarithm of the fortune on each alternative, of a stake of 1 each.
    seconds: () how long the windows so far have lasted.
    """

    log_wealth: Array
    seconds: Array


def begin(shape: tuple[int, ...], *, restarts: bool) -> Mixture:
    """A fresh mixture. shape: (..., K). restarts: whether to keep half of the stake for later."""
    stake = log(AT_ONCE) if restarts else 0.0
    return Mixture(floored(np.full(shape, stake)), np.zeros(()))


def advance(mixture: Mixture, log_factor: Array, seconds: float, *, restarts: bool) -> Mixture:
    """The fortune after one more window.

    log_factor: (..., K) logarithm of each bet's payout per unit staked; its expectation must be at
    most 1 if the hypothesis holds. seconds: the window's length; a length that is not a positive
    number places no stakes. Stakes are placed before the window that they are first at risk in.
    """
    before = float(mixture.seconds)
    after = before + (seconds if isfinite(seconds) and seconds > 0 else 0.0)
    log_wealth = mixture.log_wealth
    if restarts and (added := placed(after) - placed(before)) > 0:
        log_wealth = np.logaddexp(log_wealth, log(added))
    return Mixture(floored(log_wealth + log_factor), np.asarray(after))


def log_evidence(mixture: Mixture) -> Array:
    """(...) natural logarithm of the e-value: the mean fortune over the alternatives."""
    return log_mean(mixture.log_wealth)


def log_mean(logarithms: Array) -> Array:
    """(...) the logarithm of the mean of (..., K) numbers, which are given as logarithms."""
    highest = np.maximum.reduce(logarithms, axis=-1, keepdims=True)
    total = np.add.reduce(np.exp(logarithms - highest), axis=-1)
    mean: Array = highest[..., 0] + np.log(total / logarithms.shape[-1])
    return mean


def either(first: Array, second: Array, part: float) -> Array:
    """(...) log evidence against "both hypotheses hold", of that against the one and the other.

    part: of the stake that is placed on the second, 0 to 1. A mean of e-processes is an e-process.
    """
    both: Array = np.logaddexp(first + log(1 - part), second + log(part))
    return both


def placed(seconds: float) -> float:
    """The stakes placed on starting times after 0 and before a moment; at most 1 - AT_ONCE."""
    whole = max(ceil(seconds / RESTART_S) - 1, 0)  # the starts at 60 s, 120 s, … that have passed
    plan = PLAN_S / RESTART_S
    spans = floor(log2(whole / plan + 1))  # that have ended; each is twice as long as the last
    longer = 2.0**spans
    inside = (whole - plan * (longer - 1)) / (plan * longer)
    remaining: float = 0.1**spans * (1 - 0.9 * inside)
    return (1 - AT_ONCE) * (1 - remaining)
