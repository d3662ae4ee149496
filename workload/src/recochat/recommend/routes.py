"""POST /api/v2/recommendations."""

from __future__ import annotations

import time

from fastapi import APIRouter

from recochat.problems import documented
from recochat.recommend.model import Query, Ranked, Recommender
from recochat.recommend.schemas import (
    Components,
    Recommendation,
    RecommendationRequest,
    RecommendationResponse,
)
from recochat.telemetry import Metrics


def router(recommender: Recommender, metrics: Metrics) -> APIRouter:
    """The routes of the recommender. They need no session store, so they outlive its failure."""
    routes = APIRouter(prefix="/api/v2", tags=["recommendations"])

    @routes.post("/recommendations", responses=documented(422, 500))
    async def recommend(request: RecommendationRequest) -> RecommendationResponse:
        """Up to ten items for a user, best first, each with a reason."""
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
            user_id=request.user_id, items=[_recommendation(entry) for entry in ranked]
        )

    return routes


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
