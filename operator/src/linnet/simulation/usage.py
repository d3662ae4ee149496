"""What pods use: CPU seconds, restarts, and memory that warms up, is collected, and may leak."""

from dataclasses import dataclass

import numpy as np

from linnet.stats.state import Array


@dataclass(frozen=True)
class MemoryWorld:
    """Memory of one pod, in units of what it needs when cold.

    warm_up: how much a warm pod needs more, as a fraction. warm_up_s: time constant of getting
    warm. teeth: how much a collector's saw teeth add at most, as a fraction. teeth_s: their period.
    wander: standard deviation of slow noise with a correlation time of half an hour.
    unlike: how much pods differ for good, standard deviation of the logarithm.
    pods: of stable, whose mean at the same age is the control.
    """

    warm_up: float = 0.3
    warm_up_s: float = 7200.0
    teeth: float = 0.15
    teeth_s: float = 900.0
    wander: float = 0.02
    unlike: float = 0.03
    pods: int = 19


class Memory:
    """N canaries of one pod each, and the means of stable's pods at the same age."""

    def __init__(self, world: MemoryWorld, releases: int, leak_per_day: float, seed: int) -> None:
        self._world, self._leak = world, leak_per_day
        self._rng = np.random.default_rng(seed)
        many = np.array([1.0, world.pods])[:, None]
        self._alone = 1 / np.sqrt(many)
        self._unlike = world.unlike * self._rng.standard_normal((2, releases)) * self._alone
        self._phase = self._rng.random((2, releases))
        self._period = world.teeth_s * self._rng.uniform(0.7, 1.4, (2, releases))
        self._wander = self._rng.standard_normal((2, releases))

    def at(self, age_s: float, step_s: float = 60.0) -> Array:
        """(2, N) memory of canary and stable at an age; ages come in order, step_s apart."""
        world, keep = self._world, np.exp(-step_s / 1800.0)
        fresh = self._rng.standard_normal(self._wander.shape)
        self._wander = keep * self._wander + np.sqrt(1 - keep**2) * fresh
        warm = 1 + world.warm_up * -np.expm1(-age_s / world.warm_up_s)
        teeth = world.teeth * ((age_s / self._period + self._phase) % 1.0)
        teeth[1] = world.teeth * (0.5 + (teeth[1] / world.teeth - 0.5) * self._alone[1])
        used: Array = (
            warm * (1 + teeth) * np.exp(self._unlike + world.wander * self._wander * self._alone)
        )
        used[0] += self._leak * age_s / 86400 * (1 + world.warm_up)
        return used


def cpu_seconds(requests: Array, rng: np.random.Generator, unlike: Array, noise: float) -> Array:
    """(2, N) CPU seconds that (2, N) requests took, a hundredth each on average.

    unlike: (2, N) factors that stay. noise: standard deviation of one window's logarithm.
    """
    taken: Array = 0.01 * requests * unlike * np.exp(noise * rng.standard_normal(requests.shape))
    return taken
