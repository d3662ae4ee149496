"""Telling receivers of decisions, beside the work on releases and never in its way.

A decision is told after it is stored, so the history in the status is the memory. An annotation
names the last decision that every receiver has had; the operator that takes over sends what is
later. So a decision is told at least once, and a second time under the same id.
"""

import asyncio
import logging
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NoReturn

from linnet.api.notifications import Receiver
from linnet.api.status import HistoryEntry
from linnet.controller.release import Key, Release
from linnet.controller.telemetry import NOTIFICATIONS, NOTIFICATIONS_WAITING
from linnet.core.notifications import Notification, message, recipients, unknown, unsent
from linnet.providers.errors import ApiError
from linnet.providers.kubernetes import CANARYRELEASES, KubernetesClient
from linnet.providers.webhooks import Rejected, Undelivered, Webhooks

log = logging.getLogger(__name__)

ANNOTATION = "linnet.dev/notified"
WAITING_MOST = 1000
"""How many notifications may wait for one receiver; more are dropped."""
FIRST_RETRY_SECONDS = 1.0
LAST_RETRY_SECONDS = 60.0
GIVE_UP_SECONDS = 600.0
"""How long after its decision a notification is tried again."""
NEWS = timedelta(hours=1)
"""An operator that takes over tells of no older decision."""


@dataclass
class _Sending:
    """A notification on its way. left: receivers that haven't had it; until: when to give up."""

    key: Key
    notification: Notification
    until: float
    left: int


class Notifier:
    """Has each receiver told of decisions by a task of its own.

    monotonic: seconds that only grow; sleep: waits so many of them.
    """

    def __init__(
        self,
        receivers: Sequence[Receiver],
        webhooks: Webhooks,
        client: KubernetesClient,
        *,
        now: Callable[[], datetime],
        monotonic: Callable[[], float],
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._receivers = {receiver.name: receiver for receiver in receivers}
        self._webhooks = webhooks
        self._client = client
        self._now = now
        self._monotonic = monotonic
        self._sleep = sleep
        self._queues: dict[str, asyncio.Queue[_Sending]] = {
            name: asyncio.Queue(WAITING_MOST) for name in self._receivers
        }
        self._open: dict[Key, deque[_Sending]] = defaultdict(deque)
        self._marks: asyncio.Queue[Notification] = asyncio.Queue()
        self._seen: dict[Key, str] = {}
        for name, queue in self._queues.items():
            NOTIFICATIONS_WAITING.labels(name).set_function(queue.qsize)

    def tell(self, release: Release, entries: Sequence[HistoryEntry]) -> None:
        """Take in a look at a release and what it has decided. Waits for nothing.

        release: as it is now, with these entries in its history.
        """
        if not self._receivers:
            return
        receivers, asked = list(self._receivers.values()), release.spec.notifications
        fresh = self._fresh(release, entries)
        if fresh and (names := unknown(receivers, asked)):
            NOTIFICATIONS.labels("", "unknown").inc(len(fresh) * len(names))
            log.warning(
                "spec.notifications names receivers that this operator doesn't have: %s",
                ", ".join(names),
                extra=_where(release.key),
            )
        for entry in fresh:
            if names := recipients(receivers, asked, entry.decision):
                self._enqueue(release, entry, names)

    def gone(self, key: Key) -> None:
        """Forget a release that isn't there any more; what waits is still sent."""
        self._seen.pop(key, None)

    def jobs(self) -> list[Coroutine[Any, Any, NoReturn]]:
        """What delivers, and remembers what was delivered; each is to run beside the others.

        The first raises LeaseLost when this replica may not write any more.
        """
        return [self._mark_forever(), *map(self._deliver_forever, self._receivers)]

    async def close(self) -> None:
        """Release the connections. What waits is sent by the operator that takes over."""
        await self._webhooks.close()

    def _fresh(self, release: Release, entries: Sequence[HistoryEntry]) -> Sequence[HistoryEntry]:
        """What is to be told; at the first look also what another operator didn't get to."""
        metadata = release.manifest["metadata"]
        uid = _uid(release)
        first = self._seen.get(release.key) != uid
        self._seen[release.key] = uid
        last = (metadata.get("annotations") or {}).get(ANNOTATION, "")
        if not first or not last:
            return entries
        return unsent(uid, release.status.history, last, self._now() - NEWS)

    def _enqueue(self, release: Release, entry: HistoryEntry, names: Sequence[str]) -> None:
        key = release.key
        target = release.spec.target_ref.name
        told = Notification(_uid(release), key.namespace, key.name, target, entry)
        sending = _Sending(key, told, self._monotonic() + GIVE_UP_SECONDS, len(names))
        self._open[key].append(sending)
        for name in names:
            try:
                self._queues[name].put_nowait(sending)
            except asyncio.QueueFull:
                self._end(name, sending, "dropped")

    async def _deliver_forever(self, name: str) -> NoReturn:
        queue = self._queues[name]
        while True:
            sending = await queue.get()
            try:
                outcome = await self._deliver(self._receivers[name], sending)
            except Exception:
                # The boundary of one notification: its fault must not stop the operator.
                log.exception("Telling receiver %s failed", name, extra=_where(sending.key))
                outcome = "failed"
            self._end(name, sending, outcome)

    async def _deliver(self, receiver: Receiver, sending: _Sending) -> str:
        """Try until it is delivered, rejected, or too late; say which. Logs one failure only."""
        body = message(receiver, sending.notification)
        pause, quiet = FIRST_RETRY_SECONDS, False
        while True:
            try:
                await self._webhooks.post(receiver, body)
                return "delivered"
            except Rejected as error:
                _warn(receiver, sending, f"{error}: it is not told", quiet=quiet)
                return "rejected"
            except Undelivered as error:
                wait = max(pause, error.retry_after)
                if self._monotonic() + wait > sending.until:
                    _warn(receiver, sending, f"{error}: it is not told", quiet=quiet)
                    return "given_up"
                _warn(receiver, sending, f"{error}: it is tried again", quiet=quiet)
            await self._sleep(wait)
            pause, quiet = min(2 * pause, LAST_RETRY_SECONDS), True

    def _end(self, name: str, sending: _Sending, outcome: str) -> None:
        """Count it; once all before it are through as well, have that remembered."""
        NOTIFICATIONS.labels(name, outcome).inc()
        sending.left -= 1
        waiting, last = self._open[sending.key], None
        while waiting and waiting[0].left == 0:
            last = waiting.popleft()
        if not waiting:
            self._open.pop(sending.key)
        if last is not None:
            self._marks.put_nowait(last.notification)

    async def _mark_forever(self) -> NoReturn:
        while True:
            told = await self._marks.get()
            # The uid: another release of that name has decided nothing of this yet.
            patch = {"metadata": {"uid": told.uid, "annotations": {ANNOTATION: told.id}}}
            try:
                await self._client.patch(CANARYRELEASES, told.namespace, told.name, patch)
            except ApiError as error:
                # The next one tells as much; until then a restart sends this one twice.
                where = _where(Key(told.namespace, told.name))
                log.info("That it was notified was not written: %s", error, extra=where)


def _uid(release: Release) -> str:
    return str(release.manifest["metadata"].get("uid", ""))


def _warn(receiver: Receiver, sending: _Sending, what: str, *, quiet: bool) -> None:
    if not quiet:
        log.warning("Receiver %s %s", receiver.name, what, extra=_where(sending.key))


def _where(key: Key) -> dict[str, str]:
    return {"namespace": key.namespace, "release": key.name}
