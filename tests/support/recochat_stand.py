"""recochat over a Redis that things are done to."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from recochat.app import create_app
from recochat.settings import Settings

CHAT, RECOMMEND = "/api/v2/chat", "/api/v2/recommendations"


@dataclass
class Stand:
    """The service, and what is asked of it."""

    client: httpx.AsyncClient

    async def say(self, message: str, session_id: str | None = None) -> httpx.Response:
        body = {"message": message} | ({"session_id": session_id} if session_id else {})
        return await self.client.post(CHAT, json=body)

    async def turns(self, session_id: str) -> list[str]:
        """What was said in a session, as far as it is kept."""
        answer = await self.client.get(f"/api/v2/session/{session_id}")
        return [turn["text"] for turn in answer.json()["turns"]] if answer.is_success else []

    async def only_the_chat_fails(self, session_id: str) -> None:
        chat = await self.say("and this?", session_id)
        assert chat.status_code == 503
        assert chat.json()["error_class"] == "external"
        assert chat.headers["retry-after"] == "1"
        await self.recommends()

    async def recommends(self) -> None:
        recommended = await self.client.post(RECOMMEND, json={"user_id": "user-007"})
        health = await self.client.get("/health")
        assert recommended.status_code == 200
        assert len(recommended.json()["items"]) == 10
        assert health.status_code == 200


@asynccontextmanager
async def standing(redis_url: str, **settings: Any) -> AsyncIterator[Stand]:
    """The service over this Redis; `settings` by field name."""
    chosen = {"redis_timeout_ms": 1000, "rate_per_s": 1000, "rate_burst": 1000} | settings
    app = create_app(Settings.model_validate({"redis_url": redis_url} | chosen))
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://recochat") as client,
    ):
        yield Stand(client)
