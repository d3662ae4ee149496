"""One query for many releases: an answer is kept for all who may use it."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from linnet.core.catalog import BY
from linnet.core.observed import Sample, Table
from linnet.core.queries import Question
from linnet.core.series import Matrix
from linnet.providers.metrics.base import MetricsProvider

KEPT = timedelta(minutes=1)
"""Answers that were asked for longer ago than this are dropped."""


@dataclass(frozen=True)
class _Asked:
    at: datetime
    answer: asyncio.Task[Table]


class SharedMetrics:
    """Answers questions, each text at most once for all who want the answer as new as that.

    now: the wall clock.
    """

    def __init__(self, metrics: MetricsProvider, now: Callable[[], datetime]) -> None:
        self._metrics = metrics
        self._now = now
        self._asked: dict[str, _Asked] = {}

    async def sample(self, question: Question, since: datetime) -> Sample:
        """The answer to a question, evaluated at `since` or later. Never raises, as the provider.

        since: not later than now.
        """
        if question.row is None:
            return await self._metrics.query(question.promql)
        asked = self._asked.get(question.promql)
        if asked is None or not since <= asked.at <= self._now():
            asked = self._ask(question.promql)
        # One who gives up waiting must not take the answer away from the others.
        table = await asyncio.shield(asked.answer)
        return table.sample(question.row)

    async def series(self, promql: str, at: datetime) -> Matrix:
        """Raw samples. Never raises, as the provider."""
        return await self._metrics.series(promql, at)

    async def instant(self, promql: str) -> Matrix:
        """Series of a release's own. Never raises, as the provider."""
        return await self._metrics.instant(promql)

    async def close(self) -> None:
        """Release the connections."""
        for asked in self._asked.values():
            asked.answer.cancel()
        await self._metrics.close()

    def _ask(self, promql: str) -> _Asked:
        now = self._now()
        self._asked = {
            text: asked
            for text, asked in self._asked.items()
            if now - asked.at < KEPT or not asked.answer.done()
        }
        task = asyncio.create_task(self._metrics.table(promql, BY))
        asked = self._asked[promql] = _Asked(now, task)
        return asked
