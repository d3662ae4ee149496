"""The endpoints of the recommender. They need no session store, so they outlive its failure."""

from __future__ import annotations

import time

from fastapi import APIRouter
from fastapi.exceptions import RequestValidationError

from recochat.problems import documented
from recochat.recommender.current import CurrentModel
from recochat.recommender.ranking import Query, Ranked, Recommender
from recochat.recommender.schemas import (
    Components,
    Recommendation,
    RecommendationRequest,
    RecommendationResponse,
)
from recochat.telemetry import Metrics


def router(models: CurrentModel, metrics: Metrics) -> APIRouter:
    """The routes of the recommender; each request is answered by the model in use then."""
    routes = APIRouter(prefix="/api/v2", tags=["recommendations"])

    @routes.post("/recommendations", responses=documented(422, 500))
    async def recommend(request: RecommendationRequest) -> RecommendationResponse:
        """Up to ten items for a user, best first, each with a reason."""
        recommender = models.recommender
        _check_persona(request.persona, recommender)
        started = time.perf_counter()
        ranked = recommender.rank(
            Query(
                user_id=request.user_id,
                persona=request.persona,
                history=request.history,
                interests=request.interests,
                limit=request.limit,
            )
        )
        metrics.recommendation_latency.observe(time.perf_counter() - started)
        return RecommendationResponse(
            user_id=request.user_id,
            model=recommender.model.version,
            items=[_recommendation(entry) for entry in ranked],
        )

    return routes


def _check_persona(persona: str | None, recommender: Recommender) -> None:
    known = recommender.model.personas
    if persona is not None and persona not in known:
        expected = (
            f"Input should be one of: {', '.join(known) or 'none, the model has no personas'}"
        )
        raise RequestValidationError(
            [{"type": "unknown_persona", "loc": ("body", "persona"), "msg": expected}]
        )


def _recommendation(ranked: Ranked) -> Recommendation:
    item = ranked.item
    return Recommendation(
        item_id=item.item_id,
        title=item.title,
        topic=item.topic,
        tags=list(item.tags),
        score=ranked.score,
        reason=ranked.reason,
        components=Components(
            collaborative=ranked.collaborative, content=ranked.content, persona=ranked.persona
        ),
    )
