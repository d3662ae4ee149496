"""The seam between deciding and moving traffic."""

from dataclasses import dataclass
from typing import Protocol

from linnet.core.observed import RouteObserved


@dataclass(frozen=True)
class Split:
    """What is split: a route of a namespace, between two Services of that namespace."""

    namespace: str
    route: str
    stable_service: str
    canary_service: str


class TrafficProvider(Protocol):
    """Moves the canary's share of traffic. Level-triggered: every call may be repeated."""

    async def observe(self, split: Split) -> RouteObserved | None:
        """Read the share as it stands; None if the route doesn't exist.

        Raises:
            Unusable: the route can't be split, with the field and the remedy.
            ApiError: the API server could not be asked.
        """
        ...

    async def set_weight(self, split: Split, weight: int) -> None:
        """Ask for this share for the canary, 0 to 100 percent, and the rest for stable.

        Raises:
            NotFound: the route doesn't exist.
            Unusable: the route can't be split.
            ApiError: the API server could not be asked.
        """
        ...

    async def restore(self, split: Split) -> None:
        """Take the canary out of the route, with the weights that the user had.

        A route that is gone, or has no canary, is left as it is.
        """
        ...
