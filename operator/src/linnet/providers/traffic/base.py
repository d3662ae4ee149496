"""The seam between deciding and moving traffic."""

from dataclasses import dataclass
from typing import Protocol

from linnet.api.spec import Provider
from linnet.core.observed import RouteObserved
from linnet.core.sticky import Pins


@dataclass(frozen=True)
class Split:
    """What is split, all of one namespace.

    With provider GatewayAPI a route, between two Services. With Replicas the stable Service
    itself, between the pods of a Deployment and those of its canary.

    pins: how users are kept on their version; without, each request is drawn for itself.
    experiment: some step has an experiment, which the route will tell the application of.
    target: the Deployment. release: the CanaryRelease. stable_revision: the version whose pods
    serve as stable; '' while stable rolls over from a version to another, so that both do.
    """

    namespace: str
    route: str
    stable_service: str
    canary_service: str
    pins: Pins | None = None
    experiment: bool = False
    provider: Provider = Provider.GATEWAY_API
    target: str = ""
    release: str = ""
    stable_revision: str = ""


class TrafficProvider(Protocol):
    """Moves the canary's share of traffic. Level-triggered: every call may be repeated."""

    async def observe(self, split: Split) -> RouteObserved | None:
        """Read the share as it stands; None if the route, or the Service, doesn't exist.

        One that can't be split says why as its `problem`, with the field and the remedy.

        Raises:
            ApiError: the API server could not be asked.
        """
        ...

    async def set_weight(self, split: Split, weight: int, experiment: str = "") -> None:
        """Ask for this share for the canary, 0 to 100 percent, and the rest for stable.

        experiment: what all these requests tell the application to be in, by a header; '' for
        none. Nothing of the route's own stands in the way of 0 percent without one.

        Raises:
            NotFound: the route, or the Service, doesn't exist.
            Unusable: it can't be split, or can't tell of an experiment.
            ApiError: the API server could not be asked.
        """
        ...

    async def restore(self, split: Split) -> None:
        """Take the canary out, so that route or Service read as the user wrote them.

        What is gone, or has no canary, is left as it is. As long as this isn't done to the end
        the canary is seen as listed, so that whoever is interrupted begins again.
        """
        ...
