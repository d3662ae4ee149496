"""The operator's process: lead, watch, work, and stop cleanly."""

import asyncio
import logging
import signal
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NoReturn, Protocol

from linnet.controller import clock, telemetry
from linnet.controller.alerts import AlertDesk, Targets
from linnet.controller.asked import Asked
from linnet.controller.desk import ReleaseDesk
from linnet.controller.feed import Feed
from linnet.controller.inbox import Inbox
from linnet.controller.leader import WRITE_SECONDS, Leader
from linnet.controller.notify import Notifier
from linnet.controller.observe import Providers
from linnet.controller.reconcile import Reconciler
from linnet.controller.release import Key
from linnet.controller.settings import Settings
from linnet.controller.watches import Tell, Watches
from linnet.controller.work import Work
from linnet.controller.workqueue import WorkQueue
from linnet.providers.access import Access
from linnet.providers.config import ConfigCopies
from linnet.providers.errors import ApiError
from linnet.providers.kubernetes import KubernetesClient, Manifest
from linnet.providers.metrics.prometheus import Prometheus
from linnet.providers.metrics.shared import SharedMetrics
from linnet.providers.mirror import Mirror, watch_selectors
from linnet.providers.mirrored import MirroredClient
from linnet.providers.resources import Resource
from linnet.providers.traffic.registry import EveryTraffic
from linnet.providers.webhooks import Webhooks
from linnet.providers.workloads import Workloads
from linnet.server.alerts import AlertReceiver
from linnet.server.api import Api
from linnet.server.http import serve

log = logging.getLogger(__name__)

FIRST_READ_SECONDS = 1.0
"""How soon the first reading is tried again."""
STOP_SECONDS = 5.0
"""How long the watches get to end."""


Now = Callable[[], datetime]


class Watching(Protocol):
    """What tells of keys, from a thread of its own."""

    def start(self) -> None:
        """Begin to watch."""
        ...

    def stop(self, timeout: float) -> None:
        """Stop watching, and wait for that up to `timeout` seconds."""
        ...


Watch = Callable[[str, Mapping[Resource, str], Tell, Callable[[], object]], Watching]
"""Makes the watches of a namespace: (namespace, selectors, tell, ended)."""


async def run(settings: Settings) -> int:
    """Run until a signal, or until the lease is lost; return the process' exit code."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    shared = clock.SharedClock()
    client = await KubernetesClient.connect(timeout_seconds=WRITE_SECONDS, asking=shared.ask)
    try:
        return await operate(settings, client, Watches, stopped, shared.now)
    finally:
        await client.close()


async def operate(
    settings: Settings,
    client: KubernetesClient,
    watch: Watch,
    stopped: asyncio.Event,
    now: Now = clock.now,
) -> int:
    """Lead and work until `stopped`, or until that can't go on; return the exit code.

    now: the time that decisions and status go by.
    """
    leader = Leader(
        client,
        namespace=settings.lease_namespace,
        name=settings.lease_name,
        identity=settings.identity,
        address=address_of(settings),
        now=now,
        monotonic=clock.monotonic,
    )
    receiver = AlertReceiver(settings.alert_token_file, clock.monotonic, lambda: leader.elsewhere)
    api = _api(settings, client, leader) if settings.api else None
    server = await serve(
        settings.port, lambda: leader.in_touch, receiver, api, with_console=settings.console
    )
    try:
        if not await _first(leader.acquire(), stopped):
            return 0
        fenced = client.fenced(leader.fence)
        return await _lead(settings, fenced, leader, Doors(receiver, api), watch, stopped, now)
    finally:
        await leader.release()
        await server.cleanup()


@dataclass(frozen=True)
class Doors:
    """Where others are let in while this replica leads. api: None if it is off."""

    alerts: AlertReceiver
    api: Api | None

    def open(self, alerts: AlertDesk, releases: ReleaseDesk) -> None:
        """Have them answered here."""
        self.alerts.desk = alerts
        if self.api is not None:
            self.api.desk = releases

    def close(self) -> None:
        """Have them answered by the replica that leads next."""
        self.alerts.desk = None
        if self.api is not None:
            self.api.desk = None


def _api(settings: Settings, client: KubernetesClient, leader: Leader) -> Api:
    access = Access(client, clock.monotonic, settings.api_audiences)
    return Api(access, clock.monotonic, lambda: leader.elsewhere)


def address_of(settings: Settings) -> str:
    """HOST:PORT, as a URL has it; '' where other replicas don't reach this one."""
    host = settings.address
    return f"{f'[{host}]' if ':' in host else host}:{settings.port}" if host else ""


async def _lead(
    settings: Settings,
    client: KubernetesClient,
    leader: Leader,
    doors: Doors,
    watch: Watch,
    stopped: asyncio.Event,
    now: Now,
) -> int:
    mirror = Mirror(clock.monotonic)
    mirrored = MirroredClient(client, mirror)
    providers = _providers(settings, mirrored, now)
    queue: WorkQueue[Key] = WorkQueue(clock.monotonic)
    inbox = Inbox(queue.add)
    asked = Asked()
    identity = settings.identity
    notifier = Notifier(
        settings.receivers, Webhooks(), mirrored, now=now, monotonic=clock.monotonic
    )
    reconciler = Reconciler(
        mirrored,
        providers,
        identity=identity,
        now=now,
        inbox=inbox,
        notifier=notifier,
        asked=asked,
    )
    work = Work(queue, reconciler.reconcile)
    targets = Targets(settings.alert_namespace_label, settings.alert_release_label)
    feed = Feed(mirror, queue, targets)
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    selectors = watch_selectors(settings.shard, settings.tracked_kinds)
    watches = watch(
        settings.namespace,
        selectors,
        lambda *event: loop.call_soon_threadsafe(feed.told, *event),
        lambda: loop.call_soon_threadsafe(ended.set),
    )

    async def see() -> None:
        """Read what there is, then watch for changes."""
        feed.begin(await _patiently(lambda: mirrored.fill(settings.namespace, selectors)))
        watches.start()
        doors.open(AlertDesk(targets, inbox), ReleaseDesk(mirrored, mirror, asked, queue.add, now))
        await _until(ended)

    telemetry.LEADER.set(1)
    telemetry.QUEUE.set_function(lambda: len(queue))
    jobs = [work.forever() for _ in range(settings.workers)]
    tasks = [asyncio.create_task(job) for job in (*jobs, leader.keep(), *notifier.jobs(), see())]
    waiting = asyncio.create_task(stopped.wait())
    try:
        done, _ = await asyncio.wait((*tasks, waiting), return_when=asyncio.FIRST_COMPLETED)
        for task in done - {waiting}:
            log.error("Stopping: %s", task.exception())
        return 0 if waiting in done else 1
    finally:
        telemetry.LEADER.set(0)
        doors.close()
        for task in (*tasks, waiting):
            task.cancel()
        await asyncio.gather(*tasks, waiting, return_exceptions=True)
        await asyncio.to_thread(watches.stop, STOP_SECONDS)
        await notifier.close()
        await providers.metrics.close()


def _providers(settings: Settings, client: MirroredClient, now: Now) -> Providers:
    metrics = Prometheus(
        settings.prometheus_url,
        token_file=settings.prometheus_token_file,
        ca_file=settings.prometheus_ca_file,
    )
    return Providers(
        Workloads(client),
        EveryTraffic(client),
        SharedMetrics(metrics, now),
        ConfigCopies(client, settings.tracked_kinds),
        scope=settings.namespace,
    )


async def _patiently(read: Callable[[], Awaitable[list[Manifest]]]) -> list[Manifest]:
    """Read until the API server answers; the lease says when that is too late."""
    while True:
        try:
            return await read()
        except ApiError as error:
            log.warning("Reading what there is failed: %s", error)
            await asyncio.sleep(FIRST_READ_SECONDS)


async def _until(ended: asyncio.Event) -> NoReturn:
    """End the process with the watches: an operator that sees nothing must not stay."""
    await ended.wait()
    raise RuntimeError("the watches have ended")


async def _first(work: Coroutine[Any, Any, None], stopped: asyncio.Event) -> bool:
    """Wait for the work, unless the process is to stop first; say whether the work was done."""
    task = asyncio.create_task(work)
    waiting = asyncio.create_task(stopped.wait())
    try:
        await asyncio.wait((task, waiting), return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            task.result()
            return True
        return False
    finally:
        for each in (task, waiting):
            each.cancel()
        await asyncio.gather(task, waiting, return_exceptions=True)
