"""Data as they are written: read exactly, and refused with the place where they can't be."""

import json
from typing import Any

import pytest

from linnet.api.experiment import (
    Condition,
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
from linnet.experiment.contradictions import contradictions
from linnet.experiment.data import Data, Health, Measured
from tests.support.experiments import data, good, shares


def test_data_go_through_json() -> None:
    parts = {"country": {"de": shares(1, 2), "fr": shares(3, 4)}}
    metrics = good() | {"adoption": Measured(shares(1, 2), (shares(5, 6),), parts)}
    known = data(metrics)
    before = Data(
        known.started, known.until, known.users, known.metrics, (Health("redis", True, "up"),)
    )
    assert Data.from_json(json.loads(json.dumps(before.to_json()))) == before


def test_two_days_add_up() -> None:
    both = shares(10, 20, 100) + shares(30, 40, 100)
    assert (both.control.y, both.treatment.y, both.users) == (40, 60, 400)


def changed(**fields: Any) -> dict[str, Any]:
    return data().to_json() | fields


SUMS = {"users": 10, "y": 5}


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (changed(started="yesterday"), "started: is no time such as"),
        (changed(started="2026-11-02T00:00:00"), "started: needs its zone"),
        (changed(users=7), "users: is missing, or no object"),
        (changed(users={"control": -1, "treatment": 2}), "users.control: is no count: -1"),
        (changed(metrics={"a": 1}), "metrics.a: is no object"),
        (changed(metrics={"a": {"control": SUMS}}), "metrics.a.treatment: is missing"),
        (
            changed(metrics={"a": {"control": SUMS, "treatment": {"users": 1, "y": 2}}}),
            "metrics.a.treatment: y is 2, more than",
        ),
        (changed(metrics={"a": {"edges": [2, 1]}}), "metrics.a.edges: is missing"),
        (
            changed(metrics={"a": {"edges": {"slow": {"control": SUMS, "treatment": SUMS}}}}),
            "metrics.a.edges: 'slow' is no limit",
        ),
        (changed(health=[{"name": "redis"}]), "health: an entry has a name"),
    ],
)
def test_what_cant_be_is_named(written: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Data.from_json(written)


def test_the_default_experiment_means_something() -> None:
    assert contradictions(Experiment()) == ()


LAST = ResultRule(name="else", result=Result.CONDITIONAL)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"metrics": (ExperimentMetric(name="a"),) * 2}, "metrics[a]: there are 2 of that name"),
        ({"metrics": (ExperimentMetric(name="a", role=Role.GUARDRAIL),)}, "metrics: has no goal"),
        (
            {"metrics": (ExperimentMetric(name="a", kind=MetricKind.QUANTILE),)},
            "metrics[a]: a Quantile is between edges",
        ),
        (
            {"metrics": (ExperimentMetric(name="a", limit=ValueLimit()),)},
            "metrics[a].limit: has either below or above",
        ),
        ({"minimum_duration": "400h"}, "minimumDuration: is longer than duration"),
        (
            {
                "rules": (
                    ResultRule(
                        name="r",
                        result=Result.SUCCESS,
                        conditions=(Condition(state=MetricState.BETTER, metrics=("b",)),),
                    ),
                    LAST,
                )
            },
            "rules[r]: there is no metric b",
        ),
        (
            {"rules": (LAST.model_copy(update={"when": When.ANY_TIME}),)},
            "rules: the last one must hold at the end",
        ),
    ],
)
def test_what_a_spec_cant_mean_is_named(fields: dict[str, Any], said: str) -> None:
    (found,) = contradictions(Experiment.model_validate(fields))
    assert found.startswith(said)
