"""People who use recochat: they ask, talk, like things, and now and then do something wrong."""

import asyncio
from collections.abc import Callable
from typing import Any

import aiohttp
import numpy as np

from recochat.recommender import builtin

RATE = 25.0
"""Requests a second."""
_PATIENCE = aiohttp.ClientTimeout(total=10)
_SAYINGS = ("I like jazz and hiking", "suggest something", "another one", "why?", "thanks")
_RECOGNISED = 0.6
"""How often somebody who likes an item likes one that was recommended to them."""


class People:
    """Sends requests until it is cancelled.

    where: the address for the next request; called anew for each of them.
    """

    def __init__(self, where: Callable[[], str], seed: int = 7) -> None:
        self._where = where
        self._chance = np.random.default_rng(seed)
        self._items = [item.item_id for item in builtin.items()]
        self._recommended: dict[str, list[str]] = {}
        self._number = 0

    async def run(self) -> None:
        """Send at a constant rate, whether answers come or not."""
        loop = asyncio.get_running_loop()
        start, under_way = loop.time(), set[asyncio.Task[None]]()
        async with aiohttp.ClientSession(timeout=_PATIENCE) as session:
            while True:
                self._number += 1
                task = asyncio.create_task(self._one(session, self._number))
                under_way.add(task)
                task.add_done_callback(under_way.discard)
                await asyncio.sleep(max(0.0, start + self._number / RATE - loop.time()))

    async def _one(self, session: aiohttp.ClientSession, number: int) -> None:
        user = f"user-{number % 240:03d}" if number % 3 else f"guest-{number % 500}"
        method, path, body = self._request(number, user)
        url = self._where() + path
        try:
            async with session.request(method, url, json=body) as answer:
                given = await answer.json()
                if path.endswith("/recommendations") and answer.status == 200:
                    self._recommended[user] = [item["item_id"] for item in given["items"]]
        except (aiohttp.ClientError, TimeoutError, ValueError):
            return  # A version that has just ended: what people see is counted by the others.

    def _request(self, number: int, user: str) -> tuple[str, str, Any]:
        draw = int(self._chance.integers(20))
        if draw < 8:
            return "POST", "/api/v2/recommendations", {"user_id": user}
        if draw < 13:
            # Twenty conversations go on; every so often somebody names one that is long gone.
            conversation = number if draw == 8 else number % 20
            said = {"message": _SAYINGS[number % 5], "session_id": f"talk-{conversation}"}
            return "POST", "/api/v2/chat", said
        if draw < 17:
            return "POST", "/api/v2/feedback", self._feedback(user)
        if draw < 19:
            return "GET", f"/api/v2/items/{self._items[number % len(self._items)]}", None
        return "GET", "/api/v2/items/nothing", None

    def _feedback(self, user: str) -> dict[str, str]:
        shown, chance = self._recommended.get(user, []), self._chance
        known = bool(shown) and chance.random() < _RECOGNISED
        item = shown[int(chance.integers(len(shown)))] if known else str(chance.choice(self._items))
        verdict = "like" if known or chance.random() < 0.5 else "dislike"
        return {"user_id": user, "item_id": item, "verdict": verdict}
