"""Each result from the default rules, and from rules of one's own."""

from datetime import timedelta

import pytest

from linnet.api.experiment import (
    Better,
    Condition,
    Correction,
    Experiment,
    ExperimentMetric,
    MetricKind,
    MetricState,
    Result,
    ResultRule,
    Role,
    ValueLimit,
    When,
)
from linnet.experiment.data import Both, Data, Health, Measured
from linnet.experiment.judge import Judgement, judge
from tests.support.experiments import data, failures, good, latencies, means, ratios, shares

DEFAULT = Experiment()


def judged(found: Data, spec: Experiment = DEFAULT) -> Judgement:
    return judge(spec, found, found.until)


def states(found: Judgement, name: str) -> set[str]:
    (reading,) = (each for each in found.readings if each.name == name)
    return {str(state) for state in reading.states}


def test_a_success() -> None:
    found = judged(data())
    assert (found.result, found.rule and found.rule.name) == (Result.SUCCESS, "success")
    assert states(found, "adoption") == {"Better", "MinimumEffect", "NotWorse"}
    assert states(found, "error_rate") == {"WithinLimit"}
    assert found.warnings == ()


def test_a_success_takes_the_minimum_time() -> None:
    assert judged(data(days=6.9)).result is None
    assert judged(data(days=7)).result is Result.SUCCESS


def test_too_few_effects_are_for_a_person() -> None:
    few = good() | {
        "duration": Measured(ratios(100, 101, 80)),
        "satisfaction": Measured(ratios(3.5, 3.5, 1)),
    }
    assert judged(data(few, days=13.9)).result is None
    found = judged(data(few))
    assert (found.result, found.rule and found.rule.name) == (Result.CONDITIONAL, "unproven")
    assert "Better" in states(found, "adoption")


@pytest.mark.parametrize(
    "broken",
    [
        {"error_rate": Measured(failures(0.3, 0.51))},
        {"slow_requests": latencies(4, 11)},
        {"slow_requests": Measured()},
    ],
)
def test_a_limit_that_is_not_kept_is_no_success(broken: dict[str, Measured]) -> None:
    assert judged(data(good() | broken)).result is not Result.SUCCESS


def test_a_limit_that_is_shown_to_be_broken_is_a_failure_at_once() -> None:
    found = judged(data(good() | {"error_rate": Measured(failures(0.3, 1.2))}, days=1))
    assert (found.result, found.rule and found.rule.name) == (Result.FAILURE, "harm")
    slow = judged(data(good() | {"slow_requests": latencies(30, 30)}, days=1))
    assert (slow.result, slow.rule and slow.rule.name) == (Result.FAILURE, "limitBroken")


def test_harm_ends_it_early() -> None:
    harmed = good() | {"return_rate": Measured(shares(30, 20))}
    found = judged(data(harmed, days=2))
    assert (found.result, found.rule and found.rule.name) == (Result.FAILURE, "harm")
    assert states(found, "return_rate") == {"Worse"}


def test_what_cant_be_shown_any_more_is_futile() -> None:
    flat = good() | {
        "adoption": Measured(shares(30, 30)),
        "duration": Measured(ratios(100, 100, 80)),
        "completion": Measured(ratios(0.6, 0.6, 0.49)),
        "satisfaction": Measured(ratios(3.5, 3.5, 1)),
    }
    found = judged(data(flat, days=8))
    assert (found.result, found.rule and found.rule.name) == (Result.FAILURE, "futile")


def test_users_who_were_drawn_wrongly_make_it_invalid() -> None:
    found = judged(data(users=(5300.0, 4700.0)))
    assert found.result is None
    assert found.invalid.startswith("sample ratio mismatch: 47.00 % of users")
    assert found.rule is None


def test_a_mismatch_is_against_the_planned_share() -> None:
    spec = Experiment(treatment_percent=10)
    assert judged(data(users=(9000.0, 1000.0)), spec).invalid == ""
    assert judged(data(users=(5000.0, 5000.0)), spec).invalid


def test_no_data_are_never_a_success() -> None:
    found = judged(data({}))
    assert found.result is Result.CONDITIONAL
    assert "adoption: no data" in found.warnings
    assert all(not reading.states for reading in found.readings)


def test_few_users_claim_nothing() -> None:
    few = good(90.0)
    found = judged(data(few, days=2, users=(90.0, 90.0)))
    assert states(found, "duration") == {"MinimumEffect"}
    assert "duration: fewer than 100 in a variant, so nothing is claimed" in found.warnings


def test_old_data_and_an_unwell_service_are_warned_of() -> None:
    known = data()
    unwell = Data(
        known.started,
        known.until,
        known.users,
        known.metrics,
        (Health("redis", False, "down"),),
        crossed=(100, 101),
    )
    found = judge(DEFAULT, unwell, known.until + timedelta(hours=5))
    crossed = "201 users were served both variants, which hides effects"
    assert found.warnings == ("the data are 5 hours old", crossed, "redis: down")
    assert found.passed == timedelta(days=14)


def test_an_effect_that_fades_and_segments_that_reverse() -> None:
    days = tuple(shares(30, 50 - 2 * day, 500) for day in range(10))
    parts = {"country": {"de": shares(80, 85, 1000), "fr": shares(10, 15, 4000)}}
    odd = Both(shares(60, 0, 5000).control, shares(0, 29, 5000).treatment)
    found = judged(data({"adoption": Measured(odd, days, parts)}))
    assert any("adoption: the effect fades, from" in each for each in found.warnings)
    assert any("adoption: by country the effect is the opposite" in each for each in found.warnings)


def test_a_mismatch_is_traced_to_its_segment() -> None:
    parts = {"de": shares(30, 30), "fr": Both(shares(30, 0).control, shares(0, 30, 4000).treatment)}
    found = judged(data({"adoption": Measured(shares(30, 30), (), {"country": parts})}))
    told = [each for each in found.warnings if each.startswith("country")]
    assert told == ["country fr: 44.4 % of its users have the treatment"]


def own(metric: ExperimentMetric, *conditions: Condition) -> Experiment:
    return Experiment(
        metrics=(ExperimentMetric(name="goal"), metric),
        rules=(
            ResultRule(
                name="own", result=Result.SUCCESS, when=When.ANY_TIME, conditions=conditions
            ),
            ResultRule(name="else", result=Result.FAILURE),
        ),
    )


def test_a_guardrail_within_its_margin() -> None:
    guard = ExperimentMetric(name="guard", role=Role.GUARDRAIL, margin=3)
    spec = own(guard, Condition(state=MetricState.NOT_WORSE))
    fine = data({"guard": Measured(shares(30, 29.8))})
    assert judged(fine, spec).result is Result.SUCCESS
    few = data({"guard": Measured(shares(30, 29.8, 400))})
    assert judged(few, spec).result is Result.FAILURE


def test_a_condition_on_named_metrics() -> None:
    other = ExperimentMetric(name="other")
    better = Condition(state=MetricState.BETTER, metrics=("other",))
    assert judged(data({"other": Measured(shares(10, 20))}), own(other, better)).result == "Success"
    assert judged(data({"goal": Measured(shares(10, 20))}), own(other, better)).result == "Failure"


def test_a_limit_from_below() -> None:
    kept = ExperimentMetric(name="kept", kind=MetricKind.MEAN, limit=ValueLimit(above=3))
    spec = own(kept, Condition(state=MetricState.WITHIN_LIMIT))
    assert judged(data({"kept": Measured(means(4, 3.5, 1))}), spec).result is Result.SUCCESS
    low = judged(data({"kept": Measured(means(4, 2.5, 1))}), spec)
    assert states(low, "kept") == {"Worse", "BeyondLimit"}


def test_lower_is_better() -> None:
    metric = ExperimentMetric(name="time", kind=MetricKind.MEAN, better=Better.LOWER)
    spec = own(metric, Condition(state=MetricState.BETTER, at_least=1))
    assert judged(data({"time": Measured(means(5, 4, 1))}), spec).result is Result.SUCCESS
    assert judged(data({"time": Measured(means(4, 5, 1))}), spec).result is Result.FAILURE


@pytest.mark.parametrize("correction", list(Correction))
def test_many_goals_make_it_harder(correction: Correction) -> None:
    names = [f"goal{i}" for i in range(10)]
    many = Experiment(
        metrics=tuple(ExperimentMetric(name=name) for name in names), correction=correction
    )
    one = Experiment(metrics=(ExperimentMetric(name="goal0"),), correction=correction)
    near = {name: Measured(shares(30, 30)) for name in names}
    near["goal0"] = Measured(shares(30, 33))
    assert "Better" in states(judged(data(near), one), "goal0")
    assert "Better" not in states(judged(data(near), many), "goal0")
