"""What an experiment's statistics promise, measured: false claims, coverage, power, time to stop.

Made-up users from fixed seeds, through the functions that judge real ones. A look after every
minute of 14 days, one user a minute in each variant. `LINNET_RUNS` sets the number of experiments
(10,000).
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
from numpy.random import Generator

from linnet.stats.experiment import arms, effects, sequence
from linnet.stats.experiment.arms import Arm
from linnet.stats.experiment.group_sequential import obrien_fleming, pocock
from linnet.stats.experiment.sums import Sums
from linnet.stats.sampling import proportion
from linnet.stats.state import Array, Flags

RUNS = int(os.environ.get("LINNET_RUNS") or 10_000)
MINUTES, DAYS, ALPHA = 14 * 1440, 14, 0.05
BATCH = 100
FEWEST = 100
"""Users in each variant below which nothing is claimed, as in the operator."""

Shape = tuple[int, int]
Drawn = tuple[Array, Array]
Draw = Callable[[Generator, Shape, float], Drawn]


@dataclass(frozen=True)
class Metric:
    """draw: outcome and denominator of users, for an effect of 0 or 1. truth: effect at 1."""

    name: str
    draw: Draw
    of: Callable[[Sums], Arm]
    truth: float
    relative: bool = False


def share(p: float, more: float) -> Draw:
    """Yes or no."""

    def draw(
        rng: np.random.Generator, shape: tuple[int, int], effect: float
    ) -> tuple[Array, Array]:
        y = (rng.random(shape) < p + effect * more).astype(np.float64)
        return y, np.zeros(1)

    return draw


def long_tailed(mean: float, more: float) -> Draw:
    """A duration: exponential."""

    def draw(
        rng: np.random.Generator, shape: tuple[int, int], effect: float
    ) -> tuple[Array, Array]:
        return rng.standard_exponential(shape) * mean * (1 + effect * more), np.zeros(1)

    return draw


def stars(rng: Generator, shape: Shape, effect: float) -> Drawn:
    """One to five; with the effect one user in ten adds one."""
    y = rng.integers(1, 6, shape).astype(np.float64)
    return y + effect * (rng.random(shape) < 0.1), np.zeros(1)


def failures(
    rng: np.random.Generator, shape: tuple[int, int], effect: float
) -> tuple[Array, Array]:
    """Of one to nine requests of each user, one in a hundred; half as many with the effect."""
    d = rng.integers(1, 10, shape).astype(np.float64)
    return (rng.random(shape) < 0.01 * d * (1 - effect / 2)).astype(np.float64), d


METRICS = (
    Metric("adoption", share(0.3, 0.03), arms.proportion, 0.03),
    Metric("duration", long_tailed(100, 0.1), arms.mean, 0.1, relative=True),
    Metric("completion", share(0.6, 0.02), arms.proportion, 0.02),
    Metric("satisfaction", stars, arms.mean, 0.1),
    Metric("return_rate", share(0.02, 0.004), arms.proportion, 0.004),
    Metric("error_rate", failures, arms.ratio, -0.005),
)


def running(metric: Metric, rng: Generator, runs: int, effect: float) -> Arm:
    """One variant after each minute, of many experiments."""
    y, d = metric.draw(rng, (runs, MINUTES), effect)
    users = np.arange(1.0, MINUTES + 1)
    sums = [each.cumsum(axis=1) for each in ((y, y * y) if d.size == 1 else (y, y * y, d))]
    if d.size == 1:
        return metric.of(Sums(users, *sums))
    more = [each.cumsum(axis=1) for each in (d * d, y * d)]
    return metric.of(Sums(users, *sums, *more))


def misses(runs: int, effect: float, seed: int) -> Array:
    """(6, runs) the smallest p-value, at any minute, of "the effect is what it is"."""
    found = np.ones((len(METRICS), runs))
    r = sequence.clock(np.arange(1.0, MINUTES + 1) / MINUTES, ALPHA)[FEWEST - 1 :]
    for number, metric in enumerate(METRICS):
        rng = np.random.default_rng((seed, number))
        for start in range(0, runs, BATCH):
            many = min(BATCH, runs - start)
            one, other = running(metric, rng, many, 0.0), running(metric, rng, many, effect)
            by = effects.relative if metric.relative else effects.absolute
            seen = by(one, other)
            error = np.sqrt(np.asarray(seen.variance)[:, FEWEST - 1 :])
            off = np.asarray(seen.size)[:, FEWEST - 1 :] - effect * metric.truth
            z = np.divide(off, error, out=np.zeros_like(off), where=error > 0)
            found[number, start : start + many] = sequence.p_value(z, r).min(axis=1)
    return found


def calibration(runs: int) -> Iterator[dict[str, Any]]:
    """Experiments that ever claim an effect without one, or whose interval ever misses one."""
    for name, effect, many in (("without an effect", 0.0, runs), ("with one", 1.0, runs // 4)):
        p = misses(many, effect, seed=1 + int(effect))
        for number, metric in enumerate(METRICS):
            yield _row(f"{name}: {metric.name}", p[number] <= ALPHA)
        yield _row(f"{name}: any of six, each at {ALPHA:g} / 6", _any_of_six(p))


def _any_of_six(p: Array) -> Flags:
    """Holm's method claims something where the smallest p-value is at most alpha / 6."""
    found: Flags = p.min(axis=0) <= ALPHA / len(METRICS)
    return found


def _row(name: str, wrong: Flags) -> dict[str, Any]:
    found = proportion(int(wrong.sum()), len(wrong))
    return {
        "what": name,
        "runs": len(wrong),
        "wrong": found.value,
        "low": found.low,
        "high": found.high,
        "kept": bool(found.value <= ALPHA),
    }


def returning(runs: int, spread: float, days: float, seed: int) -> Flags:
    """Experiments whose users keep coming and coming back, and that ever claim an effect.

    250 users in each variant, who begin evenly over 14 days and then do something each hour.
    spread: variance of what single users do on average, of that of a single doing. Looks each
    hour.
    """
    rng, users, hours = np.random.default_rng(seed), 250, round(24 * days)
    begins = np.linspace(0, 24 * DAYS, users, endpoint=False)
    habit = rng.normal(size=(2, runs, users)) * spread**0.5
    totals, ever = np.zeros((2, runs, users)), np.zeros(runs, dtype=bool)
    for hour in range(1, hours + 1):
        here = int((begins < hour).sum())
        totals[:, :, :here] += habit[:, :, :here] + rng.normal(size=(2, runs, here))
        if here < FEWEST:
            continue
        one, other = (arms.mean(Sums.of(totals[i, :, :here])) for i in range(2))
        z = effects.absolute(one, other).z()
        ever |= sequence.p_value(z, sequence.clock(hour / (24 * DAYS), ALPHA)) <= ALPHA
    return ever


def come_back(runs: int) -> Iterator[dict[str, Any]]:
    """The same promise where knowledge grows with the square of time."""
    for days in (14.0, 28.0):
        for name, spread in (("alike", 0.0), ("some do more than others", 1.0)):
            found = returning(runs, spread, days, seed=int(days))
            yield _row(f"users who come back, {name}, {days:g} days", found)


TARGETS = (0.0, 2.0, 2.8016, 3.2415, 3.877, 5.0, 7.0, 10.0)
"""What z is expected to be at the end: no effect; 80 and 90 % power of a single look, and more."""


def power(runs: int) -> list[dict[str, Any]]:
    """The chance to show an effect, and the mean share of the planned time until it is shown."""
    looks = np.arange(1, 24 * DAYS + 1) / (24 * DAYS)
    r = sequence.clock(looks, ALPHA)
    five = np.arange(1, 6) / 5
    ways = {
        "any look": (looks, sequence.critical(r, ALPHA)),
        "O'Brien-Fleming, 5 looks": (five, np.array(obrien_fleming(5, ALPHA))),
        "Pocock, 5 looks": (five, np.array(pocock(5, ALPHA))),
        "one look": (np.ones(1), np.array([1.959964])),
    }
    rows = []
    for drift in TARGETS:
        rng = np.random.default_rng(round(10 * drift))
        steps = rng.normal(size=(runs, len(looks))) / len(looks) ** 0.5
        path = steps.cumsum(axis=1) + drift * looks
        row: dict[str, Any] = {"drift": drift}
        for name, (times, bounds) in ways.items():
            at = np.rint(times * len(looks)).astype(int) - 1
            crossed = np.abs(path[:, at] / np.sqrt(times)) >= bounds
            shown = crossed.any(axis=1)
            when = np.where(shown, times[crossed.argmax(axis=1)], 1.0)
            row[name] = {"shown": float(shown.mean()), "time": float(when.mean())}
        rows.append(row)
    return rows


def peeking(runs: int) -> dict[str, Any]:
    """A test with a fixed end, read after each of 14 days."""
    rng = np.random.default_rng(14)
    z = rng.normal(size=(runs, DAYS)).cumsum(axis=1) / np.sqrt(np.arange(1, DAYS + 1))
    wrong: Flags = np.asarray((np.abs(z) > 1.959964).any(axis=1))
    return _row("for comparison: a fixed test, read daily", wrong)


def main() -> dict[str, Any]:
    """Print both tables; the figures."""
    print(f"{'ever wrong, at looks each minute or hour':<58}{'runs':>7}{'':>9}")
    rows = []
    for row in chain(calibration(RUNS), come_back(max(RUNS // 10, 100)), [peeking(RUNS)]):
        interval = f"({100 * row['low']:.2f}-{100 * row['high']:.2f})"
        told = f"{row['what']:<58}{row['runs']:>7}{100 * row['wrong']:>8.2f} % {interval}"
        print(told, flush=True)
        rows.append(row)
    found = power(RUNS)
    names = [name for name in found[0] if name != "drift"]
    print(f"\n{'expected z at the end':<24}" + "".join(f"{name:>28}" for name in names))
    for row in found:
        cells = [f"{100 * row[n]['shown']:.1f} % after {row[n]['time']:.2f}" for n in names]
        print(f"{row['drift']:<24g}" + "".join(f"{cell:>28}" for cell in cells))
    return {"wrong": rows, "power": found}
