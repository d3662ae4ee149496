"""POST /api/v2/chat, and GET and DELETE /api/v2/session/{session_id}."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable

from fastapi import APIRouter, HTTPException

from recochat.chat.engine import Answerer
from recochat.chat.schemas import (
    ChatRequest,
    ChatResponse,
    SessionId,
    SessionView,
    Suggestion,
    TurnView,
)
from recochat.clock import wall
from recochat.problems import documented
from recochat.sessions.base import SessionStore, Turn
from recochat.telemetry import Metrics


def router(
    store: SessionStore,
    answerer: Answerer,
    metrics: Metrics,
    clock: Callable[[], float] = wall,
) -> APIRouter:
    """The routes of conversations. They answer 503 while the session store doesn't work."""
    routes = APIRouter(prefix="/api/v2", tags=["chat"])

    @routes.post("/chat", responses=documented(422, 500, 503))
    async def chat(request: ChatRequest) -> ChatResponse:
        """Answer one message, in the light of the earlier ones of its session."""
        asked_at = clock()
        session_id = request.session_id or uuid.uuid4().hex
        session = await store.get(session_id) if request.session_id else None
        history = session.turns if session else ()

        started = time.perf_counter()
        answer = await answerer.answer(request.message, history, request.user_id)
        metrics.multiturn_latency.observe(time.perf_counter() - started)

        item_ids = tuple(item.item_id for item in answer.items)
        # Both at once and only now: a question is never kept without its answer.
        said = (
            Turn("user", request.message, asked_at),
            Turn("assistant", answer.text, clock(), item_ids),
        )
        session = await store.append(session_id, said)
        return ChatResponse(
            session_id=session_id,
            reply=answer.text,
            intent=answer.intent,
            source=answer.source,
            suggestions=[Suggestion(item_id=i.item_id, title=i.title) for i in answer.items],
            turn_count=session.turn_count,
        )

    @routes.get("/session/{session_id}", responses=documented(404, 422, 500, 503))
    async def get_session(session_id: SessionId) -> SessionView:
        """The latest turns of a session."""
        session = await store.get(session_id)
        if session is None:
            raise HTTPException(404, "There is no such session, or it has expired.")
        return SessionView(
            session_id=session.session_id,
            created_at=session.created_at,
            updated_at=session.updated_at,
            turn_count=session.turn_count,
            turns=[
                TurnView(role=t.role, text=t.text, at=t.at, items=list(t.items))
                for t in session.turns
            ],
        )

    @routes.delete(
        "/session/{session_id}", status_code=204, responses=documented(404, 422, 500, 503)
    )
    async def delete_session(session_id: SessionId) -> None:
        """Forget a session at once."""
        if not await store.delete(session_id):
            raise HTTPException(404, "There is no such session, or it has expired.")

    return routes
