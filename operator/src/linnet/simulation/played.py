"""What a rehearsal leaves: how the release ended, when, at whose cost, and the story of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from math import inf

from linnet.api.status import CanaryReleaseStatus, DecisionKind, MetricStatus, Verdict
from linnet.simulation.service import Toll


class Outcome(StrEnum):
    """How a release ended."""

    PROMOTED = "promoted"
    ROLLED_BACK = "rolled back"
    UNFINISHED = "not ended"


@dataclass(frozen=True)
class Moment:
    """One line of the story.

    seconds: from the changed template. weight: the canary's, in percent, from then on. what: the
    decision, or the verdict of a check that has changed. why: in words. decided: it is a decision.
    """

    seconds: float
    weight: int
    what: str
    reason: str
    why: str
    decided: bool


@dataclass(frozen=True)
class Point:
    """One measurement. values: of each check; None without one. canary, stable: errors in %.

    odds: against a healthy canary, of each metric that is compared. needed: those that end it.
    """

    seconds: float
    weight: int
    values: Mapping[str, float | None]
    canary: float | None
    stable: float | None
    odds: Mapping[str, float] = field(default_factory=dict)
    needed: float = inf


@dataclass(frozen=True)
class Played:
    """One release that was played.

    healthy: there was nothing wrong with the version. onset_s: when its defect showed, or when it
    got its first traffic; ended_s: when it was decided; both in seconds from the changed template.
    """

    world: str
    healthy: bool
    seed: int
    outcome: Outcome
    reason: str
    onset_s: float
    ended_s: float
    toll: Toll
    moments: tuple[Moment, ...] = ()
    points: tuple[Point, ...] = ()

    @property
    def caught(self) -> bool:
        """Rolled back for the defect that it had."""
        rolled_back = self.outcome is Outcome.ROLLED_BACK
        return rolled_back and not self.healthy and self.ended_s >= self.onset_s

    @property
    def false_rollback(self) -> bool:
        """Rolled back while there was nothing wrong with it."""
        return self.outcome is Outcome.ROLLED_BACK and not self.caught


class Telling:
    """Follows a release's status, and writes down what a person would want to read."""

    def __init__(self, start: datetime) -> None:
        self._start = start
        self._moments: list[Moment] = []

    @property
    def moments(self) -> tuple[Moment, ...]:
        """The story so far."""
        return tuple(self._moments)

    def note(self, before: CanaryReleaseStatus, after: CanaryReleaseStatus, now: datetime) -> None:
        """Write down what one look has changed."""
        if now < self._start:
            return
        if after.analysed_at != before.analysed_at:
            known = {metric.name: metric for metric in before.metrics}
            for metric in after.metrics:
                if _is_news(known.get(metric.name), metric):
                    self._add(now, after, metric.verdict, "", _measured(metric), decided=False)
        self._note_comparison(before, after, now)
        seen = {(entry.at, entry.decision, entry.reason) for entry in before.history}
        for entry in after.history:
            if (entry.at, entry.decision, entry.reason) not in seen:
                self._add(now, after, entry.decision, entry.reason, entry.message, decided=True)

    def _note_comparison(
        self, before: CanaryReleaseStatus, after: CanaryReleaseStatus, now: datetime
    ) -> None:
        known = before.comparison.findings if before.comparison else ()
        verdicts = {finding.name: finding.verdict for finding in known}
        for finding in after.comparison.findings if after.comparison else ():
            if finding.verdict != verdicts.get(finding.name, "Continue"):
                why = f"{finding.name} compared: {finding.message}"
                self._add(now, after, finding.verdict, "", why, decided=False)

    def _add(
        self,
        now: datetime,
        status: CanaryReleaseStatus,
        what: str,
        reason: str,
        why: str,
        *,
        decided: bool,
    ) -> None:
        seconds = (now - self._start).total_seconds()
        self._moments.append(Moment(seconds, status.weight.wanted, str(what), reason, why, decided))

    def when(self, *kinds: DecisionKind) -> float | None:
        """When the first decision of these kinds was made, in seconds."""
        found = (m.seconds for m in self._moments if m.decided and m.what in kinds)
        return next(found, None)

    def reason(self, outcome: Outcome) -> str:
        """Why the release ended so: the rule's name; '' where it has not ended."""
        kinds = {
            Outcome.PROMOTED: DecisionKind.PROMOTED,
            Outcome.ROLLED_BACK: DecisionKind.ROLLED_BACK,
        }
        kind = kinds.get(outcome)
        return next((m.reason for m in self._moments if m.decided and m.what == kind), "")


def _is_news(before: MetricStatus | None, after: MetricStatus) -> bool:
    """Whether a measurement is worth a line: another verdict, or one more breach."""
    if before is None:
        return after.verdict not in (Verdict.PASS, Verdict.SKIPPED)
    return after.verdict is not before.verdict or after.breaches > before.breaches


def _measured(metric: MetricStatus) -> str:
    times = f" ({metric.breaches} in a row)" if metric.breaches > 1 else ""
    return f"{metric.name}: {metric.message}{times}"
