"""Experiments to judge: users who did something, as sums."""

from datetime import UTC, datetime, timedelta

from linnet.experiment.data import Both, Data, Measured
from linnet.stats.experiment.sums import Sums

START = datetime(2026, 11, 2, tzinfo=UTC)
USERS = 5000.0


def shares(control: float, treatment: float, users: float = USERS) -> Both:
    """So many percent of users did it."""
    arms = (Sums(users, users * p / 100, users * p / 100) for p in (control, treatment))
    return Both(*arms)


def means(control: float, treatment: float, sd: float, users: float = USERS) -> Both:
    """A number per user with that mean and standard deviation."""
    arms = (Sums(users, users * m, users * (m * m + sd * sd)) for m in (control, treatment))
    return Both(*arms)


def ratios(control: float, treatment: float, sd: float, users: float = USERS) -> Both:
    """Four times something of each user, with that mean and standard deviation per time."""

    def arm(mean: float) -> Sums:
        d = 4.0
        y, yy = d * mean, d * sd * sd + (d * mean) ** 2
        return Sums(users, *(users * x for x in (y, yy, d, d * d, d * y)))

    return Both(arm(control), arm(treatment))


def failures(control: float, treatment: float, users: float = USERS) -> Both:
    """Ten requests of each user, of which so many percent fail, independently."""
    return Both(_failing(control / 100, users), _failing(treatment / 100, users))


def _failing(p: float, users: float) -> Sums:
    d = 10.0
    failed = d * p
    squares = failed * (1 - p) + failed**2
    return Sums(users, *(users * x for x in (failed, squares, d, d * d, d * failed)))


def latencies(slow_control: float, slow_treatment: float, users: float = USERS) -> Measured:
    """So many percent of requests take longer than 75 ms, half as many longer than 100."""
    slow = (slow_control, slow_treatment)
    return Measured(
        edges={
            0.05: failures(50, 50, users),
            0.075: failures(*slow, users),
            0.1: failures(slow[0] / 2, slow[1] / 2, users),
        }
    )


def good(users: float = USERS) -> dict[str, Measured]:
    """What the default rules call a success."""
    return {
        "adoption": Measured(shares(30, 42, users)),
        "duration": Measured(ratios(100, 210, 80, users)),
        "completion": Measured(ratios(0.6, 0.61, 0.49, users)),
        "satisfaction": Measured(ratios(3.5, 3.75, 1, users)),
        "return_rate": Measured(shares(20, 20.2, users)),
        "error_rate": Measured(failures(0.3, 0.3, users)),
        "slow_requests": latencies(4, 4, users),
    }


def data(
    metrics: dict[str, Measured] | None = None,
    days: float = 14.0,
    users: tuple[float, float] = (USERS, USERS),
) -> Data:
    """After so many days."""
    until = START + timedelta(days=days)
    return Data(START, until, users, good() if metrics is None else metrics)
