"""What a release was like for its clients: split, failures, times. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from hack.answers import Answer, Answers
from hack.demo.progress import Progress
from hack.demo.releases import MIN_REQUESTS, SETTLE_S

ROLLBACK_BUDGET_S = 1.0
"""From the decision on, the data plane has that long to take the canary out of traffic."""
TOLERANCE_PP = 1.0
NOBODY = "none"
"""Stands for the version where no version answered."""


@dataclass(frozen=True)
class StepResult:
    """The split at one weight, in percent, as the clients saw it."""

    weight: int
    requests: int
    measured_share: float | None

    @property
    def error_pp(self) -> float | None:
        """Measured less asked, in percentage points."""
        return None if self.measured_share is None else self.measured_share - self.weight

    @property
    def off(self) -> bool:
        """Whether enough requests say that the split isn't the one asked for."""
        error = self.error_pp
        return self.requests >= MIN_REQUESTS and error is not None and abs(error) > TOLERANCE_PP


@dataclass(frozen=True)
class Result:
    """One release that is over.

    detection_s: fault visible -> decision. rollback_s: decision -> last request on the canary.
    outside_kinds: failed requests that a correct rollback doesn't explain, by status or error.
    failures_after: of the others, those sent while traffic was following the decision.
    """

    name: str
    outcome: str
    reason: str
    as_expected: bool
    seconds: float
    detection_s: float | None
    rollback_s: float | None
    requests: dict[str, int]
    failures: dict[str, int]
    outside_kinds: dict[str, int]
    failures_after: int
    steps: tuple[StepResult, ...]

    @property
    def failures_outside(self) -> int:
        """Number of failures that a correct rollback doesn't explain."""
        return sum(self.outside_kinds.values())

    @property
    def client_failures(self) -> int:
        """Failed requests, whoever answered them."""
        return sum(self.failures.values())

    @property
    def good(self) -> bool:
        """Whether the release ended as it should, without harm to clients."""
        slow = self.rollback_s is not None and self.rollback_s > ROLLBACK_BUDGET_S
        off = any(step.off for step in self.steps)
        return self.as_expected and not self.failures_outside and not slow and not off


def result(progress: Progress, answers: Answers, visible: float | None) -> Result:
    """Sum up a release. visible: when its fault was first to be seen, if that is known."""
    until = progress.ended or float("inf")
    span = list(answers.sent(progress.started, until))
    decided = _rolled_back_at(progress)
    return Result(
        name=progress.release.name,
        outcome=progress.outcome,
        reason=progress.reason,
        as_expected=progress.as_expected,
        seconds=(progress.ended or progress.started) - progress.started,
        detection_s=max(0.0, decided - visible) if decided and visible else None,
        rollback_s=rollback_seconds(progress, answers),
        requests=_by_version(span),
        failures=_by_version(answer for answer in span if answer.failed),
        outside_kinds=dict(
            Counter(a.kind for a in span if a.failed and not excused(a, (progress,)))
        ),
        failures_after=sum(
            1 for a in span if a.failed and decided and a.sent > decided and excused(a, (progress,))
        ),
        steps=steps(progress, answers),
    )


def steps(progress: Progress, answers: Answers) -> tuple[StepResult, ...]:
    """The split at each weight that has been left again."""
    found = []
    for at in progress.weights():
        if at.until is not None:
            share = answers.share(at.since + SETTLE_S, at.until, track="canary")
            found.append(StepResult(at.weight, share.requests, share.percent))
    return tuple(found)


def rollback_seconds(progress: Progress, answers: Answers) -> float | None:
    """From the decision to roll back to the last request that reached the canary."""
    decided = _rolled_back_at(progress)
    if decided is None:
        return None
    last = answers.last_on("canary", decided)
    if last is None or (progress.ended is not None and last.sent > progress.ended):
        return 0.0
    return last.sent - decided


def excused(answer: Answer, releases: Iterable[Progress]) -> bool:
    """Whether a failure is one that a canary on trial may cause.

    It was answered by the canary of a version that had to be rolled back, and sent before the
    decision, or in the time that the data plane has to follow it.
    """
    if answer.track != "canary":
        return False
    return any(_on_trial(answer, progress) for progress in releases)


def _on_trial(answer: Answer, progress: Progress) -> bool:
    if not progress.release.reasons or answer.version != progress.release.name:
        return False
    decided = _rolled_back_at(progress)
    until = decided + ROLLBACK_BUDGET_S if decided is not None else float("inf")
    return progress.started <= answer.sent <= until


def unexcused(answers: Answers, releases: Iterable[Progress]) -> list[Answer]:
    """All failures that no canary on trial explains."""
    known = tuple(releases)
    return [a for a in answers.failures(0, float("inf")) if not excused(a, known)]


def _rolled_back_at(progress: Progress) -> float | None:
    ending = progress.ending
    rolled_back = ending is not None and ending.decision == "RolledBack"
    return ending.at.timestamp() if ending is not None and rolled_back else None


def _by_version(answers: Iterable[Answer]) -> dict[str, int]:
    return dict(sorted(Counter(answer.version or NOBODY for answer in answers).items()))
