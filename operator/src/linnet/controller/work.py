"""Working on keys: one look each; after a failure soon again, then less often."""

import logging
from collections.abc import Awaitable, Callable
from typing import NoReturn

from linnet.controller import telemetry
from linnet.controller.release import InvalidSpec, Key
from linnet.controller.workqueue import WorkQueue
from linnet.providers.errors import ApiError, LeaseLost, Unusable

log = logging.getLogger(__name__)

FIRST_RETRY_SECONDS = 0.05
LAST_RETRY_SECONDS = 5.0


class Work:
    """What the workers share: the queue, and how often each key has failed in a row."""

    def __init__(
        self, queue: WorkQueue[Key], reconcile: Callable[[Key], Awaitable[float | None]]
    ) -> None:
        self._queue = queue
        self._reconcile = reconcile
        self._failures: dict[Key, int] = {}

    async def forever(self) -> NoReturn:
        """Be a worker. Any number of them may run at the same time.

        Raises:
            LeaseLost: this replica may not write any more.
        """
        while True:
            await self.one()

    async def one(self) -> None:
        """Wait for a key, and take one look at its release.

        Raises:
            LeaseLost: this replica may not write any more.
        """
        key = await self._queue.get()
        where = {"namespace": key.namespace, "release": key.name}
        try:
            with telemetry.RECONCILE_SECONDS.time():
                wake = await self._reconcile(key)
            self._failures.pop(key, None)
            if wake is not None:
                self._queue.add_after(key, wake)
        except LeaseLost:
            raise
        except InvalidSpec as error:
            self._failures.pop(key, None)  # only a change of the spec helps, and it brings the key
            telemetry.RECONCILE_ERRORS.labels("InvalidSpec").inc()
            log.error("%s", error, extra=where)
        except (ApiError, Unusable) as error:
            log.warning("%s: %s", type(error).__name__, error, extra=where)
            self._try_again(key, error)
        except Exception as error:
            # The boundary of one look: one release's fault must not stop the others.
            log.exception("Looking at the release failed", extra=where)
            self._try_again(key, error)
        finally:
            self._queue.done(key)

    def _try_again(self, key: Key, error: Exception) -> None:
        telemetry.RECONCILE_ERRORS.labels(type(error).__name__).inc()
        before = self._failures.get(key, 0)
        self._failures[key] = before + 1
        # Bounded before the power is taken: a key that fails for days must not overflow it.
        self._queue.add_after(
            key, min(LAST_RETRY_SECONDS, FIRST_RETRY_SECONDS * 2 ** min(before, 16))
        )
