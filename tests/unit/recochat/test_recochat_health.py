"""Health in detail, the latest requests, and what the process uses."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from recochat import __main__ as command
from recochat import resources
from recochat.app import create_app
from recochat.latest import Latest, percentile
from recochat.recommender import builtin
from recochat.resources import Usage
from recochat.server import Server
from recochat.settings import Settings
from recochat.stores import stores
from tests.support.clock import Clock

Calling = Callable[[FastAPI], httpx.AsyncClient]
MIB = 1024 * 1024


async def test_health_in_detail_tells_the_parts_in_figures(client: httpx.AsyncClient) -> None:
    for _ in range(3):
        await client.post("/api/v2/chat", json={"message": "hi"})
    await client.get("/health/detailed")
    found = (await client.get("/health/detailed")).json()
    assert (found["status"], found["version"], found["track"]) == ("ok", "1.2.3", "canary")
    assert found["session_store"]["sessions"] == 3
    assert found["session_store"]["connections"] is None
    assert found["language_model"] == {"status": "ok", "kind": "embedded"}
    assert found["recommendation_engine"]["items"] == len(builtin.items())
    assert 1 * MIB < found["memory"]["resident_bytes"] <= found["memory"]["limit_bytes"]
    assert 0 < found["disk"]["used_bytes"] <= found["disk"]["total_bytes"]
    # Only what counts as a request of the API is among the latest.
    assert len(found["responses"]["last_ms"]) == 3
    assert found["responses"]["p99_ms"] == max(found["responses"]["last_ms"])
    assert found["responses"]["error_percentage"] == 0
    assert found["uptime_s"] >= 0


async def test_a_store_that_is_gone_is_told_in_detail_too(calling: Calling, tmp_path: Path) -> None:
    settings = Settings.model_validate({"redis_url": f"unix://{tmp_path}/nobody"})
    async with calling(create_app(settings)) as client:
        found = (await client.get("/health/detailed")).json()
        text = (await client.get("/metrics")).text
    assert found["status"] == "degraded"
    assert found["session_store"]["status"] == "unavailable"
    assert found["session_store"]["sessions"] is None
    assert found["session_store"]["connections"]["most"] == settings.redis_connections
    assert f'session_store_connections{{state="limit"}} {settings.redis_connections}.0' in text


async def test_resources_and_errors_are_metrics(client: httpx.AsyncClient) -> None:
    await client.get("/nowhere")
    text = (await client.get("/metrics")).text
    for name in ("cpu", "memory", "disk"):
        assert f'system_resource_usage{{resource="{name}",track="canary",version="1.2.3"}}' in text
    labels = 'service="recochat",track="canary",version="1.2.3"'
    assert f"error_rate_percentage{{{labels}}} 0.0" in text


def test_the_error_rate_is_that_of_the_last_minute() -> None:
    clock = Clock(100.0)
    latest = Latest(clock)
    assert latest.error_percentage() == 0
    for status in (200, 404, 500, 503):
        latest.add(status, 0.01)
    assert latest.error_percentage() == 50
    clock.now += 30
    for _ in range(4):
        latest.add(200, 0.01)
    assert latest.error_percentage() == 25
    clock.now += 31
    assert latest.error_percentage() == 0
    clock.now += 60
    assert latest.error_percentage() == 0


def test_the_last_hundred_times_are_kept() -> None:
    latest = Latest(Clock(100.0))
    for n in range(150):
        latest.add(200, n)
    assert latest.times() == [float(n) for n in range(50, 150)]


@pytest.mark.parametrize(
    ("seconds", "share", "expected"),
    [([], 0.95, 0), ([3.0], 0.5, 3), ([1.0, 2.0, 3.0, 4.0], 0.5, 2), ([1.0, 2.0], 1.0, 2)],
)
def test_percentiles(seconds: list[float], share: float, expected: float) -> None:
    assert percentile(seconds, share) == expected


def test_the_limits_of_a_container_count(tmp_path: Path) -> None:
    assert resources.memory_limit_bytes(tmp_path) > 100 * MIB
    assert resources.cpu_cores(tmp_path) >= 1
    (tmp_path / "memory.max").write_text("167772160\n")
    (tmp_path / "cpu.max").write_text("50000 100000\n")
    assert resources.memory_limit_bytes(tmp_path) == 160 * MIB
    assert resources.cpu_cores(tmp_path) == 0.5
    (tmp_path / "memory.max").write_text("max\n")
    (tmp_path / "cpu.max").write_text("max 100000\n")
    assert resources.memory_limit_bytes(tmp_path) > 160 * MIB
    assert resources.cpu_cores(tmp_path) >= 1


def test_processor_time_counts_since_the_last_look() -> None:
    clock, used = Clock(100.0), Clock(100.0)
    usage = Usage(clock, used)
    clock.now += 10
    used.now += 5
    first = usage.percentages()["cpu"]
    clock.now += 10
    assert first == pytest.approx(50 / resources.cpu_cores())
    assert usage.percentages()["cpu"] == 0


def test_without_redis_there_are_no_connections_to_show() -> None:
    assert stores(Settings()).connections is None


def test_whoever_is_told_to_stop_wants_no_more_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    ready: list[bool] = []

    def run(running: Server, *_: object) -> None:
        running.lifecycle.ready = True
        running.handle_exit(15, None)
        ready.append(running.lifecycle.ready)

    monkeypatch.setattr(Server, "run", run)
    assert command.main([]) == 3
    assert ready == [False]
