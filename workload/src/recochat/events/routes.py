"""POST /api/v2/feedback and POST /api/v2/events."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import APIRouter

from recochat import context
from recochat.clock import wall
from recochat.events.base import Event, EventLog
from recochat.events.schemas import Accepted, EventIn, EventsRequest, FeedbackRequest
from recochat.problems import WRITES, documented, refused_field
from recochat.recommender.current import CurrentModel
from recochat.telemetry import Metrics


def router(
    log: EventLog,
    models: CurrentModel,
    metrics: Metrics,
    clock: Callable[[], float] = wall,
) -> APIRouter:
    """The routes that take what people did. They answer 503 while the store doesn't work."""
    routes = APIRouter(prefix="/api/v2", tags=["events"])

    def stamped(given: EventIn, now: float) -> Event:
        fields = given.model_dump() | {"at": now if given.at is None else given.at}
        return Event(
            **fields,
            version=metrics.version,
            track=metrics.track,
            correlation_id=context.correlation_id(),
        )

    @routes.post("/feedback", status_code=202, responses=documented(*WRITES))
    async def feedback(request: FeedbackRequest) -> Accepted:
        """Say whether an item was liked. The next training learns from it."""
        if request.item_id not in models.recommender.model.catalog.index:
            raise refused_field("item_id", "there is no such item")
        given = EventIn(
            name=request.verdict,
            user_id=request.user_id,
            item_id=request.item_id,
            session_id=request.session_id,
        )
        await log.record([stamped(given, clock())])
        metrics.feedback(request.verdict)
        return Accepted(accepted=1)

    @routes.post("/events", status_code=202, responses=documented(*WRITES))
    async def events(request: EventsRequest) -> Accepted:
        """Hand in what happened in the client, for the evaluation of experiments."""
        now = clock()
        await log.record([stamped(given, now) for given in request.events])
        metrics.events.inc(len(request.events))
        return Accepted(accepted=len(request.events))

    return routes
