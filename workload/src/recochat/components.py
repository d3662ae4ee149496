"""The state of each part of the service, as /health and /health/detailed tell it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Literal

from pydantic import BaseModel, Field

from recochat import resources
from recochat.latest import Latest, percentile
from recochat.problems import StoreUnavailable
from recochat.recommender.current import CurrentModel
from recochat.recommender.ranking import Query
from recochat.resilience import CircuitBreaker
from recochat.sessions.base import SessionStore

Status = Literal["ok", "unavailable"]


class Component(BaseModel):
    """One part of the service."""

    status: Status
    kind: str = Field(description="which implementation is in use")
    latency_ms: float


class Connections(BaseModel):
    """Connections of this process to Redis."""

    in_use: int
    idle: int
    most: int


class Store(Component):
    """Where sessions are kept."""

    sessions: int | None = Field(description="live ones; null: not known")
    connections: Connections | None = Field(description="null: there is no Redis")


class LanguageModelState(BaseModel):
    """Who words the answers; unavailable: it keeps failing, and isn't asked for a while."""

    status: Status
    kind: str


class Engine(Component):
    """The recommender and the model that it ranks with; kind is the model's version."""

    items: int
    users: int
    trained_until: float = Field(description="time of the latest interaction, since the epoch")
    models_refused: int


class Memory(BaseModel):
    """Memory of the process."""

    resident_bytes: int
    limit_bytes: int


class Disk(BaseModel):
    """Where temporary files go."""

    used_bytes: int
    total_bytes: int


class Responses(BaseModel):
    """The latest requests to the API."""

    p50_ms: float
    p95_ms: float
    p99_ms: float
    error_percentage: float = Field(description="of the last minute")
    last_ms: list[float] = Field(description="the last hundred, oldest first")


class Components:
    """Looks at the parts of the service."""

    def __init__(
        self,
        store: SessionStore,
        connections: Callable[[], tuple[int, int, int]] | None,
        models: CurrentModel,
        language_model: str,
        breaker: CircuitBreaker,
        latest: Latest,
    ) -> None:
        """``connections``: in use, idle, and at most; None without Redis."""
        self._store, self._connections, self._models = store, connections, models
        self._language_model, self._breaker, self._latest = language_model, breaker, latest

    async def session_store(self) -> Component:
        """Whether the store answers, and how fast."""
        started = time.perf_counter()
        status: Status = "ok"
        try:
            await self._store.ping()
        except StoreUnavailable:
            status = "unavailable"
        return Component(status=status, kind=self._store.kind, latency_ms=_ms_since(started))

    async def store(self) -> Store:
        """The same, with how much it holds."""
        component = await self.session_store()
        try:
            sessions = await self._store.count() if component.status == "ok" else None
        except StoreUnavailable:
            sessions = None
        open_ones = None
        if self._connections is not None:
            in_use, idle, most = self._connections()
            open_ones = Connections(in_use=in_use, idle=idle, most=most)
        return Store(**component.model_dump(), sessions=sessions, connections=open_ones)

    def recommender(self) -> Component:
        """Whether the recommender ranks, and how fast."""
        started = time.perf_counter()
        ranked = self._models.recommender.rank(Query())
        status: Status = "ok" if ranked else "unavailable"
        return Component(status=status, kind=self._models.version, latency_ms=_ms_since(started))

    def engine(self) -> Engine:
        """The same, with what it ranks with."""
        model = self._models.recommender.model
        return Engine(
            **self.recommender().model_dump(),
            items=len(model.catalog.items),
            users=len(model.user_ids),
            trained_until=model.trained_until,
            models_refused=self._models.refused,
        )

    def language_model(self) -> LanguageModelState:
        """Whether the language model is asked. Nothing is sent to it for this."""
        status: Status = "unavailable" if self._breaker.is_open else "ok"
        return LanguageModelState(status=status, kind=self._language_model)

    def responses(self) -> Responses:
        """How the latest requests went."""
        times = self._latest.times()
        return Responses(
            p50_ms=_ms(percentile(times, 0.5)),
            p95_ms=_ms(percentile(times, 0.95)),
            p99_ms=_ms(percentile(times, 0.99)),
            error_percentage=round(self._latest.error_percentage(), 3),
            last_ms=[_ms(seconds) for seconds in times],
        )


def memory() -> Memory:
    """Memory of the process, and what it may use."""
    return Memory(
        resident_bytes=resources.memory_bytes(), limit_bytes=resources.memory_limit_bytes()
    )


def disk() -> Disk:
    """Disk in use where temporary files go."""
    used, total = resources.disk_bytes()
    return Disk(used_bytes=used, total_bytes=total)


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 3)


def _ms_since(started: float) -> float:
    return _ms(time.perf_counter() - started)
