"""The data that the service comes with: a small catalogue, and who liked what of it.

Everything is made by rule, without a random generator, so that it is the same in every process,
version of numpy and run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from recochat.recommender.catalog import Catalog, Item
from recochat.recommender.interactions import Dataset, Interactions
from recochat.recommender.model import Model
from recochat.recommender.training import TrainingOptions, train

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
# One like an hour, from the start of 2026 on.
_EPOCH: Final = 1_767_225_600.0
_LIKE_INTERVAL_S: Final = 3600.0


def items() -> tuple[Item, ...]:
    """The 48 items of the catalogue."""
    return tuple(
        Item(f"item-{n:02d}", title, TOPICS[n // _ITEMS_PER_TOPIC], tuple(tags.split()))
        for n, (title, tags) in enumerate(_TITLES)
    )


def dataset() -> Dataset:
    """48 items, 4 personas, and what user-000 to user-239 liked, each following a persona."""
    catalog = Catalog(items())
    fits = np.stack([_fit(catalog, taste) for taste in PERSONAS.values()])
    personas = np.arange(_USERS) % len(fits)
    chances = 0.05 + 0.6 * fits[personas] ** 2
    order = _spread(_USERS, len(catalog.items))
    users, liked = np.nonzero(order < chances)
    # When a like was given has nothing to do with the chance of it: mix the order once more.
    when = np.argsort(_spread(1, len(users))[0], kind="stable").argsort(kind="stable")
    likes = Interactions.ordered(users, liked, _EPOCH + when * _LIKE_INTERVAL_S)
    names = tuple(f"user-{row:03d}" for row in range(_USERS))
    return Dataset(catalog.items, likes, names, tuple(PERSONAS), personas)


def model() -> Model:
    """The model of the data that the service comes with; trained in a few milliseconds."""
    return replace(train(dataset(), TrainingOptions(tune=False)), version="built-in")


def _fit(catalog: Catalog, taste: Mapping[str, float]) -> NDArray[np.float64]:
    """How well each item fits a taste, 0 to 1."""
    wanted = np.array([taste.get(word, 0.0) for word in catalog.words])
    fit: NDArray[np.float64] = catalog.features.astype(np.float64) @ wanted
    fit /= fit.max()
    return fit


def _spread(rows: int, columns: int) -> NDArray[np.float64]:
    """Numbers in [0, 1) that look random and never change: splitmix64 of the position."""
    x = np.arange(1, rows * columns + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    x ^= x >> np.uint64(31)
    return ((x >> np.uint64(11)).astype(np.float64) / 2**53).reshape(rows, columns)
