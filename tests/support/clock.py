"""A clock that a test turns."""

from dataclasses import dataclass


@dataclass
class Clock:
    """now: seconds, which stay until the test sets others."""

    now: float = 0.0

    def __call__(self) -> float:
        """The time that it is."""
        return self.now
