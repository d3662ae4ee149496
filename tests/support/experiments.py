"""Experiments to judge: users who did something, as sums."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from linnet.api.experiment import Experiment, MetricState
from linnet.api.experiment_step import ExperimentFinding, ExperimentStatus, ExperimentUsers
from linnet.experiment.data import Both, Data, Measured
from linnet.experiment.judge import judge
from linnet.experiment.record import Record, noted
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


def tried(**changes: Any) -> ExperimentStatus:
    """An experiment that runs, as status tells of it."""
    states = (MetricState.BETTER, MetricState.MINIMUM_EFFECT, MetricState.NOT_WORSE)
    fields: dict[str, Any] = {
        "id": "tone-v2",
        "revision": "v2",
        "weight": 50,
        "started_at": START,
        "users": ExperimentUsers(control=5012, treatment=4988),
        "message": "At 50 %, 1 of 6 goals shown to be better",
        "read_at": START + timedelta(days=3),
        "recorded_at": START + timedelta(days=3),
        "metrics": (
            _found("adoption", 30.1, 42.2, 12.1, 7.9, 16.3, *states),
            _found("duration", 101.5, 104.0, 2.5, -11.0, 16.0),
            _found("error_rate", 0.31, 0.74, 0.43, 0.2, 0.66, MetricState.BEYOND_LIMIT),
            ExperimentFinding(name="return_rate"),
        ),
    }
    return ExperimentStatus(**fields | changes)


def _found(
    name: str,
    control: float,
    treatment: float,
    effect: float,
    low: float,
    high: float,
    *states: MetricState,
) -> ExperimentFinding:
    return ExperimentFinding(
        name=name,
        control=control,
        treatment=treatment,
        effect=effect,
        low=low,
        high=high,
        states=states,
    )


PARTS = {"country": {"de": shares(28, 41), "fr": shares(33, 43)}}
DAYS = tuple(shares(30, 45 - day, 700) for day in range(7))


def kept(days: float = 14.0, **changes: object) -> Record:
    """What is kept of an experiment of the release shop, looked at each day, still running."""
    return replace(_looked_at(days), **changes)  # type: ignore[arg-type]


@cache
def _looked_at(days: float) -> Record:
    spec = Experiment(hypothesis="Short answers are read to the end")
    metrics = good() | {"adoption": Measured(shares(30, 42), DAYS, PARTS)}
    found = data(metrics, days)
    begun = data({}, 0, (0.0, 0.0))
    record = Record("shop", "default", "tone-v2", "v2", ("v1", "v2"), spec, begun)
    for day in range(1, int(days) + 1):
        seen = data(metrics, float(day))
        record = noted(record, seen, judge(spec, seen, seen.until), seen.until)
    return replace(record, data=found)
