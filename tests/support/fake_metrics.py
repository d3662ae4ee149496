"""Metrics in memory: passes the same contract suite as the real provider."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from linnet.core.observed import Sample, Table
from linnet.core.series import Matrix, Series


@dataclass
class FakeMetrics:
    """Answers from a table; what isn't in it has no data. `down` answers every query with it."""

    samples: dict[str, Sample] = field(default_factory=dict)
    tables: dict[str, Table] = field(default_factory=dict)
    matrices: dict[str, Matrix] = field(default_factory=dict)
    vectors: dict[str, Matrix] = field(default_factory=dict)
    down: str = ""
    asked: list[str] = field(default_factory=list)

    async def query(self, promql: str) -> Sample:
        """See `MetricsProvider`."""
        self.asked.append(promql)
        return Sample(error=self.down) if self.down else self.samples.get(promql, Sample())

    async def table(self, promql: str, by: Sequence[str]) -> Table:
        """See `MetricsProvider`."""
        self.asked.append(promql)
        return Table(error=self.down) if self.down else self.tables.get(promql, Table())

    async def series(self, promql: str, at: datetime) -> Matrix:
        """See `MetricsProvider`."""
        self.asked.append(promql)
        if self.down:
            return Matrix(error=self.down)
        found = self.matrices.get(promql, Matrix())
        until = at.timestamp()
        known = tuple(
            Series(each.labels, tuple(point for point in each.points if point[0] <= until))
            for each in found.series
        )
        return Matrix(tuple(each for each in known if each.points), found.error)

    async def instant(self, promql: str) -> Matrix:
        """See `MetricsProvider`."""
        self.asked.append(promql)
        return Matrix(error=self.down) if self.down else self.vectors.get(promql, Matrix())

    async def close(self) -> None:
        """See `MetricsProvider`."""
