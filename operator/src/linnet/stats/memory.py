"""Memory: does the canary's grow without end?

A slope that is "significantly above zero" proves nothing: memory is so correlated over time that
healthy services show one all day. So two questions are kept apart, and both must be answered:

- Is there growth at all? Signs of differences between blocks of samples, a lag apart, each block
  used once (Cox, Stuart, "Some quick sign tests for trend in location and dispersion", Biometrika
  1955), as bets (`linnet.stats.signs`). Three block lengths are tried at once, for leaks that take
  hours and such that take days. Signs of neighbouring blocks would be wrong: after a high block a
  lower one is likely.
- Does it matter? The median of all slopes between blocks (Theil 1950; Sen, "Estimates of the
  regression coefficient based on Kendall's tau", JASA 1968) against a practical limit: growth per
  day, or hours until the container's limit is reached.

Every process grows while it warms up. What is followed is therefore the ratio to the memory that
stable's pods had at the same age, where that is known; and the canary's own memory where it is not,
which takes a healthy warm-up for growth if it lasts for hours.

The bets are fair where blocks without a trend come in any order with equal chance (each difference
seen for itself, without the levels that it came from). The bench measures what correlation and a
collector's saw teeth make of that.
"""

from dataclasses import dataclass, replace

import numpy as np

from linnet.stats import mixture, signs
from linnet.stats.mixture import Mixture
from linnet.stats.state import Array, Flags, Numbers, State, floored

BLOCKS_S = (300.0, 1200.0, 4800.0)
"""Lengths of the blocks whose signs are taken, in seconds."""

LAG = 4
"""Blocks between the two of a pair; so many pairs are open at once."""

HISTORY = 48
"""Blocks kept for the slope; when full, neighbours are merged and blocks last twice as long."""

DAY_S = 86400.0


@dataclass(frozen=True, eq=False)
class MemoryState(State):
    """Growth of logarithms. age: () seconds at the last sample.

    signs: (..., S * K) bets for each block length. sums: (..., S) of the blocks under way;
    many: (S,) samples in them; begun: (S,) the age at which they began; done: (S,) blocks behind.
    open: (..., S, LAG) the first blocks of open pairs.
    history: (..., HISTORY) blocks for the slope, of which () kept are filled, each merged from
    () merged blocks of the shortest length; halves: (...) sum of the one being merged; parts: ()
    its blocks. ages: (HISTORY,) their ages in seconds; age_sum: ().
    """

    age: Array
    growth: Mixture
    sums: Array
    many: Array
    begun: Array
    done: Array
    open: Array
    history: Array
    ages: Array
    kept: Array
    merged: Array
    halves: Array
    age_sum: Array
    parts: Array


def begin(shape: tuple[int, ...] = ()) -> MemoryState:
    """Nothing sampled yet. shape: of the samples."""
    scales, zero = len(BLOCKS_S), np.zeros(())
    return MemoryState(
        age=np.zeros(()),
        growth=mixture.begin((*shape, scales * len(signs.PARTS)), restarts=True),
        sums=np.zeros((*shape, scales)),
        many=np.zeros(scales),
        begun=np.zeros(scales),
        done=np.zeros(scales),
        open=np.zeros((*shape, scales, LAG)),
        history=np.zeros((*shape, HISTORY)),
        ages=np.zeros(HISTORY),
        kept=zero,
        merged=np.ones(()),
        halves=np.zeros(shape),
        age_sum=zero,
        parts=zero,
    )


def advance(
    state: MemoryState, canary_bytes: Numbers, age_s: float, stable_bytes: Numbers | None = None
) -> MemoryState:
    """The state after one more sample.

    canary_bytes: (...) mean over the canary's pods. age_s: their age in seconds; younger than at
    the last sample means that they were restarted, and begins the blocks anew. stable_bytes: (...)
    what stable's pods had at that age, None where it isn't known; always or never, for one state.
    A sample with anything but positive numbers is left out.
    """
    value = np.asarray(canary_bytes, dtype=np.float64)
    control = np.ones(()) if stable_bytes is None else np.asarray(stable_bytes, dtype=np.float64)
    fine = ((value > 0) & (value < np.inf) & (control > 0) & (control < np.inf)).all()
    if not (fine and 0 <= age_s < np.inf):
        return state
    if age_s < float(state.age):
        state = replace(begin(state.halves.shape), growth=state.growth)
    elapsed = age_s - float(state.age) if state.many.any() or state.done.any() else 0.0
    sample = np.log(value) - np.log(control)
    state = replace(
        state,
        age=np.asarray(float(age_s)),
        begun=np.where(state.many == 0, age_s, state.begun),
        sums=floored(state.sums + sample[..., None]),
        many=state.many + 1,
    )
    return _close_blocks(state, age_s, elapsed)


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
            bets[..., scale] = np.sign(means[..., scale] - waiting[..., scale, place - LAG])
    if full[0]:
        state = _remember(state, means[..., 0], age_s)
    return replace(
        state,
        growth=mixture.advance(state.growth, _paid(bets), elapsed, restarts=True),
        open=waiting,
        done=state.done + full,
        sums=np.where(full, 0.0, state.sums),
        many=np.where(full, 0.0, state.many),
    )


def _paid(bets: Array) -> Array:
    """(..., S * K) the payouts of all block lengths."""
    paid = signs.payout(bets)
    return paid.reshape((*paid.shape[:-2], -1))


def _remember(state: MemoryState, mean: Array, age_s: float) -> MemoryState:
    """Add a block of the shortest length to the history."""
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
    kept = int(state.kept)
    if kept < 4:
        return np.zeros(state.halves.shape)
    first, second = np.triu_indices(kept, k=1)
    rises = state.history[..., second] - state.history[..., first]
    slope = np.median(rises / (state.ages[second] - state.ages[first]), axis=-1)
    growth: Array = np.expm1(np.minimum(slope * DAY_S, 100.0))
    return growth


def hours_to_limit(used_bytes: Numbers, limit_bytes: Numbers, per_day: Numbers) -> Array:
    """(...) hours until memory that grows by the fraction per_day reaches the limit, or inf."""
    used, limit = np.asarray(used_bytes, np.float64), np.asarray(limit_bytes, np.float64)
    with np.errstate(all="ignore"):
        hours = np.maximum(limit / used - 1, 0.0) / np.asarray(per_day, np.float64) * 24
    return np.where(hours >= 0, hours, np.inf)  # NaN, and what shrinks, never gets there


def grows(
    state: MemoryState,
    log_threshold: float,
    *,
    most_per_day: float = 0.05,
    hours_left: Numbers = np.inf,
    horizon_h: float = 72.0,
) -> Flags:
    """(...) whether memory is shown to grow, and by more than matters.

    log_threshold: ln(1/α). most_per_day: a fraction; growth up to it is tolerated unless the limit
    is reached within horizon_h hours.
    """
    shown = mixture.log_evidence(state.growth) >= log_threshold
    matters = (growth_per_day(state) >= most_per_day) | (np.asarray(hours_left) < horizon_h)
    return np.asarray(shown & matters)
