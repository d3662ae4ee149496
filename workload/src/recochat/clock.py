"""The one place that reads the wall clock; everything else takes a clock as a parameter."""

from __future__ import annotations

import time


def wall() -> float:
    """Seconds since the epoch."""
    return time.time()  # noqa: TID251
