"""Requests as a gateway would count them, without chance: for the comparison in a pure world."""

from dataclasses import dataclass
from datetime import datetime

from linnet.core.observed import Tally
from linnet.core.sources import Arm, Arms

EDGES = (0.1, 1.0)
"""Of the histogram, in seconds. Nothing takes longer than the last."""


@dataclass
class Requests:
    """What is asked of both versions together, and how they answer it. Shares are 0 to 1.

    slow: those that take longer than the first edge. share: the canary's real share of traffic;
    None for what the route says. canary_cpu_s: seconds of CPU for a request; stable's take a
    hundredth. away: why nobody tells of them.
    """

    per_second: float = 200.0
    stable_fails: float = 0.002
    canary_fails: float = 0.002
    stable_slow: float = 0.1
    canary_slow: float = 0.1
    share: float | None = None
    canary_cpu_s: float = 0.01
    away: str = ""

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
            Arms(_arm(every * (1 - share), self.stable_fails, self.stable_slow), canary),
        )


def _arm(requests: float, fails: float, slow: float, cpu_s: float = 0.01) -> Arm | None:
    requests = float(round(requests))
    if not requests:
        return None
    first, last = EDGES
    faster = {first: requests - round(requests * slow), last: requests}
    return Arm(requests, float(round(requests * fails)), requests, faster, requests * cpu_s)
