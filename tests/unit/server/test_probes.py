"""Probes and metrics, asked over loopback."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import aiohttp
import pytest

from linnet.server.alerts import AlertReceiver
from linnet.server.http import serve
from tests.support.addresses import loopback


@dataclass
class Server:
    url: str
    ready: bool = False

    async def get(self, path: str) -> tuple[int, str, str]:
        async with aiohttp.ClientSession() as session, session.get(self.url + path) as answer:
            return answer.status, await answer.text(), answer.headers["Content-Type"]


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    found = Server("")
    runner = await serve(0, lambda: found.ready, AlertReceiver("", lambda: 0.0))
    found.url = loopback(runner)
    yield found
    await runner.cleanup()


async def test_it_is_alive_as_soon_as_it_answers(server: Server) -> None:
    assert (await server.get("/livez"))[:2] == (200, "ok\n")


async def test_it_is_ready_once_the_api_server_was_reached(server: Server) -> None:
    status, text, _ = await server.get("/readyz")
    assert (status, text) == (503, "the API server has not been reached yet\n")
    server.ready = True
    assert (await server.get("/readyz"))[:2] == (200, "ok\n")


async def test_metrics_are_as_prometheus_reads_them(server: Server) -> None:
    status, text, content_type = await server.get("/metrics")
    assert status == 200
    assert content_type.startswith("text/plain; version=")
    assert "# TYPE process_cpu_seconds_total counter" in text


async def test_there_is_nothing_else(server: Server) -> None:
    assert (await server.get("/"))[0] == 404
