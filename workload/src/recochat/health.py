"""Health, probes, metrics and what the service is: everything that isn't its work."""

from __future__ import annotations

import math
import time
from typing import Literal

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel, Field

from recochat import __version__
from recochat.problems import StoreUnavailable
from recochat.recommender.current import CurrentModel
from recochat.recommender.ranking import Query
from recochat.sessions.base import SessionStore
from recochat.settings import Settings
from recochat.telemetry import SERVICE, Metrics


class Component(BaseModel):
    """One part of the service."""

    status: Literal["ok", "unavailable"]
    kind: str = Field(description="which implementation is in use")
    latency_ms: float


class Health(BaseModel):
    """The service and its parts; degraded: some part fails, and the rest still serves."""

    status: Literal["ok", "degraded"]
    version: str
    track: str
    components: dict[str, Component]


class Info(BaseModel):
    """What answers here."""

    service: str
    release: str = Field(description="version of the recochat code")
    version: str = Field(description="version by which this deployment is known")
    track: str
    docs: str


class Lifecycle:
    """Whether the process wants requests."""

    ready = False


def router(
    settings: Settings,
    lifecycle: Lifecycle,
    store: SessionStore,
    models: CurrentModel,
    metrics: Metrics,
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
        components = {
            "session_store": await _session_store(store),
            "recommender": _recommender(models),
        }
        failed = any(component.status != "ok" for component in components.values())
        return Health(
            status="degraded" if failed else "ok",
            version=settings.version,
            track=settings.track,
            components=components,
        )

    @routes.get("/metrics", include_in_schema=False)
    async def scrape() -> Response:
        """All metrics, in the text format of Prometheus."""
        metrics.show_model(models.version, models.refused)
        try:
            metrics.session_count.set(await store.count())
        except StoreUnavailable:
            # Unknown isn't zero, and not the number of a minute ago.
            metrics.session_count.set(math.nan)
        return Response(generate_latest(metrics.registry), media_type=CONTENT_TYPE_LATEST)

    return routes


async def _session_store(store: SessionStore) -> Component:
    started = time.perf_counter()
    status: Literal["ok", "unavailable"] = "ok"
    try:
        await store.ping()
    except StoreUnavailable:
        status = "unavailable"
    return Component(status=status, kind=store.kind, latency_ms=_ms_since(started))


def _recommender(models: CurrentModel) -> Component:
    started = time.perf_counter()
    ranked = models.recommender.rank(Query())
    status: Literal["ok", "unavailable"] = "ok" if ranked else "unavailable"
    return Component(status=status, kind=models.version, latency_ms=_ms_since(started))


def _ms_since(started: float) -> float:
    return round((time.perf_counter() - started) * 1000, 3)
