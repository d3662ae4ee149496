"""What the HTTP API is told of releases, and how it has them changed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from linnet.api.request import Request, RequestStatus
from linnet.api.spec import CanaryReleaseSpec
from linnet.api.status import CanaryReleaseStatus
from linnet.server.records import Records


class Undecided(Exception):
    """No decision came in time; the text says what may still happen."""


@dataclass(frozen=True)
class Seen:
    """A release as it was last told of. version: another one after each change."""

    namespace: str
    name: str
    version: str
    spec: CanaryReleaseSpec
    status: CanaryReleaseStatus


class Desk(Protocol):
    """Knows releases and has them changed, in the replica that leads."""

    @property
    def records(self) -> Records:
        """What was kept of their experiments."""
        ...

    @property
    def now(self) -> Callable[[], datetime]:
        """Tells the cluster's time."""
        ...

    def releases(self, namespace: str) -> list[Mapping[str, Any]]:
        """The releases of a namespace, or of all with '', as plain data."""
        ...

    async def release(self, namespace: str, name: str) -> Seen | None:
        """A release; None if there is none.

        Raises:
            ApiError: the API server had to be asked, and could not be.
            ValueError: its spec can't be read.
        """
        ...

    async def ask(self, namespace: str, name: str, asked: Request, seconds: float) -> RequestStatus:
        """Write a request for a caller whose rights were reviewed, and wait for its outcome.

        Raises:
            Undecided: there is none after `seconds`.
            ApiError, LeaseLost: it could not be written.
        """
        ...

    async def suspend(self, namespace: str, name: str, *, wanted: bool) -> None:
        """Freeze a release, or let it go on.

        Raises:
            ApiError, LeaseLost: that could not be written.
        """
        ...
