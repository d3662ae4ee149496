"""What the demonstration's versions come to, played without a cluster."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from hack.experiment import releases
from hack.experiment.crowd import User, crowd, moment
from hack.experiment.outcome import of
from hack.experiment.releases import (
    BASE,
    DAY_S,
    DURATION_S,
    MINIMUM_S,
    OPEN_S,
    TRIALS,
    USERS,
    WEIGHT,
    Trial,
    policy,
)
from hack.experiment.truth import EDGES, Comparison, Person, people
from hack.experiment.visits import Asked
from linnet.api.experiment import Experiment
from linnet.api.experiment_step import ExperimentStatus
from linnet.api.spec import CanaryReleaseSpec
from linnet.experiment.data import Both, Data, Measured
from linnet.experiment.judge import Judgement, judge
from linnet.stats.experiment.sums import Sums

TONE = "tone-7e8a1b"
BEGIN = 1_800_000_000.0
LOOK_S = 6
TOOK_S = 0.02
"""What a request takes here."""


def spec() -> Experiment:
    made = policy("it is better")
    made["traffic"] |= {"httpRoute": "recochat"}
    step = CanaryReleaseSpec.model_validate({**made, "targetRef": {"name": "recochat"}}).steps[0]
    assert step.experiment is not None
    return step.experiment.at(step.weight)


def visit(user: User, begin: float) -> Iterator[Asked]:
    """What one user sees, if everything takes no time."""
    at = moment(begin, user.after_s, DAY_S)
    track = "canary" if int(user.header) < WEIGHT else "stable"

    def asked(at: float, **more: object) -> Asked:
        return Asked(user.name, at, at + TOOK_S, 200, track, TONE, **more)  # type: ignore[arg-type]

    if user.lost:
        return
    yield asked(at)
    if user.adopts:
        session = f"s-{user.name}"
        yield asked(at + 0.1, session=session, turn=1)
        yield asked(at + 0.1 + user.pause_s, session=session, turn=2)
        late = at + 0.2 + user.pause_s
        yield asked(late, points=user.points, completed=user.completes)
    if user.returns:
        yield asked(at + DAY_S)


def data(persons: list[Person], until: float) -> Data:
    arms = [[p for p in persons if p.variant == name] for name in ("control", "treatment")]

    def both(y: str, d: str = "") -> Both:
        return Both(*(_sums([(_value(p, y), _value(p, d)) for p in arm]) for arm in arms))

    metrics = {
        "adoption": Measured(both("adopted")),
        "duration": Measured(both("seconds", "sessions")),
        "completion": Measured(both("completions", "sessions")),
        "satisfaction": Measured(both("score", "ratings")),
        "return_rate": Measured(both("back")),
        "error_rate": Measured(both("errors", "requests")),
        "slow_requests": Measured(edges={float(edge): both(edge, "requests") for edge in EDGES}),
    }
    users = float(len(arms[0])), float(len(arms[1]))
    start, end = (datetime.fromtimestamp(at, UTC) for at in (BEGIN, until))
    return Data(start, end, users, metrics)


def _value(person: Person, name: str) -> float:
    found = {
        "": 0.0,
        "adopted": person.turns > 0,
        "back": len(person.days) > 1,
        "seconds": sum(person.seconds) / 2,
        **person.slow,
    }
    return float(found[name] if name in found else getattr(person, name))


def _sums(values: list[tuple[float, float]]) -> Sums:
    y, d = ([pair[place] for pair in values] for place in (0, 1))
    return Sums(
        float(len(values)),
        sum(y),
        sum(v * v for v in y),
        sum(d),
        sum(v * v for v in d),
        sum(a * b for a, b in values),
    )


def played(trial: Trial, begin: float) -> tuple[Judgement, float]:
    """The judgement that ends it, and after how many seconds."""
    users = crowd(f"tone-{trial.name}", USERS, OPEN_S, WEIGHT, BASE, trial.behaviour)
    seen = [asked for user in users for asked in visit(user, begin)]
    start = datetime.fromtimestamp(begin, UTC)
    for after in range(LOOK_S, DURATION_S + 2 * LOOK_S, LOOK_S):
        known = [asked for asked in seen if asked.finished <= begin + after]
        measured = data(list(people(known, TONE, DAY_S).values()), begin + after)
        found = judge(
            spec(),
            Data(start, measured.until, measured.users, measured.metrics),
            start + timedelta(seconds=after),
        )
        if found.result or found.invalid:
            return found, float(after)
    raise AssertionError("it has no end")


@pytest.mark.thorough
@pytest.mark.parametrize(("begin", "trial"), list(zip(range(0, 20, 4), TRIALS, strict=True)))
def test_each_version_comes_to_what_it_should(begin: int, trial: Trial) -> None:
    found, after = played(trial, BEGIN + begin)
    result = "Invalid" if found.invalid else str(found.result)
    told = [(reading.name, reading.effect, sorted(reading.states)) for reading in found.readings]
    assert (result, found.rule.name if found.rule else "") == (trial.result, trial.rule), told
    assert (after < MINIMUM_S) is trial.early


def test_all_users_have_been_there_before_a_success_may_be_told() -> None:
    users = crowd("tone", USERS, OPEN_S, WEIGHT, BASE, TRIALS[0].behaviour)
    for begin in range(DAY_S):
        last = max(asked.finished for user in users for asked in visit(user, BEGIN + begin))
        assert last - (BEGIN + begin) < MINIMUM_S + 15


COUNTS = Comparison({"control": 250, "treatment": 250}, 90, 20, ())


def status(result: str, rule: str, seconds: float) -> ExperimentStatus:
    start = datetime.fromtimestamp(BEGIN, UTC)
    return ExperimentStatus.model_validate(
        {
            "id": TONE,
            "revision": "7e8a1b",
            "weight": WEIGHT,
            "startedAt": start.isoformat(),
            "endedAt": (start + timedelta(seconds=seconds)).isoformat(),
            "result": result,
            "rule": rule,
        }
    )


def test_an_outcome_says_what_is_not_as_it_should_be() -> None:
    harm = TRIALS[-1]
    seen = [Asked("ada", 1, 2, 200, "stable", TONE), Asked("ada", 3, 4, 200, "stable")]
    good = of(harm, status("Failure", "harm", 31), seen, COUNTS, promoted=False)
    assert good.wrong == ()
    assert list(good.lines()) == [
        "✓ Failure (rule harm) after 31 s, rolled back",
        "250 users of control and 250 users of treatment: 90 sums exact, 20 within bounds, 0 wrong",
    ]
    assert (good.requests, good.outside, good.as_json()["users"]) == (2, 1, COUNTS.users)
    failed = [Asked("ada", 1, 2, 503, "stable", TONE)]
    missing = Comparison({}, 0, 0, ("control users: 1, must be 2",))
    bad = of(harm, status("Success", "success", 95), failed, missing, promoted=True)
    assert bad.wrong == (
        "Success success, expected Failure harm",
        "promoted",
        "decided after 95 s, expected before 90",
        "1 requests failed",
        "control users: 1, must be 2",
        "nobody was counted",
    )


def test_the_chart_gets_a_redis_and_the_experiments_of_these_releases() -> None:
    made = releases.values("v2", "recochat:1", "redis:7", policy())
    settings = {each["name"]: each["value"] for each in made["extraEnv"]}
    assert settings["RECOCHAT_EXPERIMENTS"] == "tone-*"
    assert settings["RECOCHAT_EXPERIMENT_DAY_S"] == str(DAY_S)
    assert made["redis"] == {"enabled": True, "image": "redis:7"}
    assert made["canaryRelease"]["enabled"]
    assert not releases.values("v1", "recochat:1", "redis:7", None)["canaryRelease"]["enabled"]
