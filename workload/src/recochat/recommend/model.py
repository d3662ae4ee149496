"""Ranking: what others liked, what an item is, and who asks, weighed 40 to 40 to 20."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from recochat.recommend.catalog import Catalog, Floats, Item

COLLABORATIVE_WEIGHT: Final = 0.4
CONTENT_WEIGHT: Final = 0.4
PERSONA_WEIGHT: Final = 0.2

MAX_ITEMS: Final = 10


@dataclass(frozen=True, slots=True)
class Query:
    """What is known of the person who asks. Words that the catalogue doesn't know are ignored."""

    user_id: str = ""
    persona: str | None = None
    history: Sequence[str] = ()
    """Ids of items that the person liked."""
    interests: Sequence[str] = ()
    """Topics and tags."""
    exclude: Sequence[str] = ()
    """Ids of items not to recommend, besides those in ``history``."""
    limit: int = MAX_ITEMS


@dataclass(frozen=True, slots=True)
class Ranked:
    """An item, why it was chosen, and the share of each signal in its score (all 0 to 1)."""

    item: Item
    score: float
    reason: str
    collaborative: float
    content: float
    persona: float


class Recommender:
    """Ranks a whole catalogue at once. The same query always gets the same answer."""

    def __init__(self, catalog: Catalog) -> None:
        """Prepare everything about ``catalog`` that doesn't depend on a query."""
        self.catalog = catalog
        likes = catalog.likes
        lengths = np.sqrt((likes * likes).sum(axis=0))
        # An item that nobody liked is similar to none.
        lengths[lengths == 0] = 1
        normed = likes / lengths
        self._similar: Floats = normed.T @ normed
        np.fill_diagonal(self._similar, 0)
        self._popularity: Floats = _to_one(likes.sum(axis=0))

    def rank(self, query: Query) -> list[Ranked]:
        """The best items for ``query``, best first; equal scores in the catalogue's order."""
        known = self.catalog.users.get(query.user_id)
        liked = self._liked(query.history, known)
        persona = query.persona or (known[1] if known else None)

        parts = (
            COLLABORATIVE_WEIGHT * self._collaborative(liked),
            CONTENT_WEIGHT * self._content(liked, query.interests),
            PERSONA_WEIGHT * self._persona(persona),
        )
        scores = parts[0] + parts[1] + parts[2]
        # Float32 sums differ in the last bits between processors: such a tie is a tie.
        scores = np.round(scores, 5)
        hidden = [*liked, *self._positions(query.exclude)]
        scores[hidden] = -1
        order = np.argsort(-scores, kind="stable")[: min(query.limit, MAX_ITEMS)]
        return [
            self._explained(
                int(i), float(scores[i]), [float(part[i]) for part in parts], liked, persona
            )
            for i in order
            if scores[i] >= 0
        ]

    def _positions(self, item_ids: Sequence[str]) -> list[int]:
        index = self.catalog.index
        return [index[item_id] for item_id in item_ids if item_id in index]

    def _liked(self, history: Sequence[str], known: tuple[int, str] | None) -> list[int]:
        before = np.flatnonzero(self.catalog.likes[known[0]]).tolist() if known else []
        return list(dict.fromkeys([*before, *self._positions(history)]))

    def _collaborative(self, liked: list[int]) -> Floats:
        """Nearness to the liked items by who else liked them; without any, popularity."""
        if not liked:
            return self._popularity
        return _to_one(self._similar[liked].sum(axis=0))

    def _content(self, liked: list[int], interests: Sequence[str]) -> Floats:
        """Nearness to the liked items and named interests by topic and tags."""
        profile = self.catalog.features[liked].sum(axis=0)
        words = self.catalog.words
        # A named interest counts as much as two liked items: the person said it.
        profile[[words[word] for word in interests if word in words]] += 2
        return _to_one(self.catalog.features @ profile)

    def _persona(self, persona: str | None) -> Floats:
        fits = self.catalog.affinities.get(persona or "")
        return fits if fits is not None else np.zeros(len(self.catalog.items), np.float32)

    def _explained(
        self, i: int, score: float, parts: list[float], liked: list[int], persona: str | None
    ) -> Ranked:
        item = self.catalog.items[i]
        strongest = parts.index(max(parts))
        if strongest == 0 and liked:
            nearest = liked[int(np.argmax(self._similar[liked, i]))]
            reason = f"People who liked “{self.catalog.items[nearest].title}” liked this too"
        elif strongest == 0:
            reason = "Liked by many"
        elif strongest == 1:
            reason = f"Matches your interests: {item.topic}, {', '.join(item.tags)}"
        else:
            reason = f"Fits {persona}s"
        return Ranked(item, score, reason, *(round(part, 5) for part in parts))


def _to_one(values: Floats) -> Floats:
    """Scale so that the greatest is 1; all zero stays all zero."""
    greatest = values.max()
    return values / greatest if greatest > 0 else values
