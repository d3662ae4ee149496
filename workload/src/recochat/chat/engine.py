"""The embedded answerer: rules over the message and what was said before. No model, no network.

It is what the service answers with by itself, and what it falls back to when a language model
behind the same protocol fails.
"""

from __future__ import annotations

import re
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Literal, Protocol

from recochat.chat.memory import Memory, listed
from recochat.recommender.catalog import Item
from recochat.recommender.current import CurrentModel
from recochat.recommender.ranking import Query, Ranked, Recommender
from recochat.sessions.base import Turn

_SUGGESTIONS: Final = 3

Say = Callable[[str], Awaitable[None]]
"""Called with each piece of an answer's text as it comes."""

_NAME = re.compile(r"\bmy name is ([A-Za-z][\w'-]{0,31})", re.IGNORECASE)
_TASTE = re.compile(r"\b(?:like|love|enjoy|prefer|into|interested in)\b(.*)", re.IGNORECASE)
_WORD = re.compile(r"[a-z]+")
_PIECE = re.compile(r"\s*\S+\s*$|\s*\S+")


NOTHING: Final = Memory()

# Who worded it: the engine, a language model, or the engine in place of a model that failed.
Source = Literal["embedded", "model", "fallback"]


@dataclass(frozen=True, slots=True)
class Answer:
    """What to say, what the message was taken for, and the items it suggests."""

    text: str
    intent: str
    items: tuple[Item, ...] = ()
    source: Source = "embedded"
    memory: Memory = field(default_factory=Memory)
    """What is to be remembered from now on."""


@dataclass(frozen=True, slots=True)
class Question:
    """What somebody says, and what is known of the conversation before it."""

    message: str
    history: Sequence[Turn] = ()
    """Oldest first."""
    user_id: str = ""
    memory: Memory = NOTHING


class Answerer(Protocol):
    """Something that can hold a conversation: this engine, or a language model."""

    async def answer(self, question: Question, say: Say | None = None) -> Answer:
        """Answer in the light of what was said before.

        ``say`` gets the text in pieces. What it got is provisional: the answer is what counts, also
        where it says something else.
        """


@dataclass(frozen=True, slots=True)
class _Context:
    message: str
    user_id: str
    memory: Memory
    """This message included."""
    recommender: Recommender

    @property
    def interests(self) -> tuple[str, ...]:
        return self.memory.interests


class EmbeddedAnswerer:
    """Remembers names and tastes over the turns that are kept, and suggests without repeating."""

    def __init__(
        self, models: CurrentModel, routed: Callable[[float], object] = lambda _: None
    ) -> None:
        """Suggest with the model in use, and know the words of its catalogue.

        ``routed`` is told the seconds that finding the persona took, each time.
        """
        self._models, self._routed = models, routed
        # The first pattern that is found decides.
        self._rules: tuple[tuple[str, re.Pattern[str], Callable[[_Context], Answer]], ...] = tuple(
            (name, re.compile(pattern, re.IGNORECASE), handler)
            for name, pattern, handler in (
                ("tell-name", r"\bmy name is [A-Za-z]", self._greet),
                ("ask-name", r"\b(what('s| is) my name|who am i)\b", self._recall_name),
                ("ask-tastes", r"\bwhat do i (like|love|enjoy)\b", self._recall_tastes),
                ("why", r"\bwhy\b", self._explain),
                ("recommend", r"\b(recommend|suggest|another|more|else|ideas?)\b", self._suggest),
                ("tell-taste", _TASTE.pattern, self._note_taste),
                ("thanks", r"\b(thanks|thank you)\b", self._welcome),
                ("greeting", r"\b(hi|hello|hey|good (morning|evening|day))\b", self._greet),
            )
        )

    async def answer(self, question: Question, say: Say | None = None) -> Answer:
        """Answer by the first rule that fits. The same input always gets the same answer."""
        context = self._context(question)
        answer = self._answer(context)
        if say is not None:
            for piece in _PIECE.findall(answer.text):
                await say(piece)
        items = (item.item_id for item in answer.items)
        suggested = tuple(dict.fromkeys((*context.memory.suggested, *items)))
        return replace(answer, memory=replace(context.memory, suggested=suggested))

    def _answer(self, context: _Context) -> Answer:
        for _, pattern, handler in self._rules:
            if pattern.search(context.message):
                return handler(context)
        # A bare "jazz" after a question is a taste as well.
        bare = _known_words(context.message, context.recommender)
        return self._note_taste(context) if bare else self._fallback(context)

    def _context(self, question: Question) -> _Context:
        memory, history = question.memory, question.history
        said = [turn.text for turn in history if turn.role == "user"] + [question.message]
        names = [match.group(1) for text in said for match in _NAME.finditer(text)]
        recommender = self._models.recommender
        # What the turns say comes after what is remembered: an older version remembered nothing.
        likes = [word for text in said for word in _tastes(text, recommender)]
        seen = [item for turn in history for item in turn.items]
        interests = tuple(dict.fromkeys((*memory.interests, *likes)))
        started = time.perf_counter()
        persona = (
            recommender.persona(Query(question.user_id, interests=interests)) or memory.persona
        )
        self._routed(time.perf_counter() - started)
        known = Memory(
            name=names[-1] if names else memory.name,
            persona=persona,
            interests=interests,
            suggested=tuple(dict.fromkeys((*memory.suggested, *seen))),
        )
        return _Context(question.message, question.user_id, known, recommender)

    def _ranked(self, context: _Context, limit: int, exclude: tuple[str, ...]) -> list[Ranked]:
        return context.recommender.rank(
            Query(
                context.user_id,
                persona=context.memory.persona or None,
                interests=context.interests,
                exclude=exclude,
                limit=limit,
            )
        )

    def _greet(self, context: _Context) -> Answer:
        name = f", {context.memory.name}" if context.memory.name else ""
        intent = "tell-name" if _NAME.search(context.message) else "greeting"
        return Answer(f"Hello{name}! Tell me what you like, or ask for a suggestion.", intent)

    def _recall_name(self, context: _Context) -> Answer:
        text = (
            f"You are {context.memory.name}."
            if context.memory.name
            else "You haven't told me your name yet."
        )
        return Answer(text, "ask-name")

    def _recall_tastes(self, context: _Context) -> Answer:
        if not context.interests:
            return Answer("You haven't told me what you like yet.", "ask-tastes")
        return Answer(f"You told me about {listed(context.interests)}.", "ask-tastes")

    def _note_taste(self, context: _Context) -> Answer:
        if not context.interests:
            return Answer("I don't know that one. Which topic is it near to?", "tell-taste")
        return Answer(
            f"Noted: {listed(context.interests)}. Shall I suggest something?", "tell-taste"
        )

    def _suggest(self, context: _Context) -> Answer:
        ranked = self._ranked(context, _SUGGESTIONS, exclude=context.memory.suggested)
        if not ranked:
            return Answer("You have seen everything I know.", "recommend")
        titles = "; ".join(f"“{entry.item.title}”" for entry in ranked)
        return Answer(f"How about {titles}?", "recommend", tuple(e.item for e in ranked))

    def _explain(self, context: _Context) -> Answer:
        if not context.memory.suggested:
            return Answer("I haven't suggested anything yet.", "why")
        last = context.memory.suggested[-_SUGGESTIONS:]
        catalog = context.recommender.model.catalog
        others = tuple(i.item_id for i in catalog.items if i.item_id not in last)
        reasons = [f"“{e.item.title}”: {e.reason}" for e in self._ranked(context, 3, others)]
        return Answer(". ".join(reasons) + ".", "why")

    def _welcome(self, _: _Context) -> Answer:
        return Answer("You are welcome.", "thanks")

    def _fallback(self, context: _Context) -> Answer:
        about = f" We were at {context.interests[-1]}." if context.interests else ""
        return Answer(f"I can suggest things to do.{about} What do you like?", "unknown")


def _tastes(text: str, recommender: Recommender) -> list[str]:
    stated = _TASTE.search(text)
    return _known_words(stated.group(1) if stated else text, recommender)


def _known_words(text: str, recommender: Recommender) -> list[str]:
    known = recommender.model.catalog.words
    return [word for word in _WORD.findall(text.lower()) if word in known]
