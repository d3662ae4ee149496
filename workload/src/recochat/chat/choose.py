"""Which answerer the settings ask for."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from recochat.chat.engine import Answerer, EmbeddedAnswerer
from recochat.metrics import Metrics
from recochat.recommender.current import CurrentModel
from recochat.resilience import CircuitBreaker
from recochat.settings import Settings

if TYPE_CHECKING:
    from recochat.chat.language_model import LanguageModel

_BREAKER_FAILURES: Final = 5
_BREAKER_OPEN_S: Final = 10.0
_CONNECTIONS: Final = 50


def breaker() -> CircuitBreaker:
    """What keeps a failing language model from being asked; closed for good without one."""
    return CircuitBreaker(_BREAKER_FAILURES, _BREAKER_OPEN_S, time.monotonic)


def answerer(
    settings: Settings, models: CurrentModel, metrics: Metrics, breaker: CircuitBreaker
) -> tuple[Answerer, LanguageModel | None]:
    """The answerer, and the language model that is to be closed in the end, if there is one."""
    engine = EmbeddedAnswerer(models, metrics.router_latency.observe)
    if settings.llm == "embedded":
        return engine, None
    # Here, not above: without a model the service starts without a HTTP client.
    from recochat.chat.phrased import PhrasedAnswerer

    model = _language_model(settings)
    timeout_s = settings.llm_timeout_ms / 1000
    observe = metrics.observe_language_model
    return PhrasedAnswerer(engine, model, timeout_s, breaker, observe), model


def _language_model(settings: Settings) -> LanguageModel:
    import httpx

    from recochat.chat.language_model import HttpLanguageModel, MetadataToken, vertex_url

    limits = httpx.Limits(max_connections=_CONNECTIONS)
    client = httpx.AsyncClient(timeout=settings.llm_timeout_ms / 1000, limits=limits)
    if settings.llm == "vertex":
        url = vertex_url(settings.llm_project, settings.llm_location)
        return HttpLanguageModel(
            client, url, settings.llm_name, MetadataToken(client, time.monotonic)
        )
    secret = settings.llm_api_key

    async def key() -> str:
        return secret.get_secret_value() if secret else ""

    return HttpLanguageModel(client, settings.llm_url, settings.llm_name, key if secret else None)
