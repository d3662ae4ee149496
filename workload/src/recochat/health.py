"""Health, probes, metrics and what the service is: everything that isn't its work."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Literal

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel, Field

from recochat import __version__, components
from recochat.components import Component, Components
from recochat.events.participation import Participation
from recochat.metrics import SERVICE, Metrics
from recochat.settings import Settings


class Health(BaseModel):
    """The service and its parts; degraded: some part fails, and the rest still serves."""

    status: Literal["ok", "degraded"]
    version: str
    track: str
    components: dict[str, Component]


class DetailedHealth(BaseModel):
    """The service, its parts and what they use."""

    status: Literal["ok", "degraded"]
    version: str
    track: str
    uptime_s: float
    session_store: components.Store
    language_model: components.LanguageModelState
    recommendation_engine: components.Engine
    memory: components.Memory
    disk: components.Disk
    responses: components.Responses


class Info(BaseModel):
    """What answers here."""

    service: str
    release: str = Field(description="version of the recochat code")
    version: str = Field(description="version by which this deployment is known")
    track: str
    docs: str


class Lifecycle:
    """Whether the process wants requests, and since when it runs."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """``clock`` counts seconds."""
        self.ready = False
        self._clock, self._started = clock, clock()

    def uptime_s(self) -> float:
        """Seconds since the start."""
        return self._clock() - self._started


def router(
    settings: Settings,
    lifecycle: Lifecycle,
    parts: Components,
    metrics: Metrics,
    participation: Participation | None = None,
) -> APIRouter:
    """The routes that operators, probes and Prometheus use."""
    routes = APIRouter(tags=["operation"])

    @routes.get("/")
    async def info() -> Info:
        """Which version answers."""
        return Info(
            service=SERVICE,
            release=__version__,
            version=settings.version,
            track=settings.track,
            docs="/docs",
        )

    @routes.get("/livez")
    async def livez() -> Response:
        """200 as long as the event loop turns."""
        return Response("ok", media_type="text/plain")

    @routes.get("/readyz")
    async def readyz() -> Response:
        """200 when requests are wanted.

        The session store isn't asked: if it failed, all pods would leave the Service at once, and
        recommendations, which don't need it, would fail with the chat.
        """
        if lifecycle.ready:
            return Response("ok", media_type="text/plain")
        return Response("starting or stopping", 503, media_type="text/plain")

    @routes.get("/health")
    async def health() -> Health:
        """The state of each component. Degraded is still 200: what works is worth its traffic."""
        found = {"session_store": await parts.session_store(), "recommender": parts.recommender()}
        return Health(
            status=_status(*(component.status for component in found.values())),
            version=settings.version,
            track=settings.track,
            components=found,
        )

    @routes.get("/health/detailed")
    async def detailed() -> DetailedHealth:
        """The state of each component in figures, for whoever looks for a cause."""
        store, engine, model = await parts.store(), parts.engine(), parts.language_model()
        return DetailedHealth(
            status=_status(store.status, engine.status, model.status),
            version=settings.version,
            track=settings.track,
            uptime_s=round(lifecycle.uptime_s(), 1),
            session_store=store,
            language_model=model,
            recommendation_engine=engine,
            memory=components.memory(),
            disk=components.disk(),
            responses=parts.responses(),
        )

    @routes.get("/metrics", include_in_schema=False)
    async def scrape() -> Response:
        """All metrics, in the text format of Prometheus."""
        store, engine = await parts.store(), parts.engine()
        metrics.show_model(engine.kind, engine.models_refused)
        # Unknown isn't zero, and not the number of a minute ago.
        metrics.session_count.set(math.nan if store.sessions is None else store.sessions)
        metrics.show_connections(store.connections)
        metrics.show_usage()
        if participation is not None:
            await participation.show()
        return Response(generate_latest(metrics.registry), media_type=CONTENT_TYPE_LATEST)

    return routes


def _status(*parts: str) -> Literal["ok", "degraded"]:
    return "ok" if set(parts) == {"ok"} else "degraded"
