"""The latest answers by what was asked: the same question to the same model isn't ranked again."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from recochat.recommender.ranking import Query, Recommender

_Key = tuple[str, str | None, tuple[str, ...], tuple[str, ...], int]


class Answers:
    """A bounded cache in the process; the answer unused for longest goes first.

    An answer depends on the question and the model alone, so only another model makes it old.
    """

    def __init__(self, most: int) -> None:
        """Keep up to ``most`` answers; 0: none. One takes about 3 KB."""
        self._most = most
        self._ranked_by: Recommender | None = None
        self._kept: OrderedDict[_Key, bytes] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def find(
        self, recommender: Recommender, query: Query, make: Callable[[], bytes]
    ) -> tuple[bytes, bool]:
        """The answer of ``recommender`` to ``query``, made if need be; and whether it was kept."""
        if recommender is not self._ranked_by:
            self._kept.clear()
            self._ranked_by = recommender
        history, interests = tuple(query.history), tuple(query.interests)
        key = (query.user_id, query.persona, history, interests, query.limit)
        kept = self._kept.get(key)
        if kept is not None:
            self._kept.move_to_end(key)
            return kept, True
        answer = make()
        self._kept[key] = answer
        if len(self._kept) > self._most:
            self._kept.popitem(last=False)
        return answer, False
