"""The latest answers by what was asked: the same question to the same model isn't ranked again."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable

from recochat.recommender.ranking import Recommender


class Answers:
    """A bounded cache in the process; the answer unused for longest goes first.

    An answer depends on the question and the model alone, so only another model makes it old.
    """

    def __init__(self, most: int) -> None:
        """Keep up to ``most`` answers; 0: none. One takes about 3 KB."""
        self._most = most
        self._ranked_by: Recommender | None = None
        self._kept: OrderedDict[Hashable, bytes] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def find(
        self, recommender: Recommender, asked: Hashable, make: Callable[[], bytes]
    ) -> tuple[bytes, bool]:
        """What ``recommender`` answers to ``asked``, made if need be; and whether it was kept."""
        if recommender is not self._ranked_by:
            self._kept.clear()
            self._ranked_by = recommender
        kept = self._kept.get(asked)
        if kept is not None:
            self._kept.move_to_end(asked)
            return kept, True
        answer = make()
        self._kept[asked] = answer
        if len(self._kept) > self._most:
            self._kept.popitem(last=False)
        return answer, False
