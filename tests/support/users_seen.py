"""What the operator reads of an experiment's users in a pure world."""

from collections.abc import Callable
from datetime import datetime

from linnet.api.spec import CanaryReleaseSpec
from linnet.api.status import CanaryReleaseStatus
from linnet.core import experiments
from linnet.core.observed import ExperimentObserved
from linnet.experiment.data import Data

Users = Callable[[datetime], Data | str]
"""What users did since an experiment's start; or why nobody can tell."""


def read_users(
    spec: CanaryReleaseSpec, status: CanaryReleaseStatus, users: Users, now: datetime
) -> ExperimentObserved | None:
    """What is read of the present experiment; None where there is none or no look is due."""
    known = experiments.reading(spec, status)
    due = experiments.next_look(spec, status)
    if known is None or due is None or now < due:
        return None
    told = users(known.started_at)
    if isinstance(told, str):
        return ExperimentObserved(known.id, error=told)
    return ExperimentObserved(known.id, told)
