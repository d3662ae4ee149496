"""The seam between deciding and measuring."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from linnet.core.observed import Sample, Table
from linnet.core.series import Matrix


class MetricsProvider(Protocol):
    """Answers a query with one number."""

    async def query(self, promql: str) -> Sample:
        """Evaluate an instant query now.

        Never raises for what the other side does: an unreachable server, a time-out, a refused
        or partial answer and more than one series are `Sample(error=...)`; an empty answer, NaN
        and the infinities are `Sample()`, no data.
        """
        ...

    async def table(self, promql: str, by: Sequence[str]) -> Table:
        """Evaluate an instant query now whose answer has a series for each row.

        by: the labels that tell the rows apart; a series without one of them has '' there.
        Never raises, as `query`. Two series of one row are an error of the whole.
        """
        ...

    async def series(self, promql: str, at: datetime) -> Matrix:
        """Evaluate a range selector at a moment: the raw samples of each series, in order.

        Never raises, as `query`. Numbers that are not finite are passed on as they are.
        """
        ...

    async def instant(self, promql: str) -> Matrix:
        """Evaluate an instant query now: each series with its labels, and one value.

        Never raises, as `query`. Numbers that are not finite are passed on as they are.
        """
        ...

    async def close(self) -> None:
        """Release the connections."""
        ...
