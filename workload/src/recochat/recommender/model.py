"""A trained model: plain arrays, and the names of what their rows mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from recochat.recommender.catalog import Catalog, Floats
from recochat.recommender.interactions import Ints


@dataclass(frozen=True, slots=True)
class Weights:
    """The share of each signal in a score. Each is 0 to 1; together they are 1."""

    collaborative: float = 0.4
    content: float = 0.4
    persona: float = 0.2

    def __post_init__(self) -> None:
        """Raise ValueError for shares that aren't."""
        shares = self.as_tuple()
        if min(shares) < 0 or abs(sum(shares) - 1) > 1e-6:
            raise ValueError(f"weights must not be negative, and sum up to 1: {shares}")

    def as_tuple(self) -> tuple[float, float, float]:
        """In the order in which signals are kept everywhere."""
        return self.collaborative, self.content, self.persona


Sharpness = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Tuning:
    """What training chooses by trying it on the latest part of its own data."""

    regularisation: float = 300.0
    """Of the item weights, in users: larger trusts rare items less."""
    half_life: float = 1000.0
    """Of a like, in likes of the same person: the last one counts most."""
    sharpness: Sharpness = (0.5, 0.25, 0.25)
    """Exponent of each signal, larger than 0: below 1 it tells items apart less."""


@dataclass(frozen=True)
class Model:
    """Everything that ranking needs. Rows and columns are positions in the tables."""

    catalog: Catalog
    personas: tuple[str, ...]
    user_ids: tuple[str, ...]
    user_personas: Ints
    history_starts: Ints
    """Compressed rows (see interactions.histories): what each known user liked, oldest first."""
    history_items: Ints
    popularity: Floats
    """How many users liked each item."""
    neighbours: Ints
    """Items by neighbours: the items that each item speaks for or against most."""
    neighbour_weights: Floats
    affinity: Floats
    """Personas by items: how many times as likely as anybody they are to like the item."""
    persona_shares: Floats
    tuning: Tuning = field(default_factory=Tuning)
    trained_until: float = 0.0
    """Time of the latest interaction: seconds since the epoch."""
    interactions: int = 0
    version: str = "unsaved"
    """Names the content: the date of the latest interaction and the start of the checksum."""

    @cached_property
    def users(self) -> Mapping[str, int]:
        """Row of each known user, by id."""
        return {user_id: row for row, user_id in enumerate(self.user_ids)}

    def history(self, row: int) -> list[int]:
        """Positions of the items that a known user liked, oldest first."""
        liked = self.history_items[self.history_starts[row] : self.history_starts[row + 1]]
        return [int(item) for item in liked]
