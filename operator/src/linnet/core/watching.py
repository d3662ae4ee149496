"""Time in which nobody watched a release: it doesn't count against the release's deadlines.

While a deadline runs the operator looks at least every `BEAT`, and the status remembers when, to
within a beat. A longer gap than `GAP` is an absence of the operator.
"""

from datetime import datetime, timedelta

from linnet.api.status import Absence, CanaryReleaseStatus, Phase
from linnet.core.steps import remaining

BEAT = timedelta(seconds=30)
GAP = timedelta(seconds=90)
ABSENCES_LIMIT = 10
"""More absences than this in one release, and the first ones count as one long."""

WATCHED = frozenset({Phase.STARTING, Phase.PROGRESSING, Phase.PROMOTING})
"""The phases that have deadlines."""


def noted(status: CanaryReleaseStatus, now: datetime) -> CanaryReleaseStatus:
    """The status at the beginning of a look, with the absence since the last one if that is one."""
    last = status.watched_at
    if status.phase not in WATCHED or last is None or now - last <= GAP:
        return status
    absences = (*status.absences, Absence(since=last, until=now))
    if len(absences) > ABSENCES_LIMIT:
        first, second, *others = absences
        absences = (Absence(since=first.since, until=second.until), *others)
    return status.model_copy(update={"absences": absences, "watched_at": now})


def watched(
    status: CanaryReleaseStatus, wake: timedelta | None, now: datetime
) -> tuple[CanaryReleaseStatus, timedelta | None]:
    """The status at the end of a look, and the time until the next, at most a beat.

    wake: the time until the next decision; None where no deadline runs any more.
    """
    if status.phase not in WATCHED:
        return status.model_copy(update={"absences": (), "watched_at": None}), wake
    last = status.watched_at
    if wake is None or last is None or now - last >= BEAT:
        status = status.model_copy(update={"watched_at": now})
    return status, None if wake is None else min(wake, BEAT)


def time_left(
    status: CanaryReleaseStatus, since: datetime | None, span: timedelta, now: datetime
) -> timedelta | None:
    """Time until `span` has been watched since a moment, at least zero; None if it hasn't begun."""
    if since is None:
        return None
    unseen = sum(
        (max(timedelta(), each.until - max(each.since, since)) for each in status.absences),
        timedelta(),
    )
    return remaining(since, span + unseen, now)
