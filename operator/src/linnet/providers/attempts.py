"""Writing again where somebody else wrote in between."""

from collections.abc import Awaitable, Callable

from linnet.providers.errors import Conflict, OtherRevision

CONFLICT_ATTEMPTS = 5


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
