"""The embedded answerer: rules over the message and what was said before. No model, no network.

It is what the service answers with by itself, and what it falls back to when a language model
behind the same protocol fails.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal, Protocol

from recochat.recommender.catalog import Item
from recochat.recommender.current import CurrentModel
from recochat.recommender.ranking import Query, Ranked, Recommender
from recochat.sessions.base import Turn

_SUGGESTIONS: Final = 3

_NAME = re.compile(r"\bmy name is ([A-Za-z][\w'-]{0,31})", re.IGNORECASE)
_TASTE = re.compile(r"\b(?:like|love|enjoy|prefer|into|interested in)\b(.*)", re.IGNORECASE)
_WORD = re.compile(r"[a-z]+")


# Who worded it: the engine, a language model, or the engine in place of a model that failed.
Source = Literal["embedded", "model", "fallback"]


@dataclass(frozen=True, slots=True)
class Answer:
    """What to say, what the message was taken for, and the items it suggests."""

    text: str
    intent: str
    items: tuple[Item, ...] = ()
    source: Source = "embedded"


class Answerer(Protocol):
    """Something that can hold a conversation: this engine, or a language model."""

    async def answer(self, message: str, history: Sequence[Turn], user_id: str = "") -> Answer:
        """Answer ``message`` in the light of ``history`` (oldest first)."""


@dataclass(frozen=True, slots=True)
class _Context:
    message: str
    user_id: str
    name: str
    interests: tuple[str, ...]
    suggested: tuple[str, ...]
    """Ids, in the order in which they were suggested."""
    recommender: Recommender


class EmbeddedAnswerer:
    """Remembers names and tastes over the turns that are kept, and suggests without repeating."""

    def __init__(self, models: CurrentModel) -> None:
        """Suggest with the model in use, and know the words of its catalogue."""
        self._models = models
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

    async def answer(self, message: str, history: Sequence[Turn], user_id: str = "") -> Answer:
        """Answer by the first rule that fits. The same input always gets the same answer."""
        context = self._context(message, history, user_id)
        for _, pattern, handler in self._rules:
            if pattern.search(message):
                return handler(context)
        # A bare "jazz" after a question is a taste as well.
        bare = _known_words(message, context.recommender)
        return self._note_taste(context) if bare else self._fallback(context)

    def _context(self, message: str, history: Sequence[Turn], user_id: str) -> _Context:
        said = [turn.text for turn in history if turn.role == "user"] + [message]
        names = [match.group(1) for text in said for match in _NAME.finditer(text)]
        recommender = self._models.recommender
        interests = [word for text in said for word in _tastes(text, recommender)]
        suggested = [item for turn in history for item in turn.items]
        return _Context(
            message=message,
            user_id=user_id,
            name=names[-1] if names else "",
            interests=tuple(dict.fromkeys(interests)),
            suggested=tuple(dict.fromkeys(suggested)),
            recommender=recommender,
        )

    def _ranked(self, context: _Context, limit: int, exclude: Sequence[str]) -> list[Ranked]:
        return context.recommender.rank(
            Query(context.user_id, interests=context.interests, exclude=exclude, limit=limit)
        )

    def _greet(self, context: _Context) -> Answer:
        name = f", {context.name}" if context.name else ""
        intent = "tell-name" if _NAME.search(context.message) else "greeting"
        return Answer(f"Hello{name}! Tell me what you like, or ask for a suggestion.", intent)

    def _recall_name(self, context: _Context) -> Answer:
        text = f"You are {context.name}." if context.name else "You haven't told me your name yet."
        return Answer(text, "ask-name")

    def _recall_tastes(self, context: _Context) -> Answer:
        if not context.interests:
            return Answer("You haven't told me what you like yet.", "ask-tastes")
        return Answer(f"You told me about {_listed(context.interests)}.", "ask-tastes")

    def _note_taste(self, context: _Context) -> Answer:
        if not context.interests:
            return Answer("I don't know that one. Which topic is it near to?", "tell-taste")
        return Answer(
            f"Noted: {_listed(context.interests)}. Shall I suggest something?", "tell-taste"
        )

    def _suggest(self, context: _Context) -> Answer:
        ranked = self._ranked(context, _SUGGESTIONS, exclude=context.suggested)
        if not ranked:
            return Answer("You have seen everything I know.", "recommend")
        titles = "; ".join(f"“{entry.item.title}”" for entry in ranked)
        return Answer(f"How about {titles}?", "recommend", tuple(e.item for e in ranked))

    def _explain(self, context: _Context) -> Answer:
        if not context.suggested:
            return Answer("I haven't suggested anything yet.", "why")
        last = context.suggested[-_SUGGESTIONS:]
        catalog = context.recommender.model.catalog
        others = [item.item_id for item in catalog.items if item.item_id not in last]
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


def _listed(words: Sequence[str]) -> str:
    *most, last = words
    return f"{', '.join(most)} and {last}" if most else last
