"""Metrics in memory: passes the same contract suite as the real provider."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from linnet.core.observed import Sample, Table


@dataclass
class FakeMetrics:
    """Answers from a table; what isn't in it has no data. `down` answers every query with it."""

    samples: dict[str, Sample] = field(default_factory=dict)
    tables: dict[str, Table] = field(default_factory=dict)
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

    async def close(self) -> None:
        """See `MetricsProvider`."""
