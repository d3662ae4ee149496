"""The service put together."""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Final

from fastapi import FastAPI

from recochat import __version__, faults, health, problems
from recochat.chat import choose
from recochat.chat import routes as chat_routes
from recochat.chat.engine import Answerer
from recochat.components import Components
from recochat.events import routes as event_routes
from recochat.events.metrics import METRICS
from recochat.events.participation import (
    Participation,
    ParticipationMiddleware,
    uncounted,
)
from recochat.experiments.exposition import ExperimentCollector
from recochat.guard.middleware import Guard
from recochat.metrics import Metrics
from recochat.problems import StoreUnavailable
from recochat.recommender import routes as recommend_routes
from recochat.recommender.answers import Answers
from recochat.recommender.current import CurrentModel
from recochat.recommender.ranking import Query
from recochat.sessions.base import SessionStore
from recochat.settings import Settings
from recochat.stores import Stores, stores
from recochat.telemetry import TelemetryMiddleware

if TYPE_CHECKING:
    from recochat.otel import OpenTelemetry

log = logging.getLogger(__name__)

_COUNTED_EVERY_S = 0.5
# Objects made before a look for garbage: a request makes hundreds that end by themselves.
_GC_EVERY: Final = 10_000


def create_app(
    settings: Settings, store: SessionStore | None = None, answerer: Answerer | None = None
) -> FastAPI:
    """The ASGI application for ``settings``. ``store`` and ``answerer`` replace what they choose.

    The application owns the store, and closes it when its lifespan ends. Raises ModelError if the
    settings name a model that can't be used, and ModuleNotFoundError if they ask for traces and the
    packages for them aren't there.
    """
    metrics = Metrics(settings.version, settings.track)
    models = CurrentModel(settings.model_path, settings.weights())
    kept = stores(settings)
    store = store or kept.sessions
    breaker = choose.breaker()
    chosen, language_model = choose.answerer(settings, models, metrics, breaker)
    parts = Components(store, kept.connections, models, settings.llm, breaker, metrics.latest)
    lifecycle = health.Lifecycle()
    participation = _participation(kept, settings, models, metrics)
    turned = participation.turn if participation is not None else uncounted
    traces = _collector(settings)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with (
            faults.running(settings),
            _following(models, settings),
            _counting(participation),
        ):
            models.recommender.rank(Query())
            # What is alive now lives for good; looking through it again and again costs pauses.
            gc.collect()
            gc.freeze()
            gc.set_threshold(_GC_EVERY)
            lifecycle.ready = True
            log.info("ready", extra={"session_store": store.kind, "model": models.version})
            yield
            lifecycle.ready = False
            log.info("stopping")
        await store.close()
        if traces is not None:
            await asyncio.to_thread(traces.close)
        if language_model is not None:
            await language_model.close()

    app = FastAPI(
        title="recochat",
        description="Recommendations and multi-turn chat.",
        version=__version__,
        lifespan=lifespan,
        redoc_url=None,
    )
    answers = Answers(settings.recommendation_cache)
    app.include_router(recommend_routes.router(models, metrics, answers))
    app.include_router(chat_routes.router(store, answerer or chosen, metrics, turned))
    app.include_router(event_routes.router(kept.events, models, metrics, participation))
    app.include_router(health.router(settings, lifecycle, parts, metrics, participation))
    problems.install(app)
    app.openapi = problems.described(app)  # type: ignore[method-assign] # FastAPI's own way
    app.add_middleware(
        Guard,
        replies=kept.replies,
        rates=kept.rates,
        max_in_flight=settings.max_in_flight,
        max_body_bytes=settings.max_body_bytes,
    )
    # The last one added is the outermost: telemetry sees injected faults as callers do.
    if settings.fault_error_share or settings.fault_latency_ms:
        app.add_middleware(
            faults.FaultMiddleware,
            error_share=settings.fault_error_share,
            latency_ms=settings.fault_latency_ms,
        )
    if participation is not None:
        app.add_middleware(ParticipationMiddleware, participation=participation)
    app.add_middleware(
        TelemetryMiddleware,
        metrics=metrics,
        version=settings.version,
        track=settings.track,
        collect=traces,
        share=settings.otel_share,
    )
    app.state.lifecycle = lifecycle
    return app


def _participation(
    kept: Stores, settings: Settings, models: CurrentModel, metrics: Metrics
) -> Participation | None:
    if kept.outcomes is None:
        return None
    collector = ExperimentCollector(METRICS, settings.experiment_day_s)
    metrics.registry.register(collector)
    names = settings.experiment_names()
    return Participation(kept.outcomes, names, settings.track, models, collector)


@asynccontextmanager
async def _counting(participation: Participation | None) -> AsyncIterator[None]:
    """Count what the service sees itself while it runs, and what is left of it at the end."""
    if participation is None:
        yield
        return
    task = asyncio.create_task(participation.outbox.run(_COUNTED_EVERY_S))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        with suppress(StoreUnavailable):
            await participation.outbox.flush()


def _collector(settings: Settings) -> OpenTelemetry | None:
    if not settings.otel_endpoint:
        return None
    # Here, not above: the packages are an extra, and without a collector they aren't needed.
    from recochat.otel import collected_at

    return collected_at(settings.otel_endpoint, settings.version, settings.track)


@asynccontextmanager
async def _following(models: CurrentModel, settings: Settings) -> AsyncIterator[None]:
    """Take new models while the service runs, if there is a file to watch."""
    if settings.model_path is None:
        yield
        return
    task = asyncio.create_task(models.follow(settings.model_poll_s))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
