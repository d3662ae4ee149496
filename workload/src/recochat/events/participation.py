"""Who takes part in which experiment, and what they did: from requests to outcomes."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from recochat.clock import wall
from recochat.events.base import Event
from recochat.events.metrics import of_event, of_request, of_turn
from recochat.events.outbox import Outbox
from recochat.experiments.base import Outcome, OutcomeStore, Record, Subject
from recochat.experiments.exposition import ExperimentCollector
from recochat.problems import StoreUnavailable
from recochat.recommender.current import CurrentModel
from recochat.redis_client import available
from recochat.sessions.base import Session

HEADER: Final = b"x-experiment"
ANSWERED: Final = b"x-recochat-experiment"
_NAME: Final = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
_USER: Final = re.compile(rb"[A-Za-z0-9._@:-]{1,64}")
_VARIANTS: Final = {"stable": "control", "canary": "treatment"}
_PERSONAS: Final = 16
_LEFT: Final = 499  # The caller has, before the answer: no failure of ours.


Turned = Callable[[str, str, Session | None, float, int], None]
"""Told of a turn: user, session, the session before it, when it was said, and turns by now."""


def uncounted(user_id: str, session_id: str, before: Session | None, at: float, turns: int) -> None:
    """A turn where no experiments are counted."""


@dataclass(slots=True)
class _Asking:
    """What is known of the request in hand."""

    experiment: str = ""
    user_id: str = ""


_asking: ContextVar[_Asking | None] = ContextVar("recochat_asking", default=None)


def asks(user_id: str) -> None:
    """The request in hand is of this person, unless its headers have named another one."""
    asking = _asking.get()
    if asking is not None and not asking.user_id:
        asking.user_id = user_id


class Participation:
    """Turns what people do into outcomes of the experiment that they take part in."""

    def __init__(
        self,
        store: OutcomeStore,
        names: Sequence[str],
        track: str,
        models: CurrentModel,
        collector: ExperimentCollector,
        clock: Callable[[], float] = wall,
    ) -> None:
        """Count experiments of these ``names``, which may have a * in them.

        A request that names none belongs to the first of them that has no *. ``collector`` exports
        them.
        """
        self._store, self._names, self._models, self._clock = store, tuple(names), models, clock
        self._own = _VARIANTS[track]
        self._default = next((name for name in names if "*" not in name), "")
        self._collector = collector
        self.outbox = Outbox(self.record, clock)

    async def record(self, records: Sequence[Record]) -> int:
        """Count ``records``; raises StoreUnavailable. How many outcomes were new."""
        async with available():
            return await self._store.record(records, self._clock())

    async def events(self, events: Sequence[Event]) -> None:
        """Count what callers handed in. Returns once it is counted; raises StoreUnavailable."""
        await self.record([Record(self._subject_of(event), of_event(event)) for event in events])

    async def show(self) -> None:
        """Export the sums as they are now; none if the store doesn't answer."""
        try:
            async with available():
                totals = await self._store.totals()
        except StoreUnavailable:
            totals = []
        self._collector.show(totals)

    def turn(
        self, user_id: str, session_id: str, before: Session | None, at: float, turns: int
    ) -> None:
        """A person said something, as part ``turns`` of a session that was as ``before``."""
        if not user_id:
            return
        adds = of_turn(at - before.updated_at if before else None)
        outcome = Outcome(f"turn:{session_id}:{turns}", at, adds)
        self.outbox.put(self.subject(user_id), outcome)

    def answered(self, user_id: str, status: int, seconds: float) -> None:
        """A request of a person was answered."""
        self.outbox.add(self.subject(user_id), of_request(status, seconds))

    def subject(self, user_id: str, experiment: str = "", variant: str = "") -> Subject:
        """How a user takes part. The variant is the one that answers, unless one is named."""
        name = self.experiment(experiment)
        if not name:
            return Subject(user_id)
        return Subject(user_id, name, variant or self._own, self._segments(user_id))

    def experiment(self, named: str = "") -> str:
        """In which experiment the request in hand is counted, "" for none. ``named``: by itself."""
        asking = _asking.get()
        name = named or (asking.experiment if asking else "") or self._default
        counted = _NAME.fullmatch(name) and any(fnmatchcase(name, n) for n in self._names)
        return name if counted else ""

    def _subject_of(self, event: Event) -> Subject:
        if event.variant in _VARIANTS.values():
            return self.subject(event.user_id, event.experiment, event.variant)
        # Another word for a variant is of an experiment that isn't counted here.
        if event.variant:
            return Subject(event.user_id)
        return self.subject(event.user_id, event.experiment)

    def _segments(self, user_id: str) -> tuple[str, ...]:
        """Few, and known before: what the model knew of the user when it was trained."""
        model = self._models.recommender.model
        row = model.users.get(user_id)
        if row is None:
            return ("known:no",)
        persona = int(model.user_personas[row])
        if persona < 0:
            return ("known:yes",)
        name = f"persona:{model.personas[persona]}" if persona < _PERSONAS else ""
        return ("known:yes", name if _NAME.fullmatch(name) else "persona:other")


class ParticipationMiddleware:
    """Sees which experiment a request names, and how it is answered. Pure ASGI, for its cost."""

    def __init__(self, app: ASGIApp, participation: Participation) -> None:
        """Wrap ``app``; only requests to the API count. Their answers say in which experiment."""
        self._app, self._participation = app, participation

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or not scope["path"].startswith("/api/"):
            await self._app(scope, receive, send)
            return
        asking, status, started = _of(scope), 0, time.perf_counter()
        _asking.set(asking)

        async def seen(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                if asking.user_id and (name := self._participation.experiment()):
                    told = (ANSWERED, name.encode())
                    message = {**message, "headers": [*message.get("headers", ()), told]}
            await send(message)

        try:
            await self._app(scope, receive, seen)
        except asyncio.CancelledError:
            status = status or _LEFT
            raise
        finally:
            if asking.user_id:
                seconds = time.perf_counter() - started
                self._participation.answered(asking.user_id, status or 500, seconds)
            _asking.set(None)


def _of(scope: Scope) -> _Asking:
    asking = _Asking()
    for name, value in scope["headers"]:
        if name == HEADER:
            asking.experiment = value.decode("latin-1")
        elif name == b"x-user-id" and _USER.fullmatch(value):
            asking.user_id = value.decode()
    return asking
