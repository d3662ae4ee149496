"""Sums of users: merged, through JSON, and refused where no users can have them."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linnet.stats.experiment.arms import adjusted, mean, ratio
from linnet.stats.experiment.sums import Sums, impossible

VALUES = st.lists(
    st.tuples(st.floats(-1e3, 1e3), st.floats(0, 50), st.floats(-20, 20)), min_size=4, max_size=40
)


def sums(rows: list[tuple[float, float, float]]) -> Sums:
    y, d, x = np.array(rows).T
    return Sums.of(y, d, x)


@settings(max_examples=60, deadline=None)
@given(rows=VALUES, cut=st.integers(1, 3))
def test_two_parts_add_up_to_the_whole(rows: list[tuple[float, float, float]], cut: int) -> None:
    whole, parts = sums(rows), sums(rows[:cut]) + sums(rows[cut:])
    for name in whole.to_json():
        assert parts.to_json().get(name, 0.0) == pytest.approx(whole.to_json()[name], abs=1e-6)


@pytest.mark.thorough
@settings(max_examples=60, deadline=None)
@given(rows=VALUES)
def test_they_go_through_json_and_are_possible(rows: list[tuple[float, float, float]]) -> None:
    before = sums(rows)
    assert Sums.from_json(json.loads(json.dumps(before.to_json()))) == Sums(
        **{name: float(value) for name, value in vars(before).items()}
    )
    assert impossible(before) == ""


@settings(max_examples=40, deadline=None)
@given(rows=VALUES)
def test_sums_say_what_the_users_themselves_say(rows: list[tuple[float, float, float]]) -> None:
    y = np.array(rows)[:, 0]
    arm = mean(sums(rows))
    assert arm.value == pytest.approx(y.mean(), abs=1e-9)
    assert arm.variance == pytest.approx(y.var(ddof=1) / len(y), rel=1e-6, abs=1e-6)


def test_an_outcome_of_yes_or_no_needs_no_squares() -> None:
    assert Sums.from_json({"users": 10, "y": 4}) == Sums(10.0, 4.0, 4.0)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"users": 10, "total": 3}, "total is no sum"),
        ({"users": -1}, "users is negative"),
        ({"users": 10, "y": "many"}, "y is no finite number"),
        ({"users": 10, "y": float("nan")}, "y is no finite number"),
        ({"users": True}, "users is no finite number"),
        ({"users": 10, "y": 5, "yy": 1}, "y is 5, more than users and yy allow"),
        ({"users": 10, "y": 11}, "y is 11, more than"),
        (
            {"users": 2, "y": 1, "yy": 1, "dd": 1, "yd": 3},
            "yd is 3",
        ),
    ],
)
def test_what_no_users_can_have_done(data: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Sums.from_json(data)


def test_many_experiments_at_once() -> None:
    rng = np.random.default_rng(1)
    y, d, x = rng.normal(size=(3, 5, 200))
    many = Sums.of(y, d + 4, x)
    for i in range(5):
        one = Sums.of(y[i], d[i] + 4, x[i])
        assert np.asarray(mean(many).variance)[i] == pytest.approx(float(mean(one).variance))
        assert np.asarray(ratio(many).variance)[i] == pytest.approx(float(ratio(one).variance))
        both = adjusted(many, many, is_ratio=True)[1], adjusted(one, one, is_ratio=True)[1]
        assert np.asarray(both[0].variance)[i] == pytest.approx(float(both[1].variance))
