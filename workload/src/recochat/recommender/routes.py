"""The endpoints of the recommender. They need no session store, so they outlive its failure."""

from __future__ import annotations

import asyncio
import time
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Path, Response
from fastapi import Query as Parameter

from recochat.events.participation import asks
from recochat.metrics import Metrics
from recochat.problems import READS, WRITES, documented, refused_field
from recochat.recommender.answers import Answers
from recochat.recommender.catalog import Item
from recochat.recommender.current import CurrentModel
from recochat.recommender.ranking import MAX_ITEMS, Query, Ranked, Recommender
from recochat.recommender.schemas import (
    BatchRequest,
    BatchResponse,
    Components,
    ItemView,
    PersonasResponse,
    Recommendation,
    RecommendationRequest,
    RecommendationResponse,
    SimilarItem,
    SimilarResponse,
)

_Limit = Annotated[int, Parameter(ge=1, le=MAX_ITEMS)]
_ItemId = Annotated[str, Path(min_length=1, max_length=64, examples=["item-01"])]


def router(models: CurrentModel, metrics: Metrics, answers: Answers) -> APIRouter:
    """The routes of the recommender; each request is answered by the model in use then."""
    routes = APIRouter(prefix="/api/v2", tags=["recommendations"])

    def ranked(query: Query, recommender: Recommender) -> RecommendationResponse:
        started = time.perf_counter()
        best = recommender.rank(query)
        metrics.recommendation_latency.observe(time.perf_counter() - started)
        return RecommendationResponse(
            user_id=query.user_id,
            model=recommender.model.version,
            items=[_recommendation(entry) for entry in best],
        )

    @routes.post(
        "/recommendations",
        response_model=RecommendationResponse,
        responses=documented(*WRITES),
    )
    async def recommend(request: RecommendationRequest) -> Response:
        """Up to ten items for a user, best first, each with a reason."""
        asks(request.user_id)
        recommender = models.recommender
        _check_persona(request.persona, recommender, "persona")
        query = _query(request)
        body, kept = answers.find(
            recommender, query, lambda: ranked(query, recommender).model_dump_json().encode()
        )
        metrics.cached(kept)
        return Response(body, media_type="application/json")

    @routes.post("/recommendations/batch", responses=documented(*WRITES))
    async def recommend_batch(batch: BatchRequest) -> BatchResponse:
        """Recommendations for up to twenty users at once."""
        recommender = models.recommender
        for position, request in enumerate(batch.requests):
            _check_persona(request.persona, recommender, f"requests.{position}.persona")
        results = []
        for request in batch.requests:
            results.append(ranked(_query(request), recommender))
            # Others get their turn: one batch must not hold up the event loop for long.
            await asyncio.sleep(0)
        return BatchResponse(results=results)

    @routes.get("/items/{item_id}", responses=documented(404, *READS))
    async def item(item_id: _ItemId) -> ItemView:
        """One item of the catalogue."""
        return ItemView(**_words(_found(models.recommender, item_id)))

    @routes.get(
        "/items/{item_id}/similar",
        response_model=SimilarResponse,
        responses=documented(404, *READS),
    )
    async def similar(item_id: _ItemId, limit: _Limit = MAX_ITEMS) -> Response:
        """Up to ten items that go with one item, best first."""
        recommender = models.recommender
        _found(recommender, item_id)

        def make() -> bytes:
            near = recommender.similar(item_id, limit)
            items = [SimilarItem(**_words(other), score=score) for other, score in near]
            found = SimilarResponse(item_id=item_id, model=recommender.model.version, items=items)
            return found.model_dump_json().encode()

        body, _ = answers.find(recommender, (item_id, limit), make)
        return Response(body, media_type="application/json")

    @routes.get("/personas", responses=documented(*READS))
    async def personas() -> PersonasResponse:
        """The personas that the model knows."""
        model = models.recommender.model
        return PersonasResponse(model=model.version, personas=list(model.personas))

    return routes


def _query(request: RecommendationRequest) -> Query:
    return Query(
        user_id=request.user_id,
        persona=request.persona,
        history=tuple(request.history),
        interests=tuple(request.interests),
        limit=request.limit,
    )


def _check_persona(persona: str | None, recommender: Recommender, field: str) -> None:
    known = recommender.model.personas
    if persona is not None and persona not in known:
        raise refused_field(
            field,
            f"Input should be one of: {', '.join(known) or 'none, the model has no personas'}",
        )


def _found(recommender: Recommender, item_id: str) -> Item:
    catalog = recommender.model.catalog
    if item_id not in catalog.index:
        raise HTTPException(404, "There is no such item.")
    return catalog.items[catalog.index[item_id]]


def _words(item: Item) -> dict[str, Any]:
    return {
        "item_id": item.item_id,
        "title": item.title,
        "topic": item.topic,
        "tags": list(item.tags),
    }


def _recommendation(ranked: Ranked) -> Recommendation:
    return Recommendation(
        **_words(ranked.item),
        score=ranked.score,
        reason=ranked.reason,
        components=Components(
            collaborative=ranked.collaborative, content=ranked.content, persona=ranked.persona
        ),
    )
