"""One look of the operator at a simulated world, and how it may end."""

from dataclasses import dataclass
from datetime import datetime

from linnet.api.spec import CanaryReleaseSpec
from linnet.api.status import CanaryReleaseStatus
from linnet.core.decision import Decision
from linnet.core.observed import Observed


class Stuck(AssertionError):
    """What was waited for doesn't come."""


class Stopped(Exception):
    """The world has had its last look."""


@dataclass(frozen=True)
class Look:
    """One decision, with all that it was made from."""

    at: datetime
    spec: CanaryReleaseSpec
    before: CanaryReleaseStatus
    observed: Observed
    decision: Decision
    served: int
    served_since: datetime
    stored: CanaryReleaseStatus


@dataclass(frozen=True)
class Kill:
    """The operator is killed in a look: so many actions are done, the status is written or not."""

    survive: int
    status_lost: bool


ALIVE = Kill(survive=1000, status_lost=False)
