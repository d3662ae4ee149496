"""Releases of recochat on this machine, as both dashboards see them.

Real: recochat's processes, their Redis, the requests, Prometheus, and the operator's decisions and
metrics. Simulated: the cluster that the operator works on. The weight that it sets is the share of
requests that the canary gets, and the errors that it decides by are those that Prometheus saw.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

from prometheus_client import start_http_server

from hack.dashboards.panels import filled
from hack.dashboards.workload import ERRORS
from hack.panels.processes import CANARY, STABLE, Processes
from hack.panels.prometheus import Span, ask
from hack.panels.traffic import People
from linnet.api.status import Phase
from linnet.controller import telemetry
from linnet.controller.release import Key
from linnet.controller.work import Work
from linnet.controller.workqueue import WorkQueue
from linnet.providers.errors import Unreachable
from linnet.providers.telemetry import API_REQUESTS, API_SECONDS, QUERIES, QUERY_SECONDS
from linnet.server import alerts, api
from tests.support.builders import SECOND
from tests.support.prometheus_server import reconfigure, serve
from tests.support.redis_process import run_redis
from tests.support.simulated_cluster import KEY, SPEC, SimulatedCluster

VALUES = {"namespace": ".*", "release": ".*", "__rate_interval": "15s", "window": "30s"}
"""What the dashboards' variables are here: everything, scraped every two seconds."""
STEPS = [{"weight": weight, "hold": "20s"} for weight in (10, 50, 100)]
TICK_S = 1.0
MOST_TICKS = 240
_ENDS = (Phase.PROMOTED, Phase.ROLLED_BACK)


class NotInTime(Exception):
    """A release did not end in as many ticks as it has."""


class Stage:
    """A service that people use, and the operator that releases it; made by `stage`."""

    def __init__(self, processes: Processes, prometheus: str, folder: Path) -> None:
        self.prometheus = prometheus
        self._processes, self._folder = processes, folder
        self._cluster = SimulatedCluster({**SPEC, "steps": STEPS})
        self._queue = WorkQueue[Key](time.monotonic)
        self._work = Work(self._queue, self._cluster.reconciler.reconcile)
        self._owed = 0.0
        telemetry.LEADER.set(1)
        telemetry.QUEUE.set_function(lambda: len(self._queue))

    def where(self) -> str:
        """Who answers the next request, as a gateway would choose by weight."""
        weights, canary = self._cluster.weights, self._processes.url(CANARY)
        self._owed += (weights[-1] if weights else 0) / 100
        if self._owed < 1 or not canary:
            return self._processes.url(STABLE)
        self._owed -= 1
        return canary

    async def rest(self, seconds: int) -> None:
        """Let time pass."""
        for _ in range(seconds):
            await self._tick()

    async def release(self, version: str, **faults: str) -> Phase:
        """Release a version to its end, and say how it ended. faults: recochat's, by name.

        Raises:
            NotInTime: it didn't end.
        """
        await self._start(version, CANARY, faults)
        self._cluster.push(f"shop:{version}")
        await self._until(Phase.PROGRESSING)
        # One that passes: the operator tries again, and the dashboard shows it.
        self._cluster.client.fail(Unreachable("no answer"))
        ended = await self._until(Phase.PROMOTING, *_ENDS)
        if ended is Phase.PROMOTING:
            await self._start(version, STABLE, faults)
            ended = await self._until(*_ENDS)
        await asyncio.to_thread(self._processes.stop, CANARY)
        return ended

    async def _until(self, *phases: Phase) -> Phase:
        for _ in range(MOST_TICKS):
            await self._tick()
            if self._cluster.status.phase in phases:
                return self._cluster.status.phase
        raise NotInTime(f"{self._cluster.status.phase}: {self._cluster.status.message}")

    async def _start(self, version: str, track: str, faults: dict[str, str]) -> None:
        await asyncio.to_thread(self._processes.start, version, track, faults)
        config = self._processes.scrape_config()
        await asyncio.to_thread(reconfigure, self.prometheus, self._folder, config)

    async def _tick(self) -> None:
        """A second of the cluster's time, and one look of the operator."""
        ends = asyncio.get_running_loop().time() + TICK_S
        errors = await asyncio.to_thread(self._errors)
        self._cluster.measure(**({} if errors is None else {"errorRate": errors}))
        self._queue.add(KEY)
        await self._work.one()
        self._cluster.pass_time(SECOND)
        _tell_of_others()
        await asyncio.sleep(max(0.0, ends - asyncio.get_running_loop().time()))

    def _errors(self) -> float | None:
        """The canary's errors in percent, as the dashboard shows them."""
        now = time.time()  # noqa: TID251 - Prometheus goes by the real clock
        query = filled(ERRORS.lines[0].query, {**VALUES, "__rate_interval": "5s"})
        with QUERY_SECONDS.time():
            found = ask(self.prometheus, query, Span(now, now, 1))
        QUERIES.labels("answered").inc()
        known = [each.points[-1][1] for each in found if each.labels.get("track") == CANARY]
        return known[0] if known else None


def _tell_of_others() -> None:
    """Count what a real cluster would bring besides: here nobody else asks, and nobody is told."""
    for method, code in (("GET", "200"), ("PATCH", "200")):
        API_REQUESTS.labels(method, code).inc()
        API_SECONDS.observe(0.004)
    alerts.REQUESTS.labels("200").inc()
    alerts.ALERTS.labels("unrelated").inc()
    alerts.SECONDS.observe(0.02)
    telemetry.NOTIFICATIONS.labels("chat", "delivered").inc()
    telemetry.NOTIFICATIONS_WAITING.labels("chat").set(0)
    api.REQUESTS.labels("/api/v2/canary/status", "200").inc()
    api.CHECKS.labels("denied", "approver").inc()


@contextmanager
def service(folder: Path) -> Iterator[Stage]:
    """recochat with its Redis, the operator's metrics, and a Prometheus that scrapes them."""
    server, thread = start_http_server(0, "127.0.0.1")
    operator = f"127.0.0.1:{server.server_port}"
    try:
        with run_redis(folder) as redis, Processes(folder, redis, operator) as processes:
            processes.start("1", STABLE, {})
            with serve(folder, processes.scrape_config()) as prometheus:
                yield Stage(processes, prometheus, folder)
    finally:
        telemetry.RELEASES.forget(KEY)
        telemetry.LEADER.set(0)
        server.shutdown()
        server.server_close()
        thread.join(30)


@asynccontextmanager
async def stage(folder: Path) -> AsyncIterator[Stage]:
    """A stage that people use from the beginning of the block to its end.

    folder: where processes log to; its path is short, for Redis has a socket there.
    """
    with service(folder) as found:
        people = asyncio.create_task(People(found.where).run())
        try:
            yield found
        finally:
            people.cancel()
            with suppress(asyncio.CancelledError):
                await people
