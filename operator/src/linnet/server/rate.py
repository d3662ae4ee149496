"""How often something may happen."""

from collections.abc import Callable


class Rate:
    """A bucket that fills at so many a second, and holds so many at once.

    clock: seconds that only grow.
    """

    def __init__(self, clock: Callable[[], float], per_second: float, burst: float) -> None:
        self._clock = clock
        self._per_second = per_second
        self._burst = burst
        self._left = burst
        self._at = clock()

    def take(self) -> bool:
        """Whether it may happen once more now."""
        now = self._clock()
        self._left = min(self._burst, self._left + (now - self._at) * self._per_second)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True
