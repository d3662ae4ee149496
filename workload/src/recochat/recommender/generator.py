"""Made-up people whose true preferences are known, to see what a model makes of them.

Everybody has a persona, tastes of their own for words, and a hidden taste that no word tells and
that others share. Items have words, a hidden side and a quality. People like what they prefer, one
after the other, with some chance in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from recochat.recommender.catalog import Catalog, Floats, Item
from recochat.recommender.interactions import Dataset, Interactions

PERSONAS: Final = ("explorer", "analyst", "maker", "host")

_TOPICS: Final = 10
_TAGS: Final = 14
_HIDDEN: Final = 6
_EPOCH: Final = 1_767_225_600.0  # 2026-01-01
_DAYS: Final = 90


@dataclass(frozen=True, slots=True)
class Population:
    """How many there are, and how strongly each cause moves them (the chance in it has 1.3)."""

    users: int = 800
    items: int = 120
    likes: int = 24
    """Of each user, on average."""
    persona: float = 2.5
    words: float = 2.5
    hidden: float = 1.5
    quality: float = 1.0


@dataclass(frozen=True)
class World:
    """Generated data, and the truth behind it."""

    dataset: Dataset
    preference: Floats
    """Users by items: the true preference, larger is better."""


def generate(seed: int, population: Population | None = None) -> World:
    """A world of ``population``. The same seed always gives the same world."""
    size = population or Population()
    draw = np.random.default_rng(seed)
    items = _items(draw, size.items)
    features = Catalog(items).features
    persona_of = draw.integers(0, len(PERSONAS), size.users)
    persona_taste = draw.normal(size=(len(PERSONAS), features.shape[1]))
    own_taste = draw.normal(size=(size.users, features.shape[1]))
    shared = draw.normal(size=(size.users, _HIDDEN)) @ draw.normal(size=(size.items, _HIDDEN)).T
    preference = (
        size.persona * _unit(persona_taste[persona_of] @ features.T)
        + size.words * _unit(own_taste @ features.T)
        + size.hidden * _unit(shared)
        + size.quality * draw.normal(size=size.items)
    ).astype(np.float32)
    users, liked, times = _likes(draw, preference, size.likes)
    names = tuple(f"user-{n:05d}" for n in range(size.users))
    interactions = Interactions.ordered(users, liked, times)
    dataset = Dataset(items, interactions, names, PERSONAS, persona_of.astype(np.int32))
    return World(dataset, preference)


def _items(draw: np.random.Generator, count: int) -> tuple[Item, ...]:
    made = []
    for n in range(count):
        tags = draw.choice(_TAGS, size=draw.integers(2, 5), replace=False)
        topic = f"topic-{draw.integers(_TOPICS)}"
        names = tuple(f"tag-{tag}" for tag in sorted(tags.tolist()))
        made.append(Item(f"item-{n:04d}", f"Item {n}", topic, names))
    return tuple(made)


def _likes(
    draw: np.random.Generator, preference: Floats, average: int
) -> tuple[list[int], list[int], list[float]]:
    """What everybody likes: the best of preference plus chance, the best ones not always first."""
    users, liked, times = [], [], []
    # Gumbel noise makes "take the largest" a draw with chances proportional to exp(preference).
    chances = preference + draw.gumbel(size=preference.shape)
    for user, row in enumerate(np.argsort(-chances, axis=1, kind="stable")):
        count = max(4, int(draw.poisson(average)))
        chosen = draw.permutation(row[:count])
        moments = np.sort(draw.uniform(0, _DAYS * 86_400, count))
        users += [user] * count
        liked += chosen.tolist()
        times += (_EPOCH + moments).tolist()
    return users, liked, times


def _unit(values: NDArray[Any]) -> NDArray[Any]:
    """Scale to a standard deviation of 1, so that the strengths of a population mean the same."""
    scaled: NDArray[Any] = values / values.std()
    return scaled
