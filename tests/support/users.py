"""Users with a memory: each keeps its cookies, or sends a header of its own, and asks again."""

import asyncio
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from typing import Any

import aiohttp

from hack.answers import Answer
from hack.load import TRACK_HEADER, VERSION_HEADER, now

PATIENCE = aiohttp.ClientTimeout(total=15)
"""Generous: several tests may share the machine."""


@dataclass
class User:
    """One user: what it sends with each request, and the answers in the order that it got them."""

    headers: Mapping[str, str] = field(default_factory=dict)
    cookies: dict[str, str] = field(default_factory=dict)
    answers: list[Answer] = field(default_factory=list)

    def answered(self, start: float, end: float) -> list[Answer]:
        """The answers to what was sent between two moments, in unix seconds."""
        return [answer for answer in self.answers if start <= answer.sent < end]

    async def ask(self, session: aiohttp.ClientSession, url: str, body: Any) -> None:
        """Send one request, and take the cookies that come back."""
        headers = dict(self.headers)
        if self.cookies:
            headers["Cookie"] = "; ".join(f"{k}={v}" for k, v in self.cookies.items())
        sent = now()
        try:
            async with session.post(url, json=body, headers=headers) as answer:
                await answer.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            self.answers.append(Answer(sent, now(), 0, error=type(error).__name__))
            return
        for header in answer.headers.getall("Set-Cookie", []):
            for name, morsel in SimpleCookie(header).items():
                self.cookies[name] = morsel.value
        version, track = (answer.headers.get(name, "") for name in (VERSION_HEADER, TRACK_HEADER))
        self.answers.append(Answer(sent, now(), answer.status, version, track))


@contextmanager
def visiting(
    users: Sequence[User], url: str, body: Any, headers: Mapping[str, str], seconds: float
) -> Iterator[None]:
    """Let each user send a request about every so many seconds, until the block ends."""
    stop = threading.Event()
    thread = threading.Thread(
        target=lambda: asyncio.run(_visit(users, url, body, headers, seconds, stop.is_set))
    )
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


async def _visit(
    users: Sequence[User],
    url: str,
    body: Any,
    headers: Mapping[str, str],
    seconds: float,
    stopped: Callable[[], bool],
) -> None:
    connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=10)
    jar = aiohttp.DummyCookieJar()  # each user keeps its own
    async with aiohttp.ClientSession(
        connector=connector, cookie_jar=jar, headers=headers, timeout=PATIENCE
    ) as session:

        async def live(user: User, number: int) -> None:
            await asyncio.sleep(seconds * number / len(users))
            while not stopped():
                began = time.monotonic()
                await user.ask(session, url, body)
                pause = seconds * random.uniform(0.8, 1.2)  # noqa: S311 - not for secrets
                await asyncio.sleep(max(0.0, began + pause - time.monotonic()))

        await asyncio.gather(*(live(user, number) for number, user in enumerate(users)))
