"""Answers phrased by a language model, and safe without it.

The embedded engine decides what is said: what the message was taken for, and which items are
suggested. The model only words it. When the model is late, fails or talks garbage, the engine's own
words are the answer: the conversation goes on, with the same suggestions.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from recochat.chat.engine import Answer, Answerer, Question, Say
from recochat.chat.language_model import LanguageModel, LanguageModelError, Message
from recochat.logs import Sampler
from recochat.resilience import CircuitBreaker, RetryBudget

log = logging.getLogger(__name__)

_TOLD: Final = 10  # turns of the conversation that the model is told
_MAX_REPLY_BYTES: Final = 900  # what is stored of a turn stays below a kilobyte
_INSTRUCTION: Final = (
    "You talk with someone about things to do. Say the following in a friendly way, in at most "
    "three sentences. Keep all titles and names as they are, and suggest nothing else:\n"
)

Observe = Callable[[str, float], None]
"""Called with the outcome of each attempt to have an answer phrased, and its seconds."""


class PhrasedAnswerer:
    """An answerer that lets a language model word what the embedded engine says."""

    def __init__(
        self,
        engine: Answerer,
        model: LanguageModel,
        timeout_s: float,
        breaker: CircuitBreaker,
        observe: Observe,
        budget: RetryBudget | None = None,
    ) -> None:
        """``timeout_s``: seconds for an answer in all, a retry included."""
        self._engine, self._model, self._timeout_s = engine, model, timeout_s
        self._breaker, self._observe = breaker, observe
        self._budget = budget or RetryBudget()
        self._sampler = Sampler(per_second=1)

    async def answer(self, question: Question, say: Say | None = None) -> Answer:
        """The engine's answer, in the model's words if there are any in time."""
        draft = await self._engine.answer(question)
        if not self._breaker.allow():
            self._observe("skipped", 0.0)
            return replace(draft, source="fallback")
        prompt = _prompt(draft, question)
        started = time.perf_counter()
        try:
            async with asyncio.timeout(self._timeout_s):
                text = await self._complete(prompt, say)
        except (LanguageModelError, TimeoutError) as error:
            self._breaker.failed()
            kind = error.kind if isinstance(error, LanguageModelError) else "timeout"
            self._observe(kind, time.perf_counter() - started)
            self._tell(kind, error)
            return replace(draft, source="fallback")
        self._breaker.succeeded()
        self._observe("answered", time.perf_counter() - started)
        return replace(draft, text=_cut(text), source="model")

    async def _complete(self, messages: Sequence[Message], say: Say | None) -> str:
        self._budget.request()
        said = False

        async def saying(piece: str) -> None:
            nonlocal said
            said = True
            if say is not None:
                await say(piece)

        through = saying if say is not None else None
        try:
            return await self._model.complete(messages, through)
        except LanguageModelError as error:
            # Once it has begun to talk, a second try would talk over the first.
            if said or not (error.passing and self._budget.spend()):
                raise
        return await self._model.complete(messages, through)

    def _tell(self, kind: str, error: Exception) -> None:
        if (suppressed := self._sampler.admit()) is not None:
            log.warning(
                "the language model gave no answer, the embedded one is used",
                extra={
                    "error_class": "external",
                    "failure": kind,
                    "reason": str(error),
                    "circuit_open": self._breaker.is_open,
                    "suppressed": suppressed,
                },
            )


def _prompt(draft: Answer, question: Question) -> list[Message]:
    told = [Message(turn.role, turn.text) for turn in question.history[-_TOLD:]]
    known = question.memory.summary(0)
    instruction = f"{known} {_INSTRUCTION}" if known else _INSTRUCTION
    return [Message("system", instruction + draft.text), *told, Message("user", question.message)]


def _cut(text: str) -> str:
    """At most _MAX_REPLY_BYTES, without half a character at the end."""
    raw = text.encode()
    if len(raw) <= _MAX_REPLY_BYTES:
        return text
    return raw[: _MAX_REPLY_BYTES - 3].decode(errors="ignore") + "…"
