"""What can be recommended: items, and the words that describe them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

_TOPIC_STRENGTH: Final = 1.0
_TAG_STRENGTH: Final = 0.7


@dataclass(frozen=True, slots=True)
class Item:
    """Something that can be recommended."""

    item_id: str
    title: str
    topic: str
    tags: tuple[str, ...]


@dataclass(frozen=True)
class Catalog:
    """Items and their words, as vectors. The ids of ``items`` are unique."""

    items: tuple[Item, ...]

    @cached_property
    def index(self) -> Mapping[str, int]:
        """Position of each item, by id."""
        return {item.item_id: position for position, item in enumerate(self.items)}

    @cached_property
    def words(self) -> Mapping[str, int]:
        """Column of each topic and tag, in lower case: the words that an interest can be."""
        topics = dict.fromkeys(item.topic.lower() for item in self.items)
        tags = sorted({tag.lower() for item in self.items for tag in item.tags} - topics.keys())
        return {word: column for column, word in enumerate([*topics, *tags])}

    @cached_property
    def features(self) -> Floats:
        """Items by words: rare words count more (inverse document frequency), rows of length 1."""
        rows = np.zeros((len(self.items), len(self.words)), np.float32)
        for position, item in enumerate(self.items):
            for tag in item.tags:
                rows[position, self.words[tag.lower()]] = _TAG_STRENGTH
            rows[position, self.words[item.topic.lower()]] = _TOPIC_STRENGTH
        in_items = (rows > 0).sum(axis=0)
        rows *= np.log(1 + len(self.items) / in_items)
        unit: Floats = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        return unit
