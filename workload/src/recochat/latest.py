"""How the latest requests went: for people who look, and for the gauge of the error rate."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Final

RESPONSES: Final = 100
_WINDOW_S: Final = 60


class Latest:
    """The last 100 response times, and the share of failures in the last minute."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """``clock`` counts seconds."""
        self._clock = clock
        self._seconds: deque[float] = deque(maxlen=RESPONSES)
        # Requests and failures of each second: what a minute takes doesn't grow with the load.
        self._counts: deque[tuple[int, int, int]] = deque()

    def add(self, status: int, seconds: float) -> None:
        """Note one answer; a status of 500 and above is a failure."""
        self._seconds.append(seconds)
        now, failed = int(self._clock()), int(status >= 500)
        requests, failures = 1, failed
        if self._counts and self._counts[-1][0] == now:
            _, before, failed_before = self._counts.pop()
            requests, failures = before + 1, failed_before + failed
        self._counts.append((now, requests, failures))
        self._forget(now)

    def times(self) -> list[float]:
        """Seconds of the last 100 answers, oldest first."""
        return list(self._seconds)

    def error_percentage(self) -> float:
        """Failures per hundred requests of the last minute; 0 without requests."""
        self._forget(int(self._clock()))
        requests = sum(count for _, count, _ in self._counts)
        return 100 * sum(failures for _, _, failures in self._counts) / max(requests, 1)

    def _forget(self, now: int) -> None:
        while self._counts and self._counts[0][0] <= now - _WINDOW_S:
            self._counts.popleft()


def percentile(seconds: list[float], share: float) -> float:
    """The smallest value that ``share`` (0 to 1) of them don't exceed; 0 without any."""
    if not seconds:
        return 0.0
    ordered = sorted(seconds)
    return ordered[min(len(ordered) - 1, max(0, -int(-share * len(ordered) // 1) - 1))]
