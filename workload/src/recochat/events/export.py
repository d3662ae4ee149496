"""What people said about items, as data to train on.

The last word counts: a pair of a person and an item that was liked is an interaction, and one that
was disliked afterwards is none, also where it was one in the data before.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from redis import Redis

from recochat.events.base import Event
from recochat.events.redis import STREAM, load
from recochat.recommender.interactions import UNKNOWN_PERSONA, Dataset, Interactions

LIKE: Final = "like"
DISLIKE: Final = "dislike"
_PAGE: Final = 1000


@dataclass(frozen=True, slots=True)
class Learned:
    """The data with what was said, and how it came about."""

    dataset: Dataset
    liked: int
    disliked: int
    unknown: int
    """Events about items that aren't in the catalogue: left out."""


def read(url: str) -> Iterator[Event]:
    """All events in the Redis at ``url``, oldest first. Raises RedisError if it doesn't answer."""
    with Redis.from_url(url) as redis:
        last = "-"
        while page := _page(redis, last):
            for _, fields in page:
                event = load(fields.get(b"event", b""))
                if event is not None:
                    yield event
            last = f"({page[-1][0].decode()}"


def learned(dataset: Dataset, events: Iterable[Event], likes: Collection[str] = (LIKE,)) -> Learned:
    """``dataset`` with ``events``; those named in ``likes`` count as a like of their item."""
    index = {item.item_id: n for n, item in enumerate(dataset.items)}
    last: dict[tuple[str, int], Event] = {}
    unknown = 0
    for event in sorted(events, key=lambda event: event.at):
        if event.name not in likes and event.name != DISLIKE:
            continue
        if event.item_id not in index:
            unknown += 1
            continue
        last[event.user_id, index[event.item_id]] = event
    liked = {pair: event.at for pair, event in last.items() if event.name != DISLIKE}
    return Learned(
        _with(dataset, liked, last.keys() - liked.keys()),
        len(liked),
        len(last) - len(liked),
        unknown,
    )


def _with(
    dataset: Dataset, liked: dict[tuple[str, int], float], disliked: Collection[tuple[str, int]]
) -> Dataset:
    """``dataset`` with and without these pairs of a user and an item's position."""
    users = dict.fromkeys((*dataset.user_ids, *(user for user, _ in liked)))
    row = {user: n for n, user in enumerate(users)}
    old = dataset.interactions
    gone = {(row[user], item) for user, item in disliked if user in row}
    stay = [pair not in gone for pair in zip(old.users.tolist(), old.items.tolist(), strict=True)]
    kept = old.where(np.array(stay, bool))
    added = len(users) - len(dataset.user_ids)
    return Dataset(
        dataset.items,
        Interactions.ordered(
            [*kept.users.tolist(), *(row[user] for user, _ in liked)],
            [*kept.items.tolist(), *(item for _, item in liked)],
            [*kept.times.tolist(), *liked.values()],
        ),
        tuple(users),
        dataset.personas,
        np.concatenate([dataset.persona_of(), np.full(added, UNKNOWN_PERSONA, np.int32)]),
    )


def _page(redis: Redis, after: str) -> list[Any]:
    found: Any = redis.xrange(STREAM, after, "+", _PAGE)
    return list(found)
