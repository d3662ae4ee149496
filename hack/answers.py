"""What a load client saw: every answer, and the questions that one asks of them."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

PATIENCE_S = 10.0
"""Longest time that a request may take; one without an answer by then counts as status 0."""


class Answer(NamedTuple):
    """One request and how it ended. Times are unix seconds.

    status: 0 where there was no answer; `error` then says what happened.
    version, track: who answered, by its own headers; empty where nobody said.
    """

    sent: float
    finished: float
    status: int
    version: str = ""
    track: str = ""
    error: str = ""

    @property
    def failed(self) -> bool:
        """Whether a client would call this a failure: anything but a 2xx."""
        return not 200 <= self.status < 300

    @property
    def kind(self) -> str:
        """The status, or what kept an answer from coming."""
        return str(self.status) if self.status else self.error


@dataclass(frozen=True)
class Share:
    """How many of some requests a track or version answered."""

    requests: int
    part: int

    @property
    def percent(self) -> float | None:
        """The part in percent; None where there were no requests."""
        return 100 * self.part / self.requests if self.requests else None


class Answers:
    """All answers so far, in the order in which they came in.

    One thread may add while others ask: a list only grows, and a question looks at what there is.
    """

    def __init__(self, answers: Iterable[Answer] = ()) -> None:
        self._all: list[Answer] = sorted(answers, key=lambda answer: answer.finished)

    def __len__(self) -> int:
        return len(self._all)

    def add(self, answers: Iterable[Answer]) -> None:
        """Take in answers that finished after those already here."""
        self._all.extend(sorted(answers, key=lambda answer: answer.finished))

    def sent(self, since: float, until: float) -> Iterator[Answer]:
        """Answers to requests that were sent from `since` up to, not including, `until`."""
        start = bisect_left(self._all, since, key=lambda answer: answer.finished)
        for index in range(start, len(self._all)):
            answer = self._all[index]
            if answer.finished > until + 2 * PATIENCE_S:
                return
            if since <= answer.sent < until:
                yield answer

    def counts(self, since: float, until: float) -> Counter[tuple[str, str, int]]:
        """Number of requests by (version, track, status)."""
        return Counter((a.version, a.track, a.status) for a in self.sent(since, until))

    def failures(self, since: float, until: float) -> list[Answer]:
        """Requests of a span that failed."""
        return [answer for answer in self.sent(since, until) if answer.failed]

    def share(self, since: float, until: float, *, track: str = "", version: str = "") -> Share:
        """How many of a span's requests a track, a version, or a version on a track answered.

        Requests that nobody answered count among all.
        """
        total = part = 0
        for answer in self.sent(since, until):
            total += 1
            if track in ("", answer.track) and version in ("", answer.version):
                part += 1
        return Share(total, part)

    def last_on(self, track: str, since: float) -> Answer | None:
        """The last request sent after `since` that the track answered."""
        on_track = (answer for answer in self.sent(since, float("inf")) if answer.track == track)
        return max(on_track, key=lambda answer: answer.sent, default=None)

    def latency(self, quantile: float, since: float, until: float, version: str = "") -> float:
        """A quantile of the time to an answer in seconds; 0 where there was none."""
        times = sorted(
            answer.finished - answer.sent
            for answer in self.sent(since, until)
            if version in ("", answer.version) and answer.status
        )
        return times[min(len(times) - 1, int(quantile * len(times)))] if times else 0.0
