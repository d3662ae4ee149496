"""Requests as a gateway would count them, without chance: for the comparison in a pure world."""

from dataclasses import dataclass
from datetime import datetime

from linnet.core.observed import Tally
from linnet.core.pods import Happened, MemorySeen, PodsSeen
from linnet.core.sources import Arm, Arms

EDGES = (0.1, 1.0)
"""Of the histogram, in seconds. Nothing takes longer than the last."""


@dataclass
class Requests:
    """What is asked of both versions together, and how they answer it. Shares are 0 to 1.

    slow: those that take longer than the first edge. share: the canary's real share of traffic;
    None for what the route says. canary_cpu_s: seconds of CPU for a request; stable's take a
    hundredth. canary_restarts, canary_kills: an hour, of its one pod; stable's nineteen have none.
    canary_grows: its memory, as a part of it an hour. pods_told: whether anybody tells of pods.
    away: why nobody tells of anything.
    """

    per_second: float = 200.0
    stable_fails: float = 0.002
    canary_fails: float = 0.002
    stable_slow: float = 0.1
    canary_slow: float = 0.1
    share: float | None = None
    canary_cpu_s: float = 0.01
    canary_restarts: float = 0.0
    canary_kills: float = 0.0
    canary_grows: float = 0.0
    pods_told: bool = True
    away: str = ""
    begun: datetime | None = None

    def between(self, since: datetime, until: datetime, weight: int) -> Tally:
        """The tally of a span in which the route had a weight, in percent."""
        if self.away:
            return Tally(since, until, error=self.away)
        every = self.per_second * (until - since).total_seconds()
        share = weight / 100 if self.share is None else self.share
        canary = _arm(every * share, self.canary_fails, self.canary_slow, self.canary_cpu_s)
        return Tally(
            since,
            until,
            Arms(
                _arm(every * (1 - share), self.stable_fails, self.stable_slow),
                canary,
                self._pods(since, until),
            ),
        )

    def _pods(self, since: datetime, until: datetime) -> PodsSeen:
        if not self.pods_told:
            return PodsSeen(Happened(), Happened(), MemorySeen())
        self.begun = self.begun or since
        first, last = ((moment - self.begun).total_seconds() / 3600 for moment in (since, until))

        def happened(an_hour: float) -> Happened:
            events = float(int(an_hour * last) - int(an_hour * first))
            hours = last - first
            return Happened((0.0, 19 * 3600 * hours), (events, 3600 * hours))

        used = 1e8 * (1 + self.canary_grows * last)
        memory = MemorySeen(3600 * last, {"canary": used}, {"stable": 1e8}, {"stable": 1e8})
        return PodsSeen(happened(self.canary_restarts), happened(self.canary_kills), memory)


def _arm(requests: float, fails: float, slow: float, cpu_s: float = 0.01) -> Arm | None:
    requests = float(round(requests))
    if not requests:
        return None
    first, last = EDGES
    faster = {first: requests - round(requests * slow), last: requests}
    return Arm(requests, float(round(requests * fails)), requests, faster, requests * cpu_s)
