"""The service in the process, called over ASGI: no socket, no clock, no sleep."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import httpx
import pytest
from fastapi import FastAPI

from recochat.app import create_app
from recochat.settings import Settings

Call = Callable[[FastAPI], httpx.AsyncClient]


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    for name in [name for name in os.environ if name.startswith("RECOCHAT_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def calling() -> Call:
    """A client for an application. Failures come back as responses, as they do to callers."""

    def make(app: FastAPI) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        return httpx.AsyncClient(transport=transport, base_url="http://recochat")

    return make


@pytest.fixture
async def client(calling: Call) -> AsyncIterator[httpx.AsyncClient]:
    """A healthy canary of version 1.2.3."""
    async with calling(create_app(Settings(version="1.2.3", track="canary"))) as made:
        yield made
