"""Writing again: where somebody else wrote in between, and where that promises something."""

from collections.abc import Awaitable, Callable

from linnet.providers.errors import ApiError, Conflict, OtherRevision, TooManyRequests

CONFLICT_ATTEMPTS = 5
LONGEST_WAIT_SECONDS = 1.0


async def again_on_conflict(read_and_write: Callable[[], Awaitable[None]]) -> None:
    """Read and write again at once, at most five times, e.g. beside a busy autoscaler.

    Raises:
        OtherRevision: at once; another try would meet the same.
        Conflict: somebody else was faster each time.
    """
    for _ in range(CONFLICT_ATTEMPTS - 1):
        try:
            return await read_and_write()
        except OtherRevision:
            raise
        except Conflict:
            continue
    return await read_and_write()


def worth_repeating(error: ApiError, *, versioned: bool) -> bool:
    """Whether an apply may succeed at once or soon. versioned: it only fits one version."""
    if (error.retry_after or 0) > LONGEST_WAIT_SECONDS:
        return False
    if isinstance(error, Conflict):
        return not versioned
    if isinstance(error, TooManyRequests):
        return error.retry_after is not None
    return error.status == 0 or error.status >= 500
