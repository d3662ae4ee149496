"""Who liked what and when: the data that a model is trained and judged on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from recochat.recommender.catalog import Floats, Item

Ints = NDArray[np.int32]
Doubles = NDArray[np.float64]

UNKNOWN_PERSONA = -1


@dataclass(frozen=True)
class Interactions:
    """Parallel columns, oldest first: a user (row in the user table) liked an item at a time."""

    users: Ints
    items: Ints
    times: Doubles
    """Seconds since the epoch."""

    @classmethod
    def ordered(cls, users: ArrayLike, items: ArrayLike, times: ArrayLike) -> Interactions:
        """Sort by time, then user, then item, so that the order of a file doesn't matter.

        Of a pair that occurs more than once the first stays: to like again tells nothing new.
        """
        user, item = np.asarray(users, np.int32), np.asarray(items, np.int32)
        time = np.asarray(times, np.float64)
        order = np.lexsort((item, user, time))
        user, item, time = user[order], item[order], time[order]
        pairs = user.astype(np.int64) << 32 | item
        _, first = np.unique(pairs, return_index=True)
        first.sort()
        return cls(user[first], item[first], time[first])

    def __len__(self) -> int:
        return len(self.users)

    def where(self, mask: NDArray[Any]) -> Interactions:
        """Those that ``mask`` (booleans or positions) chooses."""
        return Interactions(self.users[mask], self.items[mask], self.times[mask])

    def moment(self, share: float) -> float:
        """The time before which ``share`` (0 to 1) of all interactions lie."""
        return float(self.times[min(int(len(self) * share), len(self) - 1)])


@dataclass(frozen=True)
class Dataset:
    """Items, users and interactions. Positions in the tables are what everything refers to by."""

    items: tuple[Item, ...]
    interactions: Interactions
    user_ids: tuple[str, ...]
    personas: tuple[str, ...] = ()
    user_personas: NDArray[Any] | None = None
    """Position in ``personas`` of each user, or UNKNOWN_PERSONA."""

    def persona_of(self) -> Ints:
        """Position of each user's persona, or UNKNOWN_PERSONA."""
        if self.user_personas is None:
            return np.full(len(self.user_ids), UNKNOWN_PERSONA, np.int32)
        return np.asarray(self.user_personas, np.int32)

    def before(self, moment: float) -> Dataset:
        """The same tables with only what happened before ``moment``."""
        mask = self.interactions.times < moment
        return replace(self, interactions=self.interactions.where(mask))


def histories(interactions: Interactions, users: int) -> tuple[Ints, Ints]:
    """Items of each user, oldest first: user u has ``items[starts[u]:starts[u + 1]]``.

    Compressed rows: one array for all users instead of a list for each.
    """
    order = np.argsort(interactions.users, kind="stable")
    counts = np.bincount(interactions.users, minlength=users)
    starts = np.concatenate(([0], np.cumsum(counts))).astype(np.int32)
    return starts, interactions.items[order]


def gram(interactions: Interactions, users: int, items: int, block: int = 4096) -> Floats:
    """How many users liked both of each pair of items: X^T X of the users by items matrix X.

    Summed over blocks of users, so memory is items² and block × items, whatever the users.
    """
    total = np.zeros((items, items), np.float32)
    starts, liked = histories(interactions, users)
    for first in range(0, users, block):
        last = min(first + block, users)
        rows = np.zeros((last - first, items), np.float32)
        counts = np.diff(starts[first : last + 1])
        rows[np.repeat(np.arange(last - first), counts), liked[starts[first] : starts[last]]] = 1
        total += rows.T @ rows
    return total
