"""The report of a release, made of what its status keeps and what Prometheus still has.

A status keeps a bounded history, and of the last release alone what was measured. So a report says
what it doesn't know, instead of leaving it out.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise

from linnet.api.alerts import AlertOutcome
from linnet.api.experiment_step import ExperimentStatus
from linnet.api.spec import CanaryReleaseSpec
from linnet.api.status import (
    HISTORY_LIMIT,
    CanaryReleaseStatus,
    DecisionKind,
    HistoryEntry,
    Phase,
)
from linnet.core.alerts import REASON as ALERT_FIRED
from linnet.core.catalog import Check, checks
from linnet.core.revision import template_part
from linnet.core.series import Point
from linnet.core.transitions import RESTING
from linnet.experiment.asked import asked_for
from linnet.review.limits import goes_on, rolls_back
from linnet.review.report import Checked, Decided, Measured, Outcome, Report, Stage, Times
from linnet.review.rules import BREACHED, asked_by, rule

BEGINS: Mapping[DecisionKind, Phase] = {
    DecisionKind.STARTED: Phase.STARTING,
    DecisionKind.ADVANCED: Phase.PROGRESSING,
    DecisionKind.PROMOTING: Phase.PROMOTING,
    DecisionKind.RETURNED: Phase.RETURNING,
    DecisionKind.ROLLED_BACK: Phase.ROLLING_BACK,
    DecisionKind.SUPERSEDED: Phase.ROLLING_BACK,
    DecisionKind.REVERTED: Phase.ROLLING_BACK,
}
"""The decisions that a stage of a release begins with."""
ENDS: Mapping[DecisionKind, Outcome] = {
    DecisionKind.PROMOTED: Outcome.PROMOTED,
    DecisionKind.ROLLED_BACK: Outcome.ROLLED_BACK,
    DecisionKind.SUPERSEDED: Outcome.SUPERSEDED,
    DecisionKind.REVERTED: Outcome.REVERTED,
}
BESIDE = "beside "
"""In the message that a release starts with: what stable runs follows."""


class NoRelease(ValueError):
    """The history has no such release; the text says which it has."""


@dataclass(frozen=True)
class Known:
    """What a report is made of.

    asked_revision: of the template that the Deployment asks for, with its images. samples: by the
    check's name. problems: why there are none, where that is so.
    """

    namespace: str
    name: str
    spec: CanaryReleaseSpec
    status: CanaryReleaseStatus
    asked_revision: str = ""
    images: tuple[str, ...] = ()
    samples: Mapping[str, tuple[Point, ...]] = field(default_factory=dict)
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class Chapter:
    """The decisions of one release, in the order of time.

    following: the canary's share after the last of them, in percent. until: when the next release
    began; None where there is none.
    """

    entries: tuple[HistoryEntry, ...]
    following: int
    until: datetime | None = None

    @property
    def last(self) -> bool:
        """Whether no release came after."""
        return self.until is None

    def has(self, moment: datetime) -> bool:
        """Whether something that happened then belongs to it."""
        return moment >= self.entries[0].at and (self.until is None or moment < self.until)

    @property
    def whole(self) -> bool:
        """Whether its beginning is kept."""
        return self.entries[0].decision is DecisionKind.STARTED

    @property
    def revision(self) -> str:
        """The version that is released."""
        return next(entry.revision for entry in self.entries if entry.decision in BEGINS)

    @property
    def ending(self) -> HistoryEntry | None:
        """The decision that ended it; what comes later is no part of it any more."""
        return next((entry for entry in self.entries if entry.decision in ENDS), None)

    def made(self, kind: DecisionKind) -> HistoryEntry | None:
        """The first decision of a kind."""
        return next((entry for entry in self.entries if entry.decision is kind), None)


def chapters(status: CanaryReleaseStatus) -> tuple[Chapter, ...]:
    """The releases that the history has, the oldest first; of that the beginning may be lost."""
    history = status.history
    starts = [i for i, entry in enumerate(history) if entry.decision is DecisionKind.STARTED]
    found = []
    for since, until in pairwise(sorted({0, *starts, len(history)})):
        entries, following = history[since:until], history[until : until + 1]
        if not any(entry.decision in BEGINS for entry in entries):
            continue
        if following:
            found.append(Chapter(entries, following[0].weight, following[0].at))
        else:
            found.append(Chapter(entries, status.weight.wanted))
    return tuple(found)


def chosen(status: CanaryReleaseStatus, revision: str = "") -> Chapter:
    """The last release, or the last one of a version, which may be cut short.

    Raises:
        NoRelease: there is none.
    """
    found = chapters(status)
    if not found:
        raise NoRelease("nothing has been released yet")
    fitting = [each for each in found if each.revision.startswith(revision)]
    if not fitting:
        there = ", ".join(dict.fromkeys(each.revision for each in reversed(found)))
        raise NoRelease(f"no release of {revision} is kept: there are {there}")
    return fitting[-1]


def span(status: CanaryReleaseStatus, chapter: Chapter, now: datetime) -> tuple[datetime, datetime]:
    """From when until when a release was under way, as far as is known."""
    ending = chapter.ending
    end = _ended_at(status, chapter) or (ending.at if ending is not None else now)
    return chapter.entries[0].at, end


def report(known: Known, chapter: Chapter, now: datetime) -> Report:
    """All that is known of a release. Limits are those of the present spec."""
    status, revision = known.status, chapter.revision
    outcome = _outcome(status, chapter)
    deciding = _deciding(chapter)
    told = chapter.ending or chapter.entries[-1]
    asked = known.asked_revision == template_part(revision)
    tried = status.experiment if _is_of(status.experiment, chapter) else None
    return Report(
        namespace=known.namespace,
        name=known.name,
        target=known.spec.target_ref.name,
        written_at=now,
        revision=revision,
        stable_revision=_stable_before(status, chapter, outcome),
        images=known.images if asked else (),
        outcome=outcome,
        reason=deciding.reason if deciding else "",
        message=status.message if outcome is Outcome.UNDER_WAY else told.message,
        asked_by=asked_by(deciding) if deciding else "",
        times=_times(known, chapter, deciding, now),
        stages=tuple(_stages(status, chapter)),
        checks=tuple(_checked(known, check, chapter.last) for check in checks(known.spec.analysis)),
        findings=status.comparison.findings if chapter.last and status.comparison else (),
        experiment=tried,
        experiment_asked=asked_for(known.spec) if tried else None,
        decisions=tuple(map(_decided, chapter.entries)),
        alerts=tuple(each for each in status.alerts if chapter.has(each.heard_at)),
        approvals=tuple(each for each in status.approvals if chapter.has(each.at)),
        missing=tuple(_missing(known, chapter, outcome)),
    )


def _is_of(experiment: ExperimentStatus | None, chapter: Chapter) -> bool:
    """Whether an experiment was part of a release, and not of one before with the same version."""
    if experiment is None or experiment.revision != chapter.revision:
        return False
    return chapter.has(experiment.started_at)


def _outcome(status: CanaryReleaseStatus, chapter: Chapter) -> Outcome:
    if chapter.ending is not None:
        return ENDS[chapter.ending.decision]
    under_way = chapter.last and status.phase not in RESTING
    return Outcome.UNDER_WAY if under_way else Outcome.UNKNOWN


def _deciding(chapter: Chapter) -> HistoryEntry | None:
    """What decided the end: of a promotion that its last step was passed."""
    ending = chapter.ending
    if ending is not None and ending.decision is DecisionKind.PROMOTED:
        return chapter.made(DecisionKind.PROMOTING) or ending
    return ending


def _stable_before(status: CanaryReleaseStatus, chapter: Chapter, outcome: Outcome) -> str:
    """As the release's first decision says; or what stable runs, where that is the same still."""
    started = chapter.made(DecisionKind.STARTED)
    if started is not None and BESIDE in started.message:
        return started.message.rpartition(BESIDE)[2]
    same = chapter.last and outcome is not Outcome.PROMOTED
    return status.stable_revision if same and status.stable_revision != chapter.revision else ""


def _ended_at(status: CanaryReleaseStatus, chapter: Chapter) -> datetime | None:
    """When the end was done; None while it is under way, and where something came after."""
    ending = chapter.ending
    if ending is None or ending.decision is DecisionKind.PROMOTED:
        return ending.at if ending is not None else None
    moved = [entry for entry in chapter.entries if entry.decision in BEGINS]
    done = chapter.last and moved[-1] is ending and status.phase in (Phase.ROLLED_BACK, Phase.IDLE)
    return status.phase_since if done else None


def _stages(status: CanaryReleaseStatus, chapter: Chapter) -> Iterator[Stage]:
    """The share between two decisions is the one that the later one found."""
    entries, ending = chapter.entries, chapter.ending
    after = [*(entry.weight for entry in entries[1:]), chapter.following]
    marks = [
        (entry, weight)
        for entry, weight in zip(entries, after, strict=True)
        if entry.decision in BEGINS and (ending is None or entry.at <= ending.at)
    ]
    ends = [entry.at for entry, _ in marks[1:]]
    for (entry, weight), until in zip(marks, [*ends, _ended_at(status, chapter)], strict=True):
        what = BEGINS[entry.decision]
        share = 0 if what in (Phase.STARTING, Phase.ROLLING_BACK) else weight
        yield Stage(what=what, weight=share, since=entry.at, until=until)


def _times(known: Known, chapter: Chapter, deciding: HistoryEntry | None, now: datetime) -> Times:
    status = known.status
    ended = _ended_at(status, chapter)
    exposed = chapter.made(DecisionKind.ADVANCED) if chapter.whole else None
    exposed_at = exposed.at if exposed is not None else None
    decided_at = deciding.at if deciding is not None else None
    sign = _first_sign(known, chapter)
    under_way = _outcome(status, chapter) is Outcome.UNDER_WAY
    return Times(
        started_at=chapter.entries[0].at if chapter.whole else None,
        exposed_at=exposed_at,
        first_sign_at=sign,
        decided_at=decided_at,
        ended_at=ended,
        exposed_seconds=_between(exposed_at, now if under_way else decided_at),
        detection_seconds=_between(sign, decided_at),
        ending_seconds=_between(decided_at, ended),
    )


def _between(since: datetime | None, until: datetime | None) -> float | None:
    return None if since is None or until is None else (until - since).total_seconds()


def _first_sign(known: Known, chapter: Chapter) -> datetime | None:
    """When the first of the breaches in a row was measured, or the alert began; else None."""
    status, ending = known.status, chapter.ending
    if ending is None or ending.decision is not DecisionKind.ROLLED_BACK:
        return None
    if ending.reason == ALERT_FIRED:
        acted = (each for each in status.alerts if each.outcome is AlertOutcome.ROLLED_BACK)
        return next((alert.starts_at for alert in acted if chapter.has(alert.heard_at)), None)
    for metric in status.metrics if chapter.last else ():
        named = f"{metric.name[0].upper()}{metric.name[1:]}{BREACHED}" == ending.reason
        if named and metric.breaches:
            return metric.measured_at - (metric.breaches - 1) * known.spec.analysis.interval
    return None


def _checked(known: Known, check: Check, last: bool) -> Checked:
    found = {metric.name: metric for metric in known.status.metrics} if last else {}
    metric = found.get(check.name)
    return Checked(
        name=check.name,
        unit=check.unit.strip(),
        goes_on_at_most=check.at_most,
        goes_on_at_least=check.at_least,
        rolls_back_above=check.above,
        rolls_back_below=check.below,
        goes_on=goes_on(check),
        rolls_back=rolls_back(check),
        verdict=metric.verdict if metric else None,
        value=metric.value if metric else None,
        message=metric.message if metric else "",
        samples=tuple(
            Measured(at=datetime.fromtimestamp(at, UTC), value=value)
            for at, value in known.samples.get(check.name, ())
        ),
    )


def _decided(entry: HistoryEntry) -> Decided:
    return Decided(
        at=entry.at,
        decision=entry.decision,
        reason=entry.reason,
        message=entry.message,
        rule=rule(entry),
        asked_by=asked_by(entry),
        weight=entry.weight,
    )


def _missing(known: Known, chapter: Chapter, outcome: Outcome) -> Iterator[str]:
    """What is not known, and why."""
    if not chapter.whole:
        first = chapter.entries[0].at
        yield f"What was decided before {first:%H:%M:%S}: {HISTORY_LIMIT} decisions are kept."
    if not chapter.last:
        yield (
            "What each check measured last, and the comparison: they are kept of the last release "
            "only."
        )
    if outcome is Outcome.UNKNOWN:
        yield "How it ended: the decision isn't kept."
    for absence in known.status.absences if chapter.last else ():
        yield (
            f"What happened from {absence.since:%H:%M:%S} to {absence.until:%H:%M:%S}: the "
            "operator didn't look."
        )
    yield from known.problems
