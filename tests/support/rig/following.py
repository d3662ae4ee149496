"""Following what the API server has of a kind: everything there is, then every change."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

Object = dict[str, Any]
Tell = Callable[[str, Object], Awaitable[None]]
"""Takes (ADDED, MODIFIED or DELETED; the object)."""

CLOSING_SECONDS = 0.5
"""How long connections may take to close before their loop ends: TLS says goodbye both ways."""
AGAIN_SECONDS = 0.3
"""How long to wait where the kind isn't known yet, or a watch has ended."""


@asynccontextmanager
async def api_session(ca: Path, token: str, agent: str) -> AsyncIterator[aiohttp.ClientSession]:
    """A session for the API server with this certificate. agent: the name it goes by."""
    async with aiohttp.ClientSession(
        headers={"Authorization": f"Bearer {token}", "User-Agent": agent},
        connector=aiohttp.TCPConnector(ssl=ssl.create_default_context(cafile=str(ca)), limit=50),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=10),
        read_bufsize=1 << 22,  # the longest line, one event, must fit twice
    ) as session:
        yield session
    await asyncio.sleep(CLOSING_SECONDS)


async def follow(session: aiohttp.ClientSession, url: str, tell: Tell) -> None:
    """Tell of every object of a list's address and of every change, for ever.

    What went away while nobody watched is told of as DELETED.
    """
    known: dict[tuple[str, str], Object] = {}
    while True:
        try:
            async with session.get(url) as answer:
                found = await answer.json()
            there = {name_of(each): each for each in found["items"]}
            for name in known.keys() - there.keys():
                await tell("DELETED", known.pop(name))
            for name, each in there.items():
                known[name] = each
                await tell("ADDED", each)
            async for event in _changes(session, url, found["metadata"]["resourceVersion"]):
                kind, each = event["type"], event["object"]
                if kind == "DELETED":
                    known.pop(name_of(each), None)
                else:
                    known[name_of(each)] = each
                await tell(kind, each)
        except (aiohttp.ClientError, KeyError):
            pass
        await asyncio.sleep(AGAIN_SECONDS)


async def _changes(session: aiohttp.ClientSession, url: str, version: str) -> AsyncIterator[Object]:
    query = {"watch": "true", "resourceVersion": version}
    async with session.get(url, params=query) as answer:
        async for line in answer.content:
            yield json.loads(line)


def name_of(found: Object) -> tuple[str, str]:
    """Namespace and name of an object."""
    return found["metadata"].get("namespace", ""), found["metadata"]["name"]
