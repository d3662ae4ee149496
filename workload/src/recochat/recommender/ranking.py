"""Ranking: what others liked, what an item is, and who asks, weighed 40 to 40 to 20."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from recochat.recommender.catalog import Floats, Item
from recochat.recommender.interactions import UNKNOWN_PERSONA
from recochat.recommender.model import Model, Weights

MAX_ITEMS: Final = 10

_INTEREST: Final = 2.0  # a named interest counts as much as two liked items: the person said it
_REMEMBERED: Final = 50  # likes of a person that count: bounds the time of a request
_CONTENT: Final = 1  # position of the signal
_SURE: Final = 0.5  # share of belief from which on a persona is named in a reason


@dataclass(frozen=True, slots=True)
class Query:
    """What is known of the person who asks. Words that the catalogue doesn't know are ignored."""

    user_id: str = ""
    persona: str | None = None
    history: tuple[str, ...] = ()
    """Ids of items that the person liked, oldest first."""
    interests: tuple[str, ...] = ()
    """Topics and tags."""
    exclude: tuple[str, ...] = ()
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


@dataclass(frozen=True, slots=True)
class _Person:
    """A query in positions of the model."""

    seen: list[int]
    """What isn't recommended again."""
    liked: list[int]
    """The latest of it, oldest first."""
    recency: Floats
    """Weight of each of them: 1 for the latest, less for older ones."""
    words: list[int]
    personas: Floats | None
    """Belief in each persona, or None if nothing is known."""


class Recommender:
    """Ranks a whole catalogue at once. The same query always gets the same answer.

    Cold start: without any likes the collaborative signal is popularity. Without a stated persona
    it is inferred from the likes, and without those there is no persona signal. An item that
    nobody has liked yet counts as a middling popular one, personas are neutral to it, and its words
    speak for it.
    """

    def __init__(self, model: Model, weights: Weights | None = None) -> None:
        """Prepare everything about ``model`` that doesn't depend on a query."""
        self.model = model
        self.weights = weights or Weights()
        self._popularity = _to_one(_expected(model.popularity))
        usual = model.popularity @ model.catalog.features
        self._usual: Floats = usual / usual.sum()
        self._shares: Floats = np.array(self.weights.as_tuple(), np.float32)[:, None]
        self._sharp: Floats = np.array(model.tuning.sharpness, np.float32)[:, None]
        # Interests that were named tell items apart in full; tuning is for guessed ones.
        self._sharp_named = self._sharp.copy()
        self._sharp_named[_CONTENT] = max(1.0, float(self._sharp[_CONTENT, 0]))

    def rank(self, query: Query) -> list[Ranked]:
        """The best items for ``query``, best first; equal scores in the catalogue's order."""
        person = self._person(query)
        parts = self._parts(person)
        # Float32 sums differ in the last bits between processors: such a tie is a tie.
        scores: Floats = parts.sum(axis=0).round(5)
        scores[[*person.seen, *self._positions(query.exclude)]] = -1
        order = _best(scores, min(query.limit, MAX_ITEMS))
        # What makes an item stand out is the reason, not what all items have in common.
        chosen = parts[:, order].astype(np.float64)
        usual = parts.sum(axis=1, keepdims=True) / parts.shape[1]
        causes = (chosen - usual).argmax(axis=0)
        shares = chosen.round(5).T.tolist()
        reasons = self._reasons(order, causes.tolist(), person)
        items, best = self.model.catalog.items, scores[order].tolist()
        return [
            Ranked(items[i], round(score, 5), reason, *share)
            for i, score, reason, share in zip(order, best, reasons, shares, strict=True)
        ]

    def foresees(self, user_id: str, item_id: str) -> bool | None:
        """Whether an item is among the first ten for a person; None: it knows that they like it.

        Asked when somebody likes an item, this is how well the model does on what it hasn't seen.
        Raises KeyError if there is no such item.
        """
        position, row = self.model.catalog.index[item_id], self.model.users.get(user_id)
        if row is not None and position in self.model.history(row):
            return None
        return any(found.item.item_id == item_id for found in self.rank(Query(user_id)))

    def signals(self, query: Query) -> Floats:
        """Signals (collaborative, content, persona) by items, each 0 to 1, before any tuning."""
        return self._signals(self._person(query))

    def persona(self, query: Query) -> str:
        """The persona that the query's person most likely is; "" if none is likelier than not.

        A stated or known one is taken. Otherwise likes and named interests speak for it: an
        interest speaks as loud as the average item that it describes.
        """
        person, model = self._person(query), self.model
        belief = person.personas
        if person.words and model.personas and (belief is None or belief.max() < 1):
            described = model.catalog.features[:, person.words] > 0
            evidence = np.log(model.affinity) @ described / np.maximum(described.sum(axis=0), 1)
            prior = np.log(model.persona_shares if belief is None else belief)
            loud = prior + _INTEREST * evidence.sum(axis=1)
            belief = np.exp(loud - loud.max())
            belief /= belief.sum()
        if belief is None or belief.max() < _SURE:
            return ""
        return model.personas[int(np.argmax(belief))]

    def similar(self, item_id: str, limit: int = MAX_ITEMS) -> list[tuple[Item, float]]:
        """Items that go with one item, best first, with a score of 0 to 1.

        Half by who liked both, half by words. Raises KeyError if there is no such item.
        """
        position = self.model.catalog.index[item_id]
        person = _Person([position], [position], np.ones(1, np.float32), [], None)
        signals = self._collaborative(person) + self._content(person)
        scores: Floats = np.round(signals / 2, 5)
        scores[position] = -1
        return [(self.model.catalog.items[i], float(scores[i])) for i in _best(scores, limit)]

    def _parts(self, person: _Person) -> Floats:
        sharp = self._sharp_named if person.words else self._sharp
        parts: Floats = self._shares * self._signals(person) ** sharp
        return parts

    def _signals(self, person: _Person) -> Floats:
        each = (self._collaborative(person), self._content(person), self._fit(person))
        return np.concatenate(each).reshape(3, -1)

    def _person(self, query: Query) -> _Person:
        model = self.model
        row = model.users.get(query.user_id)
        before = model.history(row) if row is not None else []
        # Named again means liked again, and later.
        seen = list(dict.fromkeys(reversed([*before, *self._positions(query.history)])))[::-1]
        liked = seen[-_REMEMBERED:]
        ages = np.arange(len(liked) - 1, -1, -1, dtype=np.float32)
        recency: Floats = np.float32(0.5) ** (ages / np.float32(model.tuning.half_life))
        columns = (model.catalog.words.get(word.lower()) for word in query.interests)
        words = [column for column in columns if column is not None]
        stated = self._stated_persona(query, row)
        return _Person(seen, liked, recency, words, self._belief(stated, liked, recency))

    def _stated_persona(self, query: Query, row: int | None) -> int:
        if query.persona in self.model.personas:
            return self.model.personas.index(query.persona)
        return int(self.model.user_personas[row]) if row is not None else UNKNOWN_PERSONA

    def _belief(self, stated: int, liked: list[int], recency: Floats) -> Floats | None:
        if stated != UNKNOWN_PERSONA:
            sure = np.zeros(len(self.model.personas), np.float32)
            sure[stated] = 1
            return sure
        if not liked or not self.model.personas:
            return None
        # Naive Bayes: how much more likely each persona is to like just these items.
        model = self.model
        evidence = np.log(model.persona_shares) + np.log(model.affinity[:, liked]) @ recency
        belief: Floats = np.exp(evidence - evidence.max())
        belief /= belief.sum()
        return belief

    def _positions(self, item_ids: Sequence[str]) -> list[int]:
        index = self.model.catalog.index
        return [index[item_id] for item_id in item_ids if item_id in index]

    def _collaborative(self, person: _Person) -> Floats:
        """What the liked items speak for, by who else liked them; without any, popularity."""
        if not person.liked:
            return self._popularity
        model = self.model
        weights = model.neighbour_weights[person.liked] * person.recency[:, None]
        ids = model.neighbours[person.liked].ravel()
        summed = np.bincount(ids, weights.ravel(), len(model.popularity)).astype(np.float32)
        return _to_one(np.maximum(summed, 0))

    def _content(self, person: _Person) -> Floats:
        """Nearness to the liked items and named interests by words."""
        features = self.model.catalog.features
        profile = person.recency @ features[person.liked]
        profile[person.words] += _INTEREST
        if not profile.any():
            return np.zeros(len(features), np.float32)
        # What tells the person from everybody: words that all like say nothing.
        nearness = features @ (profile / profile.sum() - self._usual)
        return _to_one(nearness - nearness.min())

    def _fit(self, person: _Person) -> Floats:
        """How much more than everybody the person's persona likes each item."""
        if person.personas is None:
            return np.zeros(len(self._popularity), np.float32)
        return _to_one(person.personas @ self.model.affinity)

    def _reasons(self, order: list[int], causes: list[int], person: _Person) -> list[str]:
        """Why each of these items, by the signal (its position) that caused it."""
        items, loudest = self.model.catalog.items, self._loudest(order, person)
        reasons = []
        for i, cause, liked in zip(order, causes, loudest, strict=True):
            if cause == 0 and person.liked:
                reasons.append(f"People who liked “{items[liked].title}” liked this too")
            elif cause == _CONTENT:
                reasons.append(
                    f"Matches your interests: {', '.join([items[i].topic, *items[i].tags])}"
                )
            elif cause == 2 and person.personas is not None and person.personas.max() >= _SURE:
                reasons.append(f"Fits {self.model.personas[int(np.argmax(person.personas))]}s")
            else:
                reasons.append("Liked by many")
        return reasons

    def _loudest(self, order: list[int], person: _Person) -> list[int]:
        """Which of the liked items speaks for each of these most (the first of equals)."""
        if not person.liked:
            return order
        rank_of = np.full(len(self.model.popularity), len(order), np.intp)
        rank_of[order] = np.arange(len(order))
        # All at once; what they say about other items goes to one more column.
        spoken = np.zeros((len(person.liked), len(order) + 1), np.float32)
        rows = np.arange(len(person.liked))[:, None]
        weights = self.model.neighbour_weights[person.liked] * person.recency[:, None]
        spoken[rows, rank_of[self.model.neighbours[person.liked]]] = weights
        return [person.liked[row] for row in spoken[:, :-1].argmax(axis=0).tolist()]


def _best(scores: Floats, count: int) -> list[int]:
    """Positions of the greatest scores of at least 0, greatest first, ties by position."""
    if 4 * count < len(scores):
        # Sorting a large catalogue whole costs more than everything else: first narrow it down.
        floor = np.partition(scores, len(scores) - count)[len(scores) - count]
        few = np.flatnonzero(scores >= max(floor, 0))
    else:
        few = np.flatnonzero(scores >= 0)
    order = few[np.argsort(-scores[few], kind="stable")][:count]
    return [int(i) for i in order]


def _expected(popularity: Floats) -> Floats:
    """Popularity, where there is any yet; else that of a middling item."""
    liked = popularity > 0
    expected: Floats = np.where(liked, popularity, np.median(popularity[liked]))
    return expected.astype(np.float32)


def _to_one(values: Floats) -> Floats:
    """Scale so that the greatest is 1; all zero stays all zero."""
    greatest = values.max()
    return values / greatest if greatest > 0 else values
