"""The operator's process: lead, watch, work, and stop cleanly."""

import asyncio
import logging
import signal
from collections.abc import Coroutine
from typing import Any, NoReturn

from linnet.controller import clock, telemetry
from linnet.controller.leader import Leader
from linnet.controller.observe import Providers
from linnet.controller.reconcile import Reconciler
from linnet.controller.release import InvalidSpec, Key
from linnet.controller.settings import Settings
from linnet.controller.watches import Watches
from linnet.controller.workqueue import WorkQueue
from linnet.providers.errors import ApiError, LeaseLost, Unusable
from linnet.providers.kubernetes import KubernetesClient
from linnet.providers.metrics.prometheus import Prometheus
from linnet.providers.traffic.registry import traffic_provider
from linnet.providers.workloads import Workloads
from linnet.server.http import Health, serve

log = logging.getLogger(__name__)

FIRST_RETRY_SECONDS = 0.05
LAST_RETRY_SECONDS = 5.0


async def run(settings: Settings) -> int:
    """Run until a signal, or until the lease is lost; return the process' exit code."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    free = await KubernetesClient.connect()
    leader = Leader(
        free,
        namespace=settings.lease_namespace,
        name=settings.lease_name,
        identity=settings.identity,
        now=clock.now,
        monotonic=clock.monotonic,
    )
    health = Health()
    server = await serve(settings.port, health)
    try:
        health.ready = True
        if not await _first(leader.acquire(), stopped):
            return 0
        return await _lead(settings, free.fenced(leader.fence), leader, stopped)
    finally:
        await leader.release()
        await server.cleanup()
        await free.close()


async def _lead(
    settings: Settings, client: KubernetesClient, leader: Leader, stopped: asyncio.Event
) -> int:
    metrics = Prometheus(
        settings.prometheus_url,
        token_file=settings.prometheus_token_file,
        ca_file=settings.prometheus_ca_file,
    )
    providers = Providers(Workloads(client), traffic_provider("gateway-api", client), metrics)
    reconciler = Reconciler(client, providers, identity=settings.identity, now=clock.now)
    queue: WorkQueue[Key] = WorkQueue(clock.monotonic)
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()

    def added(key: Key) -> None:
        loop.call_soon_threadsafe(queue.add, key)

    watches = Watches(settings.namespace, added, ended=lambda: loop.call_soon_threadsafe(ended.set))
    telemetry.LEADER.set(1)
    watches.start()
    jobs = [_work(queue, reconciler) for _ in range(settings.workers)]
    tasks = [asyncio.create_task(job) for job in (*jobs, leader.keep(), _until(ended))]
    waiting = asyncio.create_task(stopped.wait())
    try:
        done, _ = await asyncio.wait((*tasks, waiting), return_when=asyncio.FIRST_COMPLETED)
        for task in done - {waiting}:
            log.error("Stopping: %s", task.exception())
        return 0 if waiting in done else 1
    finally:
        telemetry.LEADER.set(0)
        for task in (*tasks, waiting):
            task.cancel()
        await asyncio.gather(*tasks, waiting, return_exceptions=True)
        watches.stop(timeout=5)
        await metrics.close()


async def _first(work: Coroutine[Any, Any, None], stopped: asyncio.Event) -> bool:
    """Wait for the work, unless the process is to stop first; say whether the work was done."""
    task = asyncio.create_task(work)
    waiting = asyncio.create_task(stopped.wait())
    await asyncio.wait((task, waiting), return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    if task.done():
        task.result()
        return True
    task.cancel()
    return False


async def _until(ended: asyncio.Event) -> NoReturn:
    """End the process with the watches: an operator that sees nothing must not stay."""
    await ended.wait()
    raise RuntimeError("the watches have ended")


async def _work(queue: WorkQueue[Key], reconciler: Reconciler) -> NoReturn:
    """Take keys and look at their releases; after a failure soon again, then less often."""
    failures: dict[Key, int] = {}
    while True:
        key = await queue.get()
        try:
            with telemetry.RECONCILE_SECONDS.time():
                wake = await reconciler.reconcile(key)
            failures.pop(key, None)
            if wake is not None:
                queue.add_after(key, wake)
        except LeaseLost:
            raise
        except InvalidSpec as error:
            telemetry.RECONCILE_ERRORS.labels("InvalidSpec").inc()
            log.error("%s", error, extra={"namespace": key.namespace, "release": key.name})
        except (ApiError, Unusable) as error:
            queue.add_after(key, _again(failures, key, error))
        except Exception as error:
            log.exception("Looking at %s/%s failed", key.namespace, key.name)
            queue.add_after(key, _again(failures, key, error))
        finally:
            queue.done(key)


def _again(failures: dict[Key, int], key: Key, error: Exception) -> float:
    """Count a failure; return the seconds until the next try."""
    count = failures[key] = failures.get(key, 0) + 1
    kind = type(error).__name__
    telemetry.RECONCILE_ERRORS.labels(kind).inc()
    where = {"namespace": key.namespace, "release": key.name}
    log.warning("%s: %s", kind, error, extra=where)
    return min(LAST_RETRY_SECONDS, FIRST_RETRY_SECONDS * 2.0 ** (count - 1))
