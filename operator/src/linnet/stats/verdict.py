"""From evidence to a verdict, and the words and numbers that go with it.

A release may be rolled back wrongly with a probability of at most its budget, 1 % by default. Every
metric that can roll back gets the same part of it: by the union bound the parts add up, whatever
the metrics have to do with one another, and whenever they are looked at (Bonferroni 1936).
"""

from dataclasses import dataclass
from enum import StrEnum
from math import ceil, exp, inf, log, nan

import numpy as np

from linnet.stats import dispersion, mixture
from linnet.stats.bets import BETTER, WORSE, Bets
from linnet.stats.intervals import Interval, ratio_interval
from linnet.stats.ratio import RatioState, RatioTest, payout
from linnet.stats.state import Array

BUDGET = 0.01
"""Probability of rolling back a healthy canary, for a whole release."""

MOST_SHOWN = 700.0
"""The logarithm of the largest e-value that is shown: a larger one is no number any more."""

CLEAR_ALPHA = 0.05
"""Probability of clearing, per metric and weight, what is as bad as it is cleared of."""


class Verdict(StrEnum):
    """What a metric says of a canary."""

    BREACH = "Breach"  # shown to be worse than the margin
    CLEAR = "Clear"  # shown to be less worse than asked for
    CONTINUE = "Continue"  # neither yet
    INCONCLUSIVE = "Inconclusive"  # neither, and the time is up
    SHARED_INCIDENT = "SharedIncident"  # stable suffers, too: hold
    INVALID = "Invalid"  # the traffic isn't split as asked for
    NO_DATA = "NoData"  # nothing was measured
    ERROR = "Error"  # the measurement failed


@dataclass(frozen=True)
class Evidence:
    """What speaks against a canary and for it, as natural logarithms of e-values."""

    worse: float
    better: float


@dataclass(frozen=True)
class Circumstances:
    """What a verdict depends on beside the evidence.

    Each field is what its verdict is named after; `time_is_up`: the analysis has reached its end.
    """

    failed: bool = False
    silent: bool = False
    misrouted: bool = False
    stable_suffers: bool = False
    time_is_up: bool = False


@dataclass(frozen=True)
class Finding:
    """A verdict with what it rests on.

    effect: how many times worse than stable; NaN where unknown, inf where stable has no events.
    interval: where it lies with 95 %, at all times. lately: the effect of about the last minute.
    e_value: odds against "healthy", which decide at `needed`. requests_needed: about how many more
    of the canary's until a verdict, inf where none is in sight at the present rates.
    seconds_needed: the same where it isn't requests that are counted.
    """

    verdict: Verdict
    effect: float
    interval: Interval
    lately: float
    e_value: float
    needed: float
    requests_needed: float
    seconds_needed: float = inf


def alpha_each(metrics: int, budget: float = BUDGET) -> float:
    """The part of a release's budget that each of its metrics has. metrics ≥ 1."""
    return budget / metrics


def judge(evidence: Evidence, alpha: float, what: Circumstances) -> Verdict:
    """The verdict, in order of what overrules what; alpha: the metric's part of the budget."""
    if what.failed:
        return Verdict.ERROR
    if what.silent:
        return Verdict.NO_DATA
    if what.misrouted:
        return Verdict.INVALID
    if evidence.worse >= log(1 / alpha):
        return Verdict.SHARED_INCIDENT if what.stable_suffers else Verdict.BREACH
    if evidence.better >= log(1 / CLEAR_ALPHA):
        return Verdict.CLEAR
    return Verdict.INCONCLUSIVE if what.time_is_up else Verdict.CONTINUE


def compare(state: RatioState, test: RatioTest, alpha: float, what: Circumstances) -> Finding:
    """The verdict on one release's rates of events, with all that is reported of it."""
    evidence = Evidence(
        float(mixture.log_evidence(state.worse)), float(mixture.log_evidence(state.better))
    )
    canary, events, exposed, exposure = state.total.tolist()
    share = exposed / exposure if exposure > 0 else 0.0
    scatter = float(dispersion.factor(state.scatter))
    return Finding(
        verdict=judge(evidence, alpha, what),
        effect=_times_worse(state.total),
        interval=ratio_interval(canary, events - canary, share, scatter=scatter),
        lately=_times_worse(state.lately),
        e_value=exp(min(evidence.worse, MOST_SHOWN)),
        needed=1 / alpha,
        requests_needed=requests_needed(state, test, evidence, alpha),
    )


def _times_worse(told: Array) -> float:
    canary, events, exposed, exposure = told.tolist()
    if events <= canary or exposed <= 0:
        return inf if canary > 0 else nan
    return float(canary / exposed * (exposure - exposed) / (events - canary))


def requests_needed(state: RatioState, test: RatioTest, evidence: Evidence, alpha: float) -> float:
    """About how many more requests of the canary it takes until BREACH or CLEAR.

    state: of one release. If everything goes on as it did at this weight, what the best bet gains
    per request is what is missing divided by (Wald, "Sequential Analysis", 1947). inf while nothing
    has been seen.
    """
    canary, events, exposed, exposure = (float(value) for value in state.total)
    if exposed <= 0 or exposure <= exposed:
        return inf
    pooled = (events + 1) / exposure  # one event more, so that none at all says something, too
    told = np.array([max(canary, pooled * exposed), max(events, 1.0), exposed, exposure])
    if canary == 0:
        told[0] = min(pooled * exposed, told[1])
    power = 1 / float(dispersion.factor(state.scatter))
    against = _gain(told, test.margin, WORSE) * power / exposed
    clearing = _gain(told, test.clear_below, BETTER) * power / exposed
    return min(
        missing(log(1 / alpha) - evidence.worse, against),
        missing(log(1 / CLEAR_ALPHA) - evidence.better, clearing),
    )


def _gain(told: Array, margin: float, bets: Bets) -> float:
    return float(payout(told, margin, bets).max())


def missing(gap: float, gain: float) -> float:
    """How many more requests, each of which gains so much, close a gap; inf if none does."""
    if gap <= 0:
        return 0.0
    return float(ceil(gap / gain)) if gain > 0 else inf
