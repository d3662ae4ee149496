"""The built-in catalogue: what can be recommended, to whom, and who liked what.

Everything is made by rule, without a random generator, so that it is the same in every process,
version of numpy and run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

TOPICS: Final = (
    "music", "cooking", "hiking", "photography", "history", "coding", "gardening", "cinema",
)  # fmt: skip

# title: tags. Six for each topic, in the order of TOPICS.
_TITLES: Final[tuple[tuple[str, str], ...]] = (
    ("An evening of jazz standards", "jazz evening social"),
    ("Learn the ukulele in a weekend", "beginner weekend solo"),
    ("Write a song with four chords", "creative solo advanced"),
    ("Choir for everyone", "social evening beginner"),
    ("A history of electronic sound", "technology evening solo"),
    ("Street drums outdoors", "outdoors social weekend"),
    ("Bread from your own sourdough", "creative weekend beginner"),
    ("Five curries, one pot", "beginner evening social"),
    ("Knife skills", "beginner solo craft"),
    ("Cooking over an open fire", "outdoors weekend social"),
    ("The chemistry of chocolate", "science advanced solo"),
    ("A dinner for twelve", "social evening advanced"),
    ("Ridge walk at sunrise", "outdoors weekend advanced"),
    ("Forest paths for beginners", "outdoors beginner nature"),
    ("Map and compass", "outdoors craft solo"),
    ("Three days, two huts", "outdoors weekend social"),
    ("City stairs by night", "evening solo beginner"),
    ("Geology along the coast", "outdoors science nature"),
    ("Portraits in window light", "creative indoors social"),
    ("The night sky with a tripod", "outdoors evening science"),
    ("Film from loading to print", "craft indoors advanced"),
    ("Street photography walk", "outdoors social creative"),
    ("Birds in flight", "outdoors nature advanced"),
    ("Phone photos, well made", "beginner solo technology"),
    ("The old town, stone by stone", "outdoors weekend social"),
    ("Letters from an archive", "solo indoors advanced"),
    ("A day at the open-air museum", "outdoors weekend beginner"),
    ("How maps changed the world", "science evening solo"),
    ("Recipes of a medieval kitchen", "craft creative social"),
    ("Steam engines up close", "technology weekend social"),
    ("Your first web page", "beginner technology solo"),
    ("Games in a hundred lines", "creative technology solo"),
    ("Data from a garden sensor", "technology science nature"),
    ("Open source evening", "social evening technology"),
    ("Algorithms at the kitchen table", "science advanced solo"),
    ("Music from code", "creative technology jazz"),
    ("Herbs on a balcony", "beginner nature solo"),
    ("A pond for dragonflies", "outdoors nature weekend"),
    ("Grafting fruit trees", "craft outdoors advanced"),
    ("Community garden day", "social outdoors weekend"),
    ("Winter vegetables", "nature outdoors beginner"),
    ("The science of soil", "science nature advanced"),
    ("Silent films with live music", "jazz evening social"),
    ("Short film in a weekend", "creative weekend social"),
    ("How a scene is lit", "craft indoors advanced"),
    ("Documentaries about nature", "nature evening solo"),
    ("Open-air cinema", "outdoors evening social"),
    ("Science fiction classics", "science evening solo"),
)

PERSONAS: Final[Mapping[str, Mapping[str, float]]] = {
    "explorer": {"outdoors": 1.0, "nature": 0.8, "weekend": 0.6, "hiking": 1.0, "photography": 0.5},
    "analyst": {"science": 1.0, "technology": 0.9, "advanced": 0.6, "coding": 1.0, "history": 0.5},
    "maker": {"creative": 1.0, "craft": 1.0, "cooking": 0.8, "gardening": 0.7, "indoors": 0.4},
    "host": {"social": 1.0, "evening": 0.8, "jazz": 0.6, "music": 0.8, "cinema": 0.7},
}

_USERS: Final = 240
_ITEMS_PER_TOPIC: Final = 6


@dataclass(frozen=True)
class Item:
    """Something that can be recommended."""

    item_id: str
    title: str
    topic: str
    tags: tuple[str, ...]


@dataclass(frozen=True)
class Catalog:
    """Items, personas and the likes of the users that are known, as vectors."""

    items: tuple[Item, ...]
    personas: Mapping[str, Mapping[str, float]]

    @cached_property
    def index(self) -> Mapping[str, int]:
        """Position of each item, by id."""
        return {item.item_id: position for position, item in enumerate(self.items)}

    @cached_property
    def words(self) -> Mapping[str, int]:
        """Column of each topic and tag: the words that an interest can be."""
        names = [*TOPICS, *sorted({tag for item in self.items for tag in item.tags})]
        return {name: column for column, name in enumerate(names)}

    @cached_property
    def features(self) -> Floats:
        """Items by words: 1 for the topic, 0.7 for each tag; rows of length 1."""
        rows = np.zeros((len(self.items), len(self.words)), np.float32)
        for position, item in enumerate(self.items):
            rows[position, self.words[item.topic]] = 1.0
            for tag in item.tags:
                rows[position, self.words[tag]] = 0.7
        return _unit_rows(rows)

    @cached_property
    def affinities(self) -> Mapping[str, Floats]:
        """How well each item fits each persona, 0 to 1."""
        return {name: self._affinity(words) for name, words in self.personas.items()}

    def _affinity(self, words: Mapping[str, float]) -> Floats:
        taste = np.zeros(len(self.words), np.float32)
        for word, strength in words.items():
            taste[self.words[word]] = strength
        fit: Floats = self.features @ taste
        fit /= fit.max()
        return fit

    @cached_property
    def likes(self) -> Floats:
        """Known users by items: 1 where the user liked the item. Users follow their persona."""
        fits = np.stack(list(self.affinities.values()))
        chances = 0.05 + 0.6 * fits[np.arange(_USERS) % len(fits)] ** 2
        return (_spread(_USERS, len(self.items)) < chances).astype(np.float32)

    @cached_property
    def users(self) -> Mapping[str, tuple[int, str]]:
        """Row in ``likes`` and persona of each known user: user-000, user-001, ..."""
        names = tuple(self.personas)
        return {f"user-{row:03d}": (row, names[row % len(names)]) for row in range(_USERS)}


def _spread(rows: int, columns: int) -> NDArray[np.float64]:
    """Numbers in [0, 1) that look random and never change: splitmix64 of the position."""
    x = np.arange(1, rows * columns + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    x ^= x >> np.uint64(31)
    return ((x >> np.uint64(11)).astype(np.float64) / 2**53).reshape(rows, columns)


def _unit_rows(rows: Floats) -> Floats:
    # No numpy.linalg: it loads for the sake of one norm.
    unit: Floats = rows / np.sqrt((rows * rows).sum(axis=1, keepdims=True))
    return unit


def built_in() -> Catalog:
    """The catalogue that comes with the service: 48 items, 4 personas, 240 known users."""
    items = (
        Item(f"item-{n:02d}", title, TOPICS[n // _ITEMS_PER_TOPIC], tuple(tags.split()))
        for n, (title, tags) in enumerate(_TITLES)
    )
    return Catalog(tuple(items), PERSONAS)
