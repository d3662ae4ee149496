"""The endpoints of conversations: saying something, and the sessions that keep what was said."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable

from fastapi import APIRouter, HTTPException, Request, Response

from recochat.chat.engine import Answerer, Question, Say
from recochat.chat.memory import change, recall
from recochat.chat.schemas import (
    ChatRequest,
    ChatResponse,
    MemoryView,
    SessionId,
    SessionsResponse,
    SessionSummary,
    SessionView,
    Suggestion,
    TurnView,
    UserId,
)
from recochat.chat.stream import MEDIA_TYPE, EventStream
from recochat.clock import wall
from recochat.events.participation import Turned, asks, uncounted
from recochat.metrics import Metrics
from recochat.problems import READS, WRITES, documented
from recochat.sessions.base import Session, SessionStore, Turn


def router(
    store: SessionStore,
    answerer: Answerer,
    metrics: Metrics,
    turned: Turned = uncounted,
    clock: Callable[[], float] = wall,
) -> APIRouter:
    """The routes of conversations. They answer 503 while the session store doesn't work.

    ``turned`` is told of each turn that was kept.
    """
    routes = APIRouter(prefix="/api/v2", tags=["chat"])

    async def turn(
        request: ChatRequest, session_id: str, session: Session | None, say: Say | None = None
    ) -> ChatResponse:
        asked_at = clock()
        history, facts = (session.turns, session.facts) if session else ((), {})
        started = time.perf_counter()
        question = Question(request.message, history, request.user_id, recall(facts))
        answer = await answerer.answer(question, say)
        metrics.multiturn_latency.observe(time.perf_counter() - started)
        item_ids = tuple(item.item_id for item in answer.items)
        # Both at once and only now: a question is never kept without its answer.
        said = (
            Turn("user", request.message, asked_at),
            Turn("assistant", answer.text, clock(), item_ids),
        )
        count = await store.append(
            session_id, said, change(session, answer.memory, request.user_id)
        )
        turned(request.user_id, session_id, session, asked_at, count)
        return ChatResponse(
            session_id=session_id,
            reply=answer.text,
            intent=answer.intent,
            source=answer.source,
            persona=answer.memory.persona or None,
            suggestions=[Suggestion(item_id=i.item_id, title=i.title) for i in answer.items],
            turn_count=count,
        )

    @routes.post(
        "/chat",
        response_model=ChatResponse,
        responses={200: {"content": {MEDIA_TYPE: {}}}, **documented(*WRITES)},
    )
    async def chat(request: ChatRequest, http: Request) -> Response:
        """Answer one message, in the light of the earlier ones of its session.

        With `Accept: text/event-stream` the text comes in events `piece` (`{"text": …}`) as it is
        worded, then the whole in one event `answer`, which is what counts.
        """
        asks(request.user_id)
        session_id = request.session_id or uuid.uuid4().hex
        session = await _known(store, session_id, metrics) if request.session_id else None
        if MEDIA_TYPE not in http.headers.get("accept", ""):
            answer = await turn(request, session_id, session)
            return Response(answer.model_dump_json(), media_type="application/json")

        async def produce(say: Say) -> bytes:
            return (await turn(request, session_id, session, say)).model_dump_json().encode()

        return EventStream(produce)

    @routes.get("/session/{session_id}", responses=documented(404, *READS))
    async def get_session(session_id: SessionId) -> SessionView:
        """The latest turns of a session."""
        session = await _known(store, session_id, metrics)
        if session is None:
            raise HTTPException(404, "There is no such session, or it has expired.")
        return SessionView(
            session_id=session.session_id,
            created_at=session.created_at,
            updated_at=session.updated_at,
            turn_count=session.turn_count,
            memory=_memory(session),
            turns=[
                TurnView(role=t.role, text=t.text, at=t.at, items=list(t.items))
                for t in session.turns
            ],
        )

    @routes.delete("/session/{session_id}", status_code=204, responses=documented(404, *READS))
    async def delete_session(session_id: SessionId) -> None:
        """Forget a session at once."""
        if not await store.delete(session_id):
            raise HTTPException(404, "There is no such session, or it has expired.")

    @routes.get("/users/{user_id}/sessions", responses=documented(*READS))
    async def sessions_of(user_id: UserId) -> SessionsResponse:
        """A user's live sessions, latest first: up to fifty that a turn was added to."""
        return SessionsResponse(
            user_id=user_id,
            sessions=[
                SessionSummary(
                    session_id=session.session_id,
                    created_at=session.created_at,
                    updated_at=session.updated_at,
                    turn_count=session.turn_count,
                )
                for session in await store.of_user(user_id)
            ],
        )

    return routes


async def _known(store: SessionStore, session_id: str, metrics: Metrics) -> Session | None:
    session = await store.get(session_id)
    metrics.looked_up(session is not None)
    return session


def _memory(session: Session) -> MemoryView:
    memory = recall(session.facts)
    return MemoryView(
        name=memory.name or None,
        persona=memory.persona or None,
        interests=list(memory.interests),
        suggested=list(memory.suggested),
        summary=memory.summary(session.turn_count - len(session.turns)),
    )
