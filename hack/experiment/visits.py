"""Users who come, ask, chat, judge and come back, over HTTP; each request's answer is kept."""

from __future__ import annotations

import asyncio
import math
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import aiohttp

from hack.answers import PATIENCE_S
from hack.experiment.crowd import User, moment
from hack.load import TRACK_HEADER, Plan, now

EXPERIMENT_HEADER = "X-Recochat-Experiment"
"""On an answer: the experiment in which the request was counted."""
WRONG = {"X-Experiment": "what-a-caller-says"}
"""Users say so. The route has to say it better."""
RECOMMEND, CHAT, EVENTS = "/api/v2/recommendations", "/api/v2/chat", "/api/v2/events"
IN_FLIGHT = 32
TRIES, PAUSE_S = 4, 0.5


@dataclass(frozen=True)
class Asked:
    """One request and its answer; times are unix seconds. status: 0 where there was no answer.

    track, experiment: who answered, and in which experiment it was counted, as the answer says.
    session: of a turn. turn: the first or second of its conversation. points, completed: of events
    that were taken.
    """

    user: str
    sent: float
    finished: float
    status: int
    track: str = ""
    experiment: str = ""
    session: str = ""
    turn: int = 0
    points: float | None = None
    completed: bool = False


@dataclass
class Visits:
    """All visits of a crowd. where: the URL to ask for a user. seen: what came of it so far."""

    users: Sequence[User]
    where: Callable[[User], str]
    day_s: float
    headers: Mapping[str, str] = field(default_factory=dict)
    seen: list[Asked] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._stopped = threading.Event()
        self._session: aiohttp.ClientSession | None = None
        self._places = asyncio.Semaphore(IN_FLIGHT)
        for user in self.users[:1]:
            Plan(self.where(user))  # to loopback only

    def stop(self) -> None:
        """Ask nothing more."""
        self._stopped.set()

    async def run(self) -> None:
        """Let all come, from now on, until each has done what was to be done."""
        begin = now()
        timeout = aiohttp.ClientTimeout(total=PATIENCE_S)
        connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=10)
        async with aiohttp.ClientSession(
            connector=connector, timeout=timeout, headers={**WRONG, **self.headers}
        ) as self._session:
            await asyncio.gather(*(self._live(user, begin) for user in self.users))

    async def _live(self, user: User, begin: float) -> None:
        if user.lost:
            return
        comes = moment(begin, user.after_s, self.day_s)
        if await self._sleep_until(comes):
            await self._visit(user)
        if user.returns and await self._sleep_until(comes + self.day_s):
            await self._ask(user, RECOMMEND, {"user_id": user.name, "limit": 3})

    async def _visit(self, user: User) -> None:
        await self._ask(user, RECOMMEND, {"user_id": user.name, "limit": 3})
        if not user.adopts or self._stopped.is_set():
            return
        said = {"message": "I like hiking", "user_id": user.name}
        session = (await self._ask(user, CHAT, said, turn=1)).session
        if not session or not await self._sleep_until(now() + user.pause_s):
            return
        said = {"message": "and music", "user_id": user.name, "session_id": session}
        await self._ask(user, CHAT, said, turn=2)
        await self._judge(user, session)

    async def _judge(self, user: User, session: str) -> None:
        """Hand in the events, again until they are taken."""
        told: dict[str, object] = {"user_id": user.name, "session_id": session}
        events = [{**told, "event_id": f"{session}-r", "name": "rating", "value": user.points}]
        if user.completes:
            events.append({**told, "event_id": f"{session}-c", "name": "completion"})
        for _ in range(TRIES):
            if self._stopped.is_set():
                return
            answer = await self._ask(user, EVENTS, {"events": events}, judges=True)
            if answer.status == 202:
                return
            await asyncio.sleep(PAUSE_S)

    async def _ask(
        self, user: User, path: str, body: object, *, turn: int = 0, judges: bool = False
    ) -> Asked:
        assert self._session is not None
        headers = {"X-User-Id": user.name, "X-User-Bucket": user.header}
        async with self._places:
            sent, found = now(), ""
            try:
                async with self._session.post(
                    self.where(user) + path, json=body, headers=headers
                ) as answer:
                    status, told = answer.status, answer.headers
                    if turn and status == 200:
                        found = (await answer.json())["session_id"]
                    await answer.read()
            except (aiohttp.ClientError, TimeoutError, OSError):
                status, told = 0, None
        taken = judges and status == 202
        asked = Asked(
            user=user.name,
            sent=sent,
            finished=now(),
            status=status,
            track=told.get(TRACK_HEADER, "") if told is not None else "",
            experiment=told.get(EXPERIMENT_HEADER, "") if told is not None else "",
            session=found,
            turn=turn if found else 0,
            points=user.points if taken else None,
            completed=taken and user.completes,
        )
        self.seen.append(asked)
        return asked

    async def _sleep_until(self, at: float) -> bool:
        """Whether nobody has stopped it meanwhile."""
        # In short pauses, as it is another thread that stops it.
        for _ in range(math.ceil(max(at - now(), 0.0) / PAUSE_S)):
            if self._stopped.is_set():
                break
            await asyncio.sleep(max(0.0, min(at - now(), PAUSE_S)))
        return not self._stopped.is_set()


@contextmanager
def visiting(visits: Visits) -> Iterator[threading.Thread]:
    """Let the users come in a thread, which ends when all have been there, or with the block."""
    thread = threading.Thread(target=lambda: asyncio.run(visits.run()), name="users", daemon=True)
    thread.start()
    with suppress(KeyboardInterrupt):
        try:
            yield thread
        finally:
            visits.stop()
            thread.join(timeout=PATIENCE_S + 5)
