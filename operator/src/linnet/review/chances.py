"""What limits do by chance: how often they roll a good version back, and what they can find.

Requests are independent here, and their rate is constant: real traffic is rougher, and what is said
of a limit is better than it will be.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from math import log

import numpy as np

from linnet.api.analysis import Analysis, ReadyMade
from linnet.api.spec import CanaryReleaseSpec, Step
from linnet.core.catalog import QUERIES, Check, checks
from linnet.core.looks import policy_of
from linnet.stats.errors import ERRORS

ENOUGH = 0.9
"""The share of defects that are found which counts as being able to find them."""
SIZES = (0.2, 0.3, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 20.0, 30.0, 50.0, 100.0)
"""Error rates in percent that are tried."""
RELEASES = 1000
SEED = 537
OVERHEAD = 2.0
"""How many times the least possible delay the comparison takes, about, in a clean world."""


@dataclass(frozen=True)
class Expected:
    """What a person knows of the service: of all requests together, and what fails of them."""

    requests_per_second: float
    error_percent: float = 0.2


def canary_requests(expected: Expected, step: Step, span: timedelta) -> float:
    """Requests to the canary in a span of time, at a step's weight."""
    return expected.requests_per_second * step.weight / 100 * span.total_seconds()


def error_limit(check: Check) -> float | None:
    """The share of failed requests, in percent, beyond which a check rolls back, if it is one."""
    if check.query == QUERIES[ReadyMade.ERROR_RATE]:
        return check.above
    if check.query == QUERIES[ReadyMade.AVAILABILITY] and check.below is not None:
        return 100 - check.below
    return None


def rolled_back(
    spec: CanaryReleaseSpec, step: Step, expected: Expected, percent: float, seed: int = SEED
) -> float:
    """The share of releases that limits on errors end within a step's hold time, 0 to 1.

    percent: of the canary's requests that fail.
    """
    limits = [(limit, c.consecutive) for c in checks(spec.analysis) if (limit := error_limit(c))]
    analysis, rng = spec.analysis, np.random.default_rng(seed)
    mean = canary_requests(expected, step, analysis.interval)
    streaks = np.zeros((len(limits), RELEASES))
    ended = np.zeros(RELEASES, dtype=bool)
    window: deque[np.ndarray] = deque(maxlen=_measurements_in(analysis))
    for _ in range(_measurements(analysis, step)):
        requests = rng.poisson(mean, RELEASES)
        window.append(np.array([requests, rng.binomial(requests, percent / 100)]))
        served, failed = np.sum(window, axis=0)
        for i, (limit, times) in enumerate(limits):
            beyond = 100 * failed > limit * served
            streaks[i] = np.where(served == 0, streaks[i], np.where(beyond, streaks[i] + 1, 0))
            ended |= streaks[i] >= times
    return float(ended.mean())


def smallest_found(spec: CanaryReleaseSpec, step: Step, expected: Expected) -> float | None:
    """The smallest error rate, in percent, that a step's time is enough to find, if there is one.

    By limits or by the comparison with stable, whichever finds more.
    """
    found = [size for size in SIZES if size > expected.error_percent]
    by_limits = _least(found, lambda size: rolled_back(spec, step, expected, size) >= ENOUGH)
    by_comparison = _least(found, lambda size: _comparison_takes(spec, step, expected, size))
    known = [size for size in (by_limits, by_comparison) if size is not None]
    return min(known, default=None)


def _least(sizes: list[float], finds: Callable[[float], bool]) -> float | None:
    least = None
    for size in reversed(sizes):
        if not finds(size):
            break
        least = size
    return least


def _comparison_takes(
    spec: CanaryReleaseSpec, step: Step, expected: Expected, percent: float
) -> bool:
    """Whether the comparison finds this error rate in the step's time.

    Wald's bound ("Sequential Analysis", 1947): what is to be shown, divided by the information that
    a second brings where both the defect and the healthy rates' ratio are known.
    """
    asked = spec.analysis.comparison
    if asked is None:
        return False
    needed, seconds = log(1 / policy_of(asked).alpha), step.hold.total_seconds()
    if step.weight >= 100:
        told = _against(percent / 100, asked.objective_percent / 100)
        return OVERHEAD * needed <= expected.requests_per_second * told * seconds
    share, odds = step.weight / 100, step.weight / (100 - step.weight) * ERRORS.margin
    canary, stable = share * percent, (1 - share) * expected.error_percent
    bad, fine = canary / (canary + stable), odds / (1 + odds)
    if bad <= fine:
        return False
    told = bad * log(bad / fine) + ((1 - bad) * log((1 - bad) / (1 - fine)) if bad < 1 else 0.0)
    events = expected.requests_per_second * (canary + stable) / 100
    return OVERHEAD * needed <= events * told * seconds


def _against(rate: float, objective: float) -> float:
    """The information of a request against an objective: of a Poisson count, by its rate."""
    return rate * log(rate / objective) - (rate - objective) if rate > objective else 0.0


def _measurements_in(analysis: Analysis) -> int:
    """Measurements whose windows have a moment in common."""
    return max(1, round(analysis.window / analysis.interval))


def _measurements(analysis: Analysis, step: Step) -> int:
    """Measurements in a step, at least those that it takes to be passed."""
    least = analysis.min_samples + _measurements_in(analysis)
    return max(least, int(step.hold / analysis.interval))
