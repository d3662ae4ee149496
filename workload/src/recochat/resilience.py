"""What keeps a failing dependency from taking the service with it. Clocks are parameters."""

from __future__ import annotations

from collections.abc import Callable

Clock = Callable[[], float]


class CircuitBreaker:
    """Stops asking a dependency that keeps failing, and tries it again with one request at a time.

    Closed: all requests may pass. After ``failures`` failures in a row it opens: none may, for
    ``open_s`` seconds. Then one may pass as a trial: it closes the circuit, or opens it again.
    """

    def __init__(self, failures: int, open_s: float, clock: Clock) -> None:
        """``failures``: 1 or more; ``open_s``: seconds, measured by ``clock``."""
        self._limit, self._open_s, self._clock = failures, open_s, clock
        self._failures = 0
        self._closed_again_at: float | None = None

    @property
    def is_open(self) -> bool:
        """Whether the dependency counts as failed, a trial under way or not."""
        return self._closed_again_at is not None

    def allow(self) -> bool:
        """Whether a request may pass now. Each True has to be answered by one of the next two."""
        if self._closed_again_at is None:
            return True
        now = self._clock()
        if now < self._closed_again_at:
            return False
        # The trial. Others wait as long again, also if the trial never reports back.
        self._closed_again_at = now + self._open_s
        return True

    def succeeded(self) -> None:
        """A request that passed was answered."""
        self._failures = 0
        self._closed_again_at = None

    def failed(self) -> None:
        """A request that passed was not answered, or badly."""
        self._failures += 1
        if self._failures >= self._limit:
            self._closed_again_at = self._clock() + self._open_s


class RetryBudget:
    """Allows retries as a share of requests, so that they can't multiply the load on a failure."""

    def __init__(self, share: float = 0.1, most: float = 10.0) -> None:
        """Allow ``share`` (0 to 1) retries per request, and save up at most ``most`` of them."""
        self._share, self._most = share, most
        self._saved = most

    def request(self) -> None:
        """A request was made: it earns a part of a retry."""
        self._saved = min(self._most, self._saved + self._share)

    def spend(self) -> bool:
        """Whether a retry may be made; it is counted as made."""
        if self._saved < 1:
            return False
        self._saved -= 1
        return True
