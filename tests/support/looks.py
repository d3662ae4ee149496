"""One look of the operator at a simulated world, and how it may end."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import TypeVar

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

LOOKS_AT_ONCE = 5
"""More decisions than this at one moment are a hot loop."""


def in_hot_loop(trail: Sequence[Look]) -> bool:
    """Whether the last decisions wake the operator at once, again and again."""
    last = trail[-LOOKS_AT_ONCE:]
    at_once = all(look.decision.wake_after == timedelta(0) for look in last)
    return len(last) == LOOKS_AT_ONCE and last[0].at == last[-1].at and at_once


T = TypeVar("T")


def changes(values: Iterable[T]) -> list[T]:
    """The values without repetitions in a row."""
    return [value for value, _ in groupby(values)]
