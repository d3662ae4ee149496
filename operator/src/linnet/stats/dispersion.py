"""How much more counts scatter than independent events would: the Fano factor, learnt on the way.

Retries come in clusters, and pods have good and bad minutes, so the variance of a count is some φ
times its mean. Evidence is then overstated. Taking the likelihood ratio to the power 1/φ with a φ
that was known before the window keeps what was promised for independent events (Jensen), and takes
back most of what scatter adds (generalised or tempered posteriors: Grünwald, van Ommen,
"Inconsistency of Bayesian inference for misspecified linear models, and a proposal for repairing
it", 2017; φ as in quasi-likelihood: McCullagh, Nelder, "Generalized Linear Models", 1989, 4.5). It
is a safeguard, not a proof: what it is worth is measured by `make bench-detection`.

Three looks are taken, each only at differences of neighbouring windows, so that slow drift counts
for nothing and the onset of a defect counts once:

1. stable's own count: many events, so learnt within minutes;
2. the canary's part of all events, window by window: shared incidents cancel;
3. the same minute by minute: noise that lasts longer than a window.

Each starts from what the one before it says, and the largest counts.

A pod's bad minute multiplies its events, so the excess over 1 grows with their number. In an
incident that both versions suffer it is therefore taken as many times as there are more events than
usual (the variance of a negative binomial count: McCullagh, Nelder, 1989, 6.2). The number of all
events may be used for that: the test is made given this number.
"""

from dataclasses import dataclass, replace

import numpy as np

from linnet.stats.state import Array, State, floored

PRIOR = 1.2
"""φ before anything is known."""

PRIOR_WEIGHT = 40.0
"""How many pairs of windows the value to start from is worth."""

MEMORY = 2000.0
"""How many pairs of windows are remembered; older ones fade."""

LOUDEST = 10.0
"""A pair counts at most this many times the present estimate: one jolt isn't scatter."""

MINUTE_S = 60.0

USUAL_S = 3600.0
"""Half-life, in seconds, of what counts as the usual number of events."""

FEW = 30.0
"""Up to so many events in a window are never more than usual."""

TINY = 1e-300
"""Divided by where there was no exposure, and so no event either."""

SAME_SHARE = 0.4
"""Windows whose traffic shares differ by more than this part of the larger aren't compared."""


@dataclass(frozen=True, eq=False)
class Dispersion(State):
    """What has been seen of the scatter.

    before, within: (4, ...) the last minute, and the minute under way: the canary's events, all
    events, the canary's exposure, all exposure. last: (4, ...) the same of the last window.
    seconds: () how much of the minute under way has passed.
    seen: (3, 2, ...) for each look the squared deviations, and what chance would make of them.
    levels: (3, ...) φ by each of the looks. usual: (2, ...) events, and the seconds they came in.
    """

    last: Array
    before: Array
    within: Array
    seconds: Array
    seen: Array
    levels: Array
    usual: Array


def begin(shape: tuple[int, ...] = ()) -> Dispersion:
    """Nothing seen yet. shape: of the counts."""
    four, seen = np.zeros((4, *shape)), np.zeros((3, 2, *shape))
    usual = np.zeros((2, *shape))
    return Dispersion(four, four, four, np.zeros(()), seen, _levels(seen), usual)


def advance(state: Dispersion, counts: Array, seconds: float, *, own: bool = True) -> Dispersion:
    """What is known after one more window.

    counts: (4, ...) finite, not negative: the canary's events, all events, the canary's exposure,
    all exposure. All zeros is a window without data, and is left out. own: whether to take the
    first look.
    """
    told = counts[3] > 0
    seen = state.seen.copy()
    if own:
        seen[0] = _remember(seen[0], *_own(state.last, counts), state.levels[0])
    seen[1] = _remember(seen[1], *_part(state.last, counts), state.levels[1])
    last = np.where(told, counts, state.last)
    usual = floored(state.usual * 0.5 ** (seconds / USUAL_S))
    usual[0] += told * counts[1]
    usual[1] += told * seconds
    within, passed = state.within + counts, float(state.seconds) + seconds
    if passed < MINUTE_S:
        return _known(seen, last, state.before, within, passed, usual)
    seen[2] = _remember(seen[2], *_part(state.before, within), state.levels[2])
    return _known(seen, last, within, np.zeros_like(within), 0.0, usual)


def _known(
    seen: Array, last: Array, before: Array, within: Array, seconds: float, usual: Array
) -> Dispersion:
    seen = floored(seen)
    return Dispersion(last, before, within, np.asarray(seconds), seen, _levels(seen), usual)


def _levels(seen: Array) -> Array:
    """(3, ...) φ by each of the looks, each beginning with what the one before it says."""
    level: Array | float = PRIOR
    levels = np.empty((3, *seen.shape[2:]))
    for look in range(3):
        level = (PRIOR_WEIGHT * level + seen[look, 0]) / (PRIOR_WEIGHT + seen[look, 1])
        levels[look] = level
    return levels


def factor(state: Dispersion) -> Array:
    """(...) φ to temper the next window by, at least 1."""
    largest: Array = np.maximum(np.maximum.reduce(state.levels), 1.0)
    return largest


def at_surge(state: Dispersion, events: Array, seconds: float) -> Array:
    """(...) φ to temper a window by that has so many events of both versions, at least 1."""
    expected = state.usual[0] * seconds / np.maximum(state.usual[1], TINY)
    known = state.usual[1] > 0
    surge = np.where(known, np.maximum(events / np.maximum(expected, FEW), 1.0), 1.0)
    tempered: Array = 1 + (factor(state) - 1) * surge
    return tempered


def _own(a: Array, b: Array) -> tuple[Array, Array]:
    """Stable's counts in two windows: the squared difference, and its expectation if Poisson.

    The counts are compared at equal exposure, which absorbs that traffic grows and shrinks.
    """
    first, second = a[1] - a[0], b[1] - b[0]
    exposed, exposed_then = a[3] - a[2], b[3] - b[2]
    both = np.maximum(exposed + exposed_then, TINY)
    total, part = first + second, exposed / both
    return np.square(first - total * part), total * part * (exposed_then / both)


def _part(a: Array, b: Array) -> tuple[Array, Array]:
    """The canary's part in two windows: the squared deviation, and its hypergeometric variance."""
    events, canary = a[1] + b[1], a[0] + b[0]
    share, share_then = a[2] * b[3], b[2] * a[3]
    alike = np.abs(share - share_then) <= SAME_SHARE * np.maximum(share, share_then)
    whole = np.maximum(events, 1.0)
    possible = np.maximum(np.square(whole) * (whole - 1), 1.0)
    variance = canary * (whole - canary) * a[1] * b[1] / possible
    return alike * np.square(a[0] - canary * a[1] / whole), alike * variance


def _remember(seen: Array, squares: Array, expected: Array, level: Array) -> Array:
    """Add a pair: with weight 1 where chance moves an event or more, else with less."""
    weight = 1 / np.maximum(expected, 1.0)
    expected = expected * weight
    squares = np.minimum(squares * weight, LOUDEST * level)
    fading = 1 - expected / MEMORY
    return np.array([seen[0] * fading + squares, seen[1] * fading + expected])


def forgotten(state: Dispersion) -> Dispersion:
    """The same knowledge, with no window to compare the next one to: the weight has changed."""
    four = np.zeros_like(state.last)
    return replace(state, last=four, before=four, within=four, seconds=np.zeros(()))
