"""What was kept of experiments, as the HTTP API reads it."""

from typing import Protocol

from linnet.experiment.record import Record


class Records(Protocol):
    """Knows the records of a cluster's experiments."""

    async def find(self, namespace: str, release: str, revision: str) -> Record | None:
        """The record of a version's experiment; None if there is none.

        Raises:
            ApiError: the API server could not be asked.
            ValueError: it can't be read, and why.
        """
        ...
