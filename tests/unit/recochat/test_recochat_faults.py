from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

import httpx
import pytest
from fastapi import FastAPI
from starlette.types import Message, Receive, Scope, Send

from recochat import faults
from recochat.app import create_app
from recochat.faults import ErrorShare, FaultMiddleware
from recochat.guard.middleware import Guard
from recochat.settings import Settings
from recochat.telemetry import TelemetryMiddleware

Calling = Callable[[FastAPI], httpx.AsyncClient]

ASK = {"user_id": "someone"}


@pytest.mark.parametrize(
    ("share", "requests", "failed"),
    [
        (0.05, 1000, 50),
        (0.05, 20, 1),
        (0.29, 100, 29),
        (0.1, 30, 3),
        (1 / 3, 300, 100),
        (1.0, 7, 7),
        (0.0, 99, 0),
    ],
)
def test_the_share_of_errors_is_exact(share: float, requests: int, failed: int) -> None:
    errors = ErrorShare(share)
    assert sum(errors.choose() for _ in range(requests)) == failed


def test_errors_are_spread_evenly() -> None:
    errors = ErrorShare(0.05)
    chosen = [n for n in range(1, 101) if errors.choose()]
    assert chosen == [20, 40, 60, 80, 100]


async def test_only_api_requests_fail(calling: Calling) -> None:
    app = create_app(Settings(demo_enabled=True, fault_error_share=0.5))
    async with calling(app) as client:
        probes = [(await client.get("/livez")).status_code for _ in range(4)]
        asked = [await client.post("/api/v2/recommendations", json=ASK) for _ in range(4)]
        metrics = (await client.get("/metrics")).text

    assert probes == [200] * 4
    assert [answer.status_code for answer in asked] == [200, 500, 200, 500]
    assert asked[1].headers["content-type"] == "application/problem+json"
    assert asked[1].headers["x-recochat-track"] == "stable"
    assert asked[1].json()["error_class"] == "system"
    labels = 'method="POST",service="recochat",status="500",track="stable",version="dev"'
    assert f"http_requests_total{{{labels}}} 2.0" in metrics


async def test_latency_is_added_to_api_requests() -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    async def inner(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    middleware = FaultMiddleware(inner, error_share=0, latency_ms=300, sleep=sleep)
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(middleware), base_url="http://recochat"
    ) as client:
        await client.get("/readyz")
        assert slept == []
        await client.get("/api/v2/session/x")
    assert slept == [0.3]


async def test_the_leak_takes_memory_at_its_rate() -> None:
    now = 0.0
    held: list[bytes] = []

    async def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds
        if now > 2.05:
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await faults.leak(0.5, held, sleep=sleep, clock=lambda: now)
    assert sum(map(len, held)) == pytest.approx(1024 * 1024, rel=0.01)
    assert not any(b"\0" in block for block in held)


async def test_a_crash_at_once_comes_before_ready(caplog: pytest.LogCaptureFixture) -> None:
    statuses: list[int] = []

    def exit_process(status: int) -> None:
        statuses.append(status)
        raise SystemExit(status)

    settings = Settings(demo_enabled=True, fault_crash_after_s=0)
    with caplog.at_level(logging.WARNING), pytest.raises(SystemExit):
        async with faults.running(settings, exit_process):
            raise AssertionError("became ready")
    assert statuses == [1]
    assert "RECOCHAT_FAULT_CRASH_AFTER_S" in caplog.text


async def test_a_later_crash_is_set_and_leaves_with_the_service() -> None:
    settings = Settings(demo_enabled=True, fault_crash_after_s=3600, fault_leak_mb_per_s=1)
    before = asyncio.all_tasks()
    async with faults.running(settings, lambda _: None):
        [leaking] = asyncio.all_tasks() - before
        assert not leaking.done()
    await asyncio.sleep(0)
    assert leaking.cancelled()


async def test_without_faults_nothing_is_in_the_way() -> None:
    app: FastAPI = create_app(Settings(demo_enabled=True))
    assert [str(layer.cls) for layer in app.user_middleware] == [
        str(TelemetryMiddleware),
        str(Guard),
    ]


async def test_other_protocols_pass() -> None:
    seen: list[str] = []

    async def inner(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope["type"])

    async def receive() -> Message:
        return {}

    async def send(_: Message) -> None: ...

    await FaultMiddleware(inner, 1.0, 0)({"type": "lifespan"}, receive, send)
    assert seen == ["lifespan"]
