"""The seam between deciding and measuring."""

from typing import Protocol

from linnet.core.observed import Sample


class MetricsProvider(Protocol):
    """Answers a query with one number."""

    async def query(self, promql: str) -> Sample:
        """Evaluate an instant query now.

        Never raises for what the other side does: an unreachable server, a time-out, a refused
        or partial answer and more than one series are `Sample(error=...)`; an empty answer, NaN
        and the infinities are `Sample()`, no data.
        """
        ...

    async def close(self) -> None:
        """Release the connections."""
        ...
