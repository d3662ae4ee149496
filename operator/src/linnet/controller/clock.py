"""The only place that reads the clock."""

import time
from datetime import UTC, datetime


def now() -> datetime:
    """The present moment, in UTC, in the milliseconds that status keeps."""
    moment = datetime.now(UTC)  # noqa: TID251 - here, and only here
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def monotonic() -> float:
    """Seconds on a clock that nobody sets."""
    return time.monotonic()
