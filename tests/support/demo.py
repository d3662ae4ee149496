"""A demonstration's release told in seconds since `START`."""

from datetime import UTC, datetime
from typing import Any

from hack.answers import Answer, Answers
from hack.demo.progress import Progress
from hack.demo.releases import RELEASES, Release, policy
from linnet.api.spec import CanaryReleaseSpec
from linnet.api.status import CanaryReleaseStatus, DecisionKind, HistoryEntry, Phase, WeightStatus

START = 1_700_000_000.0
GOOD = next(release for release in RELEASES if not release.reasons)
FAILING = next(release for release in RELEASES if "errorShare" in release.faults)
SPEC = CanaryReleaseSpec.model_validate(
    {"targetRef": {"name": "recochat"}, "traffic": {"httpRoute": "recochat"}, **policy(150)}
)


def at(seconds: float) -> datetime:
    return datetime.fromtimestamp(START + seconds, UTC)


def decided(
    seconds: float, kind: DecisionKind, reason: str = "Because", message: str = "So it is"
) -> HistoryEntry:
    return HistoryEntry(at=at(seconds), decision=kind, reason=reason, message=message, weight=0)


def status(phase: Phase, *history: HistoryEntry, **changes: Any) -> CanaryReleaseStatus:
    return CanaryReleaseStatus(phase=phase, history=history, **changes)


def weight(wanted: int, since: float | None = None, seen: int | None = None) -> WeightStatus:
    return WeightStatus(
        wanted=wanted,
        seen=wanted if since is not None else seen,
        seen_since=at(since) if since is not None else None,
    )


def rolled_back(release: Release = FAILING, decision: float = 20.0) -> Progress:
    """A release with 5 % from 5 s on, rolled back at `decision`, at rest 6 s later."""
    progress = Progress(release, START)
    ready = decided(4, DecisionKind.ADVANCED)
    end = decided(decision, DecisionKind.ROLLED_BACK, (release.reasons or ("Breached",))[0])
    progress.take(status(Phase.PROGRESSING, ready, weight=weight(5, 5)), START + 5)
    progress.take(status(Phase.ROLLING_BACK, ready, end, weight=weight(0, seen=5)), START + 20)
    progress.take(status(Phase.ROLLED_BACK, ready, end), START + decision + 6)
    return progress


def promoted(release: Release = GOOD) -> Progress:
    """A release with 50 % from 5 s to 25 s and 100 % from 25.2 s to 50 s, at rest at 60 s."""
    progress = Progress(release, START)
    history: tuple[HistoryEntry, ...] = (
        decided(4, DecisionKind.ADVANCED),
        decided(25, DecisionKind.ADVANCED),
    )
    progress.take(status(Phase.PROGRESSING, history[0], weight=weight(50, 5)), START + 5)
    progress.take(status(Phase.PROGRESSING, *history, weight=weight(100, seen=50)), START + 25)
    progress.take(status(Phase.PROGRESSING, *history, weight=weight(100, 25.2)), START + 25.3)
    history = (*history, decided(50, DecisionKind.RETURNED))
    progress.take(status(Phase.RETURNING, *history, weight=weight(0)), START + 50)
    history = (*history, decided(60, DecisionKind.PROMOTED, "Promoted"))
    progress.take(status(Phase.PROMOTED, *history), START + 60)
    return progress


def request(
    seconds: float, version: str = "v1", track: str = "stable", code: int = 200, took: float = 0.01
) -> Answer:
    sent = START + seconds
    return Answer(sent, sent + took, code, version, track, "" if code else "TimeoutError")


def split(start: float, end: float, percent: int, version: str = "v2") -> list[Answer]:
    """100 requests a second, `percent` of them on the canary."""
    count = round((end - start) * 100)
    return [
        request(start + i / 100, *((version, "canary") if i % 100 < percent else ("v1", "stable")))
        for i in range(count)
    ]


def answers(*groups: list[Answer]) -> Answers:
    return Answers(answer for group in groups for answer in group)
