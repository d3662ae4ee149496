"""Memory: does the canary's grow without end?

A slope that is "significantly above zero" proves nothing: memory is so correlated over time that
healthy services show one all day. So two questions are kept apart, and both must be answered:

- Is there growth at all? Signs of differences between blocks of samples, a lag apart, each block
  used once (Cox, Stuart, "Some quick sign tests for trend in location and dispersion", Biometrika
  1955), as bets (`linnet.stats.signs`). Three block lengths are tried at once, for leaks that take
  hours and such that take days. Signs of neighbouring blocks would be wrong: after a high block a
  lower one is likely.
- Does it matter? The median of all slopes between blocks (Theil 1950; Sen, "Estimates of the
  regression coefficient based on Kendall's tau", JASA 1968) against a practical limit, growth per
  day; and the canary must have more than stable ever had.

Every process grows while it warms up, and many do when traffic grows. So there are two controls:
what stable's pods had at the same age, and what they have now. The first takes a busy morning for
growth, the second a warm-up, and what is left after both are taken off grows where the traffic fell
when stable was young. A pair of blocks is therefore "up" only if the canary grew in all three
respects: that is at most as likely as the least likely of them, so the bets are fair as soon as one
of the three has no trend. How far the canary is above the larger of the controls says whether it
matters: a cache that fills more slowly, at less traffic, ends where stable's is.

The bets are fair where blocks without a trend come in any order with equal chance (each difference
seen for itself, without the levels that it came from). The bench measures what correlation and a
collector's saw teeth make of that.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import log

import numpy as np

from linnet.stats import mixture, signs
from linnet.stats.intervals import Interval
from linnet.stats.mixture import Mixture
from linnet.stats.state import Array, Flags, Numbers, State, floored

BLOCKS_S = (300.0, 1200.0, 4800.0)
"""Lengths of the blocks whose signs are taken, in seconds."""

LAG = 4
"""Blocks between the two of a pair; so many pairs are open at once."""

HISTORY = 48
"""Blocks kept for the slope; when full, neighbours are merged and blocks last twice as long."""

DAY_S = 86400.0

MOST_PER_DAY = 0.05
"""Growth up to this part of the memory per day is tolerated."""

MOST_ABOVE = 0.1
"""So much more than stable has, as a part, is tolerated, growing or not."""

NORMAL_975 = 1.959963984540054
"""The standard normal distribution's 97.5 % quantile."""

FEWEST = 4
"""Blocks that a slope is made of at least."""


@dataclass(frozen=True, eq=False)
class MemoryState(State):
    """Growth of logarithms, in C respects. age: () seconds at the last sample.

    growth: (..., S * K) bets for each block length. sums: (C, ..., S) of the blocks under way;
    many: (S,) samples in them; begun: (S,) the age at which they began; done: (S,) blocks behind.
    open: (C, ..., S, LAG) the first blocks of open pairs. above: (...) of the last block.
    history: (..., HISTORY) blocks of what the canary has above the larger control, for the slope,
    of which () kept are filled, each merged from () merged blocks of the shortest length; halves:
    (...) sum of the one being merged; parts: () its blocks. ages: (HISTORY,) their ages in
    seconds; age_sum: ().
    """

    age: Array
    growth: Mixture
    sums: Array
    many: Array
    begun: Array
    done: Array
    open: Array
    above: Array
    history: Array
    ages: Array
    kept: Array
    merged: Array
    halves: Array
    age_sum: Array
    parts: Array


def begin(shape: tuple[int, ...] = (), controls: int = 2) -> MemoryState:
    """Nothing sampled yet. shape: of the samples. controls: how many each comes with."""
    scales, zero = len(BLOCKS_S), np.zeros(())
    respects = controls + 1
    return MemoryState(
        age=np.zeros(()),
        growth=mixture.begin((*shape, scales * len(signs.PARTS)), restarts=True),
        sums=np.zeros((respects, *shape, scales)),
        many=np.zeros(scales),
        begun=np.zeros(scales),
        done=np.zeros(scales),
        open=np.zeros((respects, *shape, scales, LAG)),
        above=np.zeros(shape),
        history=np.zeros((*shape, HISTORY)),
        ages=np.zeros(HISTORY),
        kept=zero,
        merged=np.ones(()),
        halves=np.zeros(shape),
        age_sum=zero,
        parts=zero,
    )


def anew(state: MemoryState) -> MemoryState:
    """The evidence, with no block to compare the next one to: other pods are followed from now on.

    Also at another weight, since more requests need more memory.
    """
    fresh = begin(state.halves.shape, len(state.sums) - 1)
    return replace(fresh, growth=state.growth)


def advance(
    state: MemoryState, canary_bytes: Numbers, age_s: float, controls: Sequence[Numbers] = ()
) -> MemoryState:
    """The state after one more sample.

    canary_bytes: (...) mean over the canary's pods. age_s: their age in seconds; younger than at
    the last sample means that they were restarted, and begins the blocks anew. controls: (...)
    each, what stable's pods had at that age, and what they have now; as many as `begin` was told.
    A sample with anything but positive numbers is left out.
    """
    known = [np.asarray(each, dtype=np.float64) for each in (canary_bytes, *controls)]
    fine = all(((each > 0) & (each < np.inf)).all() for each in known)
    if not (fine and 0 <= age_s < np.inf):
        return state
    if age_s < float(state.age):
        state = anew(state)
    elapsed = age_s - float(state.age) if state.many.any() or state.done.any() else 0.0
    sample = _respects(np.log(known[0]), [np.log(each) for each in known[1:]])
    state = replace(
        state,
        age=np.asarray(float(age_s)),
        begun=np.where(state.many == 0, age_s, state.begun),
        sums=floored(state.sums + sample[..., None]),
        many=state.many + 1,
    )
    return _close_blocks(state, age_s, elapsed)


def _respects(canary: Array, controls: Sequence[Array]) -> Array:
    """(C, ...) in which the canary is compared: with each control, and with all of them at once."""
    return np.stack([*(canary - each for each in controls), canary - sum(controls, np.zeros(()))])


def _close_blocks(state: MemoryState, age_s: float, elapsed: float) -> MemoryState:
    full = age_s - state.begun >= np.array(BLOCKS_S)
    bets = np.zeros((*state.halves.shape, len(BLOCKS_S)))
    if not full.any():
        return replace(
            state, growth=mixture.advance(state.growth, _paid(bets), elapsed, restarts=True)
        )
    means = floored(state.sums / np.maximum(state.many, 1))
    waiting = state.open.copy()
    for scale in np.flatnonzero(full):
        place = int(state.done[scale]) % (2 * LAG)
        if place < LAG:
            waiting[..., scale, place] = means[..., scale]
        else:
            rises = np.sign(means[..., scale] - waiting[..., scale, place - LAG])
            bets[..., scale] = rises.min(axis=0)  # up in all respects, or it isn't
    if full[0]:
        state = _remember(state, _above(means[..., 0]), age_s)
    return replace(
        state,
        growth=mixture.advance(state.growth, _paid(bets), elapsed, restarts=True),
        open=waiting,
        done=state.done + full,
        sums=np.where(full, 0.0, state.sums),
        many=np.where(full, 0.0, state.many),
    )


def _above(means: Array) -> Array:
    """(...) of (C, ...) what the canary has above the larger control; its own without any."""
    above: Array = means[:-1].min(axis=0) if len(means) > 1 else means[0]
    return above


def _paid(bets: Array) -> Array:
    """(..., S * K) the payouts of all block lengths."""
    paid = signs.payout(bets)
    return paid.reshape((*paid.shape[:-2], -1))


def _remember(state: MemoryState, mean: Array, age_s: float) -> MemoryState:
    """Add a block of the shortest length to the history."""
    state = replace(state, above=mean)
    halves, age_sum = floored(state.halves + mean), state.age_sum + age_s
    parts = float(state.parts) + 1
    if parts < float(state.merged):
        return replace(state, halves=halves, age_sum=age_sum, parts=np.asarray(parts))
    history, ages, kept = state.history.copy(), state.ages.copy(), int(state.kept)
    history[..., kept], ages[kept] = floored(halves / parts), age_sum / parts
    kept, merged = kept + 1, state.merged
    if kept == HISTORY:
        half = HISTORY // 2
        history[..., :half] = floored((history[..., 0::2] + history[..., 1::2]) / 2)
        ages[:half] = (ages[0::2] + ages[1::2]) / 2
        history[..., half:], ages[half:] = 0.0, 0.0
        kept, merged = half, merged * 2
    return replace(
        state,
        history=history,
        ages=ages,
        kept=np.asarray(float(kept)),
        merged=merged,
        halves=np.zeros_like(halves),
        age_sum=np.zeros(()),
        parts=np.zeros(()),
    )


def growth_per_day(state: MemoryState) -> Array:
    """(...) growth as a fraction of memory per day: 0.05 is 5 %; 0 before there are four blocks."""
    slopes = _slopes(state)
    if not slopes.shape[-1]:
        return np.zeros(state.halves.shape)
    return _per_day(np.median(slopes, axis=-1))


def growth_interval(state: MemoryState) -> Interval:
    """Growth per day of one release, as it lies with 95 % at one look; infinite while unknown.

    Of the slopes in order those that Kendall's statistic leaves between (Sen 1968).
    """
    slopes, kept = np.sort(_slopes(state)), int(state.kept)
    spread = NORMAL_975 * np.sqrt(kept * (kept - 1) * (2 * kept + 5) / 18)
    first = int(np.floor((len(slopes) - spread) / 2))
    if first < 0 or not len(slopes):
        return Interval(-1.0, np.inf)
    return Interval(float(_per_day(slopes[first])), float(_per_day(slopes[-1 - first])))


def _slopes(state: MemoryState) -> Array:
    """(..., pairs) between all blocks that are kept, per second; none of fewer than four blocks."""
    kept = int(state.kept)
    first, second = np.triu_indices(kept if kept >= FEWEST else 0, k=1)
    rises = state.history[..., second] - state.history[..., first]
    slopes: Array = rises / (state.ages[second] - state.ages[first])
    return slopes


def _per_day(slope: Array) -> Array:
    growth: Array = np.expm1(np.minimum(slope * DAY_S, 100.0))
    return growth


def matters(state: MemoryState) -> Flags:
    """(...) whether the growth, and what the canary has above stable, are more than tolerated."""
    high = (state.above >= log(1 + MOST_ABOVE)) | (len(state.sums) == 1)
    return np.asarray(high & (growth_per_day(state) >= MOST_PER_DAY))


def grows(state: MemoryState, log_threshold: float) -> Flags:
    """(...) whether memory is shown to grow, and by more than matters. log_threshold: ln(1/α)."""
    return np.asarray((mixture.log_evidence(state.growth) >= log_threshold) & matters(state))


def seconds_needed(state: MemoryState, log_threshold: float) -> float:
    """About how much longer it takes one release until growth is shown; inf if none is seen."""
    if float(growth_per_day(state)) < MOST_PER_DAY:
        return np.inf
    if float(mixture.log_evidence(state.growth)) >= log_threshold:
        return 0.0
    return _if_all_are_up(state, log_threshold)


def least_seconds(log_threshold: float) -> float:
    """The time that it takes to show growth that nothing disturbs."""
    return _if_all_are_up(begin(), log_threshold)


def _if_all_are_up(state: MemoryState, log_threshold: float) -> float:
    """By the boldest bet on the shortest blocks alone; half of those close a pair."""
    boldest = state.growth.log_wealth[len(signs.PARTS) - 1]
    gap = log_threshold + log(state.growth.log_wealth.size) - float(boldest)
    pairs = np.ceil(gap / np.log1p(signs.PARTS[-1]))
    return float(2 * BLOCKS_S[0] * max(pairs, 1.0))
