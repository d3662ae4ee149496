"""`Scene`: all that one picture of the demonstration shows, taken at one moment."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum

from hack.answers import Answers, Share
from hack.demo.progress import Progress
from hack.demo.releases import Release
from linnet.api.spec import CanaryReleaseSpec
from linnet.api.status import CanaryReleaseStatus, HistoryEntry
from linnet.core.catalog import Check, checks

LATELY_S = 5.0
SPARK_POINTS = 60
SPARK_S = 2.0


class Mark(StrEnum):
    """How far something is."""

    WAITING = "·"
    RUNNING = "●"
    GOOD = "✓"
    BAD = "✗"


@dataclass
class Stage:
    """A part of the preparation."""

    name: str
    began: float
    ended: float | None = None
    note: str = ""


@dataclass(frozen=True)
class Line:
    """One release in the list."""

    name: str
    summary: str
    mark: Mark
    outcome: str = ""
    detail: str = ""
    seconds: float | None = None


@dataclass(frozen=True)
class Flow:
    """Requests that one version answered on one track; per_second and p95 are of late."""

    track: str
    version: str
    per_second: float
    p95_ms: float
    requests: int
    failures: int


@dataclass(frozen=True)
class Current:
    """The release that runs.

    measured: the canary's share of late. shares: the same over time, in percent, newest last.
    decisions: newest last.
    """

    release: Release
    started: float
    status: CanaryReleaseStatus | None
    steps: tuple[tuple[int, float], ...]
    min_samples: int
    checks: tuple[Check, ...]
    measured: Share
    shares: tuple[float, ...]
    decisions: tuple[HistoryEntry, ...]


@dataclass(frozen=True)
class Scene:
    """One moment. Times are unix seconds."""

    now: float
    started: float
    cluster: str
    stages: tuple[Stage, ...] = ()
    lines: tuple[Line, ...] = ()
    flows: tuple[Flow, ...] = ()
    current: Current | None = None


@dataclass
class Show:
    """What the demonstration knows so far; the story writes it, pictures are taken of it."""

    cluster: str
    started: float
    releases: tuple[Release, ...]
    stages: list[Stage] = field(default_factory=list)
    done: list[Progress] = field(default_factory=list)
    progress: Progress | None = None
    spec: CanaryReleaseSpec | None = None
    answers: Answers = field(default_factory=Answers)

    def scene(self, now: float) -> Scene:
        """Take a picture."""
        running = self.progress
        since = running.started if running is not None else self.started
        return Scene(
            now=now,
            started=self.started,
            cluster=self.cluster,
            stages=tuple(self.stages),
            lines=tuple(self._line(release, now) for release in self.releases),
            flows=flows(self.answers, since, now),
            current=self._current(running, now) if running is not None else None,
        )

    def _line(self, release: Release, now: float) -> Line:
        known = [*self.done, *([self.progress] if self.progress else [])]
        progress = next((p for p in known if p.release is release), None)
        if progress is None:
            return Line(release.name, release.summary, Mark.WAITING)
        seconds = (progress.ended or now) - progress.started
        if progress.ended is None:
            return Line(release.name, release.summary, Mark.RUNNING, seconds=seconds)
        return Line(
            release.name,
            release.summary,
            Mark.GOOD if progress.as_expected else Mark.BAD,
            progress.outcome,
            progress.reason if progress.outcome != progress.reason else "",
            seconds,
        )

    def _current(self, progress: Progress, now: float) -> Current:
        spec = self.spec
        since = max(now - LATELY_S, progress.moved)
        return Current(
            release=progress.release,
            started=progress.started,
            status=progress.status,
            steps=tuple((s.weight, s.hold.total_seconds()) for s in spec.steps) if spec else (),
            min_samples=spec.analysis.min_samples if spec else 0,
            checks=checks(spec.analysis) if spec else (),
            measured=self.answers.share(since, now, track="canary"),
            shares=shares(self.answers, progress.started, now),
            decisions=tuple(progress.history),
        )


def flows(answers: Answers, since: float, now: float) -> tuple[Flow, ...]:
    """Each version that answered since a moment, stable ones first."""
    total: Counter[tuple[str, str]] = Counter()
    failed: Counter[tuple[str, str]] = Counter()
    late: dict[tuple[str, str], list[float]] = {}
    for answer in answers.sent(since, now):
        key = (answer.track, answer.version)
        total[key] += 1
        failed[key] += answer.failed
        if answer.sent >= now - LATELY_S:
            late.setdefault(key, []).append(answer.finished - answer.sent)
    span = max(1.0, min(LATELY_S, now - since))
    return tuple(
        Flow(
            track or "none",
            version or "none",
            len(late.get((track, version), ())) / span,
            1000 * _p95(late.get((track, version), [])),
            total[track, version],
            failed[track, version],
        )
        for track, version in sorted(total, key=lambda key: (key[0] != "stable", key))
    )


def _p95(times: list[float]) -> float:
    return sorted(times)[min(len(times) - 1, int(0.95 * len(times)))] if times else 0.0


def shares(answers: Answers, since: float, now: float) -> tuple[float, ...]:
    """The canary's share in percent, one point for each SPARK_S up to now."""
    start = max(since, now - SPARK_POINTS * SPARK_S)
    count = int((now - start) / SPARK_S)
    total, part = [0] * count, [0] * count
    for answer in answers.sent(now - count * SPARK_S, now):
        index = min(count - 1, int((answer.sent - now) / SPARK_S + count))
        total[index] += 1
        part[index] += answer.track == "canary"
    return tuple(100 * p / t if t else 0.0 for p, t in zip(part, total, strict=True))
