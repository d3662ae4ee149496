"""POST /api/v2/feedback and POST /api/v2/events."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable

from fastapi import APIRouter

from recochat import context
from recochat.clock import wall
from recochat.events.base import Event, EventLog
from recochat.events.participation import Participation, asks
from recochat.events.schemas import Accepted, EventIn, EventsRequest, FeedbackRequest
from recochat.metrics import Metrics
from recochat.problems import WRITES, documented, refused_field
from recochat.recommender.current import CurrentModel


def router(
    log: EventLog,
    models: CurrentModel,
    metrics: Metrics,
    participation: Participation | None = None,
    clock: Callable[[], float] = wall,
) -> APIRouter:
    """The routes that take what people did. They answer 503 while the store doesn't work."""
    routes = APIRouter(prefix="/api/v2", tags=["events"])

    async def record(events: list[Event]) -> None:
        # Both may be done again after a failure of the second: ids tell repetitions.
        await log.record(events)
        if participation is not None:
            await participation.events(events)

    def stamped(given: EventIn, now: float) -> Event:
        fields = given.model_dump() | {"at": now if given.at is None else given.at}
        fields["event_id"] = given.event_id or uuid.uuid4().hex
        return Event(
            **fields,
            version=metrics.version,
            track=metrics.track,
            correlation_id=context.correlation_id(),
        )

    @routes.post("/feedback", status_code=202, responses=documented(*WRITES))
    async def feedback(request: FeedbackRequest) -> Accepted:
        """Say whether an item was liked. `recochat export` hands it to the next training."""
        recommender = models.recommender
        if request.item_id not in recommender.model.catalog.index:
            raise refused_field("item_id", "there is no such item")
        asks(request.user_id)
        given = EventIn(
            # Saying the same again is saying it once.
            event_id=_digest(request),
            name=request.verdict,
            user_id=request.user_id,
            item_id=request.item_id,
            session_id=request.session_id,
        )
        await record([stamped(given, clock())])
        metrics.feedback(request.verdict)
        if request.verdict == "like":
            metrics.liked(recommender.foresees(request.user_id, request.item_id))
        return Accepted(accepted=1)

    @routes.post("/events", status_code=202, responses=documented(*WRITES))
    async def events(request: EventsRequest) -> Accepted:
        """Hand in what happened in the client, for the evaluation of experiments."""
        now = clock()
        await record([stamped(given, now) for given in request.events])
        metrics.events.inc(len(request.events))
        return Accepted(accepted=len(request.events))

    return routes


def _digest(request: FeedbackRequest) -> str:
    return hashlib.sha256(request.model_dump_json().encode()).hexdigest()[:32]
