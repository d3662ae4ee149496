"""Outcomes that the service saw itself: they wait here to be counted, so that no answer has to."""

from __future__ import annotations

import asyncio
import itertools
import uuid
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from recochat.experiments.base import Outcome, Record, Subject
from recochat.problems import StoreUnavailable

_BATCH: Final = 100
_RETRIED_S: Final = 3600.0

Count = Callable[[Sequence[Record]], Awaitable[object]]
Sleep = Callable[[float], Awaitable[object]]


class Outbox:
    """Keeps outcomes in order until they are counted; handing them in again counts none twice.

    What waits when the process is killed is lost. What waits when it ends is counted by `flush`.
    """

    def __init__(self, count: Count, clock: Callable[[], float], most: int = 20_000) -> None:
        """Hold up to ``most`` outcomes. ``count`` raises StoreUnavailable while it can't."""
        self._count, self._clock, self._most = count, clock, most
        self._waiting: deque[Record] = deque()
        self._added_up: dict[Subject, dict[str, float]] = {}
        self.dropped = 0
        """Outcomes that there was no room for."""

    def put(self, subject: Subject, outcome: Outcome) -> None:
        """Take one outcome."""
        if len(self._waiting) < self._most:
            self._waiting.append(Record(subject, (outcome,)))
        else:
            self.dropped += 1

    def add(self, subject: Subject, adds: Mapping[str, float]) -> None:
        """Take what is of no interest alone: it is added up until it is counted, as one outcome."""
        if subject not in self._added_up and len(self._added_up) >= self._most:
            self.dropped += 1
            return
        sums = self._added_up.setdefault(subject, {})
        for name, amount in adds.items():
            sums[name] = sums.get(name, 0.0) + amount

    async def flush(self) -> None:
        """Count all that waits. Raises StoreUnavailable, and keeps what isn't counted."""
        added_up, self._added_up = self._added_up, {}
        for subject, adds in added_up.items():
            # Nobody but this process hands it in again, and it does so at once.
            outcome = Outcome(uuid.uuid4().hex, self._clock(), adds, remember_s=_RETRIED_S)
            self.put(subject, outcome)
        while self._waiting:
            batch = list(itertools.islice(self._waiting, _BATCH))
            await self._count(_by_subject(batch))
            for _ in batch:
                self._waiting.popleft()

    async def run(self, pause_s: float, sleep: Sleep = asyncio.sleep) -> None:
        """Flush again and again, ``pause_s`` seconds after each other, until cancelled."""
        while True:
            await sleep(pause_s)
            try:
                await self.flush()
            except StoreUnavailable:
                continue  # They wait. That the store is gone, others say louder.


def _by_subject(records: Sequence[Record]) -> list[Record]:
    joined: dict[Subject, Record] = {}
    for record in records:
        so_far = joined.get(record.subject)
        outcomes = (*so_far.outcomes, *record.outcomes) if so_far else record.outcomes
        joined[record.subject] = replace(record, outcomes=outcomes)
    return list(joined.values())
