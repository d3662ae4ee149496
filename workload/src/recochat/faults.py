"""Faults on purpose, so that a demonstration can show a release being rolled back.

Nothing here runs unless a fault is set, and settings refuse one without RECOCHAT_DEMO_ENABLED=true.
"""

from __future__ import annotations

import asyncio
import logging
import math
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from recochat.problems import MEDIA_TYPE, problem_body
from recochat.settings import Settings

log = logging.getLogger(__name__)

_MIB = 1024 * 1024
_LEAK_INTERVAL_S = 0.1

Sleep = Callable[[float], Awaitable[object]]


class ErrorShare:
    """Choose an exact share of requests, spread evenly: 0.05 is every 20th one.

    Counting instead of drawing lots: a demonstration with few requests shows the share it promises.
    """

    def __init__(self, share: float) -> None:
        """Choose ``share`` (0 to 1) of what comes."""
        self._share = share
        self._seen = 0
        self._chosen = 0

    def choose(self) -> bool:
        """Whether the next request is to fail."""
        self._seen += 1
        # From the count, not from a running sum of floats; the 1e-9 makes up for 100 * 0.29 < 29.
        due = math.floor(self._seen * self._share + 1e-9)
        chosen = due > self._chosen
        self._chosen = due
        return chosen


class FaultMiddleware:
    """Delay API requests, and fail a share of them. Other paths (probes, metrics) stay healthy."""

    def __init__(
        self, app: ASGIApp, error_share: float, latency_ms: float, sleep: Sleep = asyncio.sleep
    ) -> None:
        """Wrap ``app``; ``error_share`` is 0 to 1."""
        self._app = app
        self._errors = ErrorShare(error_share)
        self._latency_s = latency_ms / 1000
        self._sleep = sleep

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or fail it."""
        if scope["type"] != "http" or not scope["path"].startswith("/api/"):
            await self._app(scope, receive, send)
            return
        if self._latency_s:
            await self._sleep(self._latency_s)
        if self._errors.choose():
            detail = "A fault was injected (RECOCHAT_FAULT_ERROR_SHARE)."
            body = problem_body(500, "injected-fault", detail, "system")
            await Response(body, 500, media_type=MEDIA_TYPE)(scope, receive, send)
            return
        await self._app(scope, receive, send)


async def leak(
    mb_per_s: float,
    held: list[bytes],
    sleep: Sleep = asyncio.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Put ``mb_per_s`` MiB each second into ``held``, until cancelled."""
    started, taken = clock(), 0
    while True:
        await sleep(_LEAK_INTERVAL_S)
        owed = int((clock() - started) * mb_per_s * _MIB) - taken
        if owed > 0:
            # Not zeros: pages of zeros would be promised by the kernel and never really taken.
            held.append(b"\xa5" * owed)
            taken += owed


@asynccontextmanager
async def running(
    settings: Settings, exit_process: Callable[[int], object] = os._exit
) -> AsyncIterator[None]:
    """Keep the faults that need no request (leak, crash) going while the service runs.

    ``exit_process`` ends the process without any clean-up, as a crash does.
    """
    if faults := settings.faults_set():
        log.warning("faults are on: %s", ", ".join(faults), extra={"faults": faults})

    def crash() -> None:
        log.critical("exiting with status 1, as RECOCHAT_FAULT_CRASH_AFTER_S asks")
        exit_process(1)

    loop = asyncio.get_running_loop()
    timer: asyncio.TimerHandle | None = None
    task: asyncio.Task[None] | None = None
    if settings.fault_crash_after_s == 0:
        crash()
    elif settings.fault_crash_after_s is not None:
        timer = loop.call_later(settings.fault_crash_after_s, crash)
    if settings.fault_leak_mb_per_s:
        task = loop.create_task(leak(settings.fault_leak_mb_per_s, held=[]))
    try:
        yield
    finally:
        if timer:
            timer.cancel()
        if task:
            task.cancel()
