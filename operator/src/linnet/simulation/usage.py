"""What pods use: CPU seconds, restarts, and memory that warms up, is collected, and may leak."""

from dataclasses import dataclass

import numpy as np

from linnet.stats.state import Array

DAY_S = 86400.0


@dataclass(frozen=True)
class MemoryWorld:
    """Memory of one pod, in units of what it needs when cold.

    warm_up: how much a warm pod needs more, as a fraction. warm_up_s: time constant of getting
    warm. teeth: how much a collector's saw teeth add at most, as a fraction. teeth_s: their period.
    wander: standard deviation of slow noise with a correlation time of half an hour.
    unlike: how much pods differ for good, standard deviation of the logarithm.
    pods: of stable, whose means at the same age and now are the controls; they are a week old.
    less_busy: how many times longer the canary takes to get warm, at less traffic. bigger: how many
    times as much it needs. day: how much a busy hour adds, as a fraction; the canary is young in
    the morning, stable was at night.
    """

    warm_up: float = 0.3
    warm_up_s: float = 7200.0
    teeth: float = 0.15
    teeth_s: float = 900.0
    wander: float = 0.02
    unlike: float = 0.03
    pods: int = 19
    less_busy: float = 1.0
    bigger: float = 1.0
    day: float = 0.0


class Memory:
    """N canaries of one pod each, and the means of stable's pods at the same age, and now."""

    def __init__(self, world: MemoryWorld, releases: int, leak_per_day: float, seed: int) -> None:
        self._world, self._leak = world, leak_per_day
        self._rng = np.random.default_rng(seed)
        many = np.array([1.0, world.pods, world.pods])[:, None]
        self._alone = 1 / np.sqrt(many)
        unlike = world.unlike * self._rng.standard_normal((3, releases)) * self._alone
        unlike[2] = unlike[1]  # the same pods
        self._unlike = unlike
        self._phase = self._rng.random((3, releases))
        self._period = world.teeth_s * self._rng.uniform(0.7, 1.4, (3, releases))
        self._wander = self._rng.standard_normal((3, releases))

    def at(self, age_s: float, step_s: float = 60.0) -> Array:
        """(3, N) memory of the canary, and of stable at that age, and now; ages come in order."""
        world, keep = self._world, np.exp(-step_s / 1800.0)
        fresh = self._rng.standard_normal(self._wander.shape)
        self._wander = keep * self._wander + np.sqrt(1 - keep**2) * fresh
        ages = np.array([age_s / world.less_busy, age_s, age_s + 7 * DAY_S])
        warm = 1 + world.warm_up * -np.expm1(-ages / world.warm_up_s)[:, None]
        around = 2 * np.pi * age_s / DAY_S
        busy = 1 + world.day * np.sin(around + np.array([0.0, -np.pi / 2, 0.0]))[:, None]
        teeth = (age_s / self._period + self._phase) % 1.0
        teeth = world.teeth * (0.5 + (teeth - 0.5) * self._alone)
        wander = self._unlike + world.wander * self._wander * self._alone
        used: Array = warm * busy * (1 + teeth) * np.exp(wander)
        used[0] = used[0] * world.bigger + self._leak * age_s / DAY_S * (1 + world.warm_up)
        return used


def cpu_seconds(requests: Array, rng: np.random.Generator, unlike: Array, noise: float) -> Array:
    """(2, N) CPU seconds that (2, N) requests took, a hundredth each on average.

    unlike: (2, N) factors that stay. noise: standard deviation of one window's logarithm.
    """
    taken: Array = 0.01 * requests * unlike * np.exp(noise * rng.standard_normal(requests.shape))
    return taken
