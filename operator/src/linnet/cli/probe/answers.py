"""What a probe's answers come to: by class, refusals, and how long they took."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

TOO_MANY = 429
NO_ANSWER = "no answer"
NEEDED_PERCENT = 95.0
"""A probe passes with more than this."""
SHOWN = 3
"""So many kinds of failed requests are told."""


@dataclass(frozen=True)
class Answer:
    """One request's answer. status: 0 without one, for the reason in `problem`.

    seconds: up to the end of the body. retry_after: seconds that the answer asks to wait; None
    where it doesn't say.
    """

    status: int
    seconds: float
    retry_after: float | None = None
    problem: str = ""

    @property
    def succeeded(self) -> bool:
        """Whether it was answered with 2xx or 3xx."""
        return 200 <= self.status < 400

    @property
    def kind(self) -> str:
        """The class of its status, e.g. 2xx."""
        return f"{self.status // 100}xx" if self.status else NO_ANSWER


@dataclass(frozen=True)
class Refused:
    """The answers with 429. least, most: seconds of Retry-After; None where none has one."""

    count: int
    with_retry_after: int
    least_seconds: float | None
    most_seconds: float | None


@dataclass(frozen=True)
class Latency:
    """Milliseconds until an answer was complete, of all that were answered."""

    p50: float
    p95: float
    p99: float
    most: float


@dataclass(frozen=True)
class Probed:
    """What a probe has found. planned, sent: requests; rate: sent in a second."""

    passed: bool
    success_percent: float
    needed_percent: float
    planned: int
    sent: int
    seconds: float
    rate: float
    answers: dict[str, int]
    statuses: dict[str, int]
    refused: Refused
    latency_ms: Latency | None
    problems: dict[str, int]


def probed(
    answers: Sequence[Answer],
    planned: int,
    seconds: float,
    needed_percent: float = NEEDED_PERCENT,
) -> Probed:
    """Judge a probe. planned: requests; seconds: in which they were sent.

    It passes if more than `needed_percent` of what was sent was answered with 2xx or 3xx.
    """
    sent = len(answers)
    share = 100 * sum(answer.succeeded for answer in answers) / sent if sent else 0.0
    problems = Counter(answer.problem for answer in answers if answer.problem)
    statuses = Counter(str(answer.status) for answer in answers if answer.status)
    return Probed(
        passed=share > needed_percent,
        success_percent=share,
        needed_percent=needed_percent,
        planned=planned,
        sent=sent,
        seconds=seconds,
        rate=sent / seconds if seconds > 0 else 0.0,
        answers=dict(sorted(Counter(answer.kind for answer in answers).items())),
        statuses=dict(sorted(statuses.items())),
        refused=_refused([answer for answer in answers if answer.status == TOO_MANY]),
        latency_ms=_latency([1000 * a.seconds for a in answers if a.status]),
        problems=dict(problems.most_common(SHOWN)),
    )


def _refused(answers: Sequence[Answer]) -> Refused:
    waits = [answer.retry_after for answer in answers if answer.retry_after is not None]
    return Refused(len(answers), len(waits), min(waits, default=None), max(waits, default=None))


def _latency(milliseconds: Sequence[float]) -> Latency | None:
    if not milliseconds:
        return None
    ranked = sorted(milliseconds)
    p50, p95, p99 = (percentile(ranked, share) for share in (50, 95, 99))
    return Latency(p50, p95, p99, ranked[-1])


def percentile(ranked: Sequence[float], share: float) -> float:
    """The least value that `share` percent of them don't exceed (nearest rank). share: 0 to 100."""
    return ranked[max(1, ceil(share / 100 * len(ranked))) - 1]
