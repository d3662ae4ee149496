from datetime import timedelta

import pytest

from linnet.api.status import WeightStatus
from linnet.core.observed import RouteObserved
from linnet.core.steps import (
    at_weight,
    index_of,
    missed,
    next_step,
    remaining,
    replicas_for,
    share_of,
    step_at,
    told,
)
from tests.support.builders import (
    MINUTE,
    SECOND,
    START,
    make_observed,
    make_spec,
    make_status,
)

SPEC = make_spec(5, 10, 50, 100)


@pytest.mark.parametrize(("weight", "index"), [(0, 1), (4, 1), (5, 1), (9, 1), (10, 2), (100, 4)])
def test_a_weight_belongs_to_the_last_step_that_asks_for_no_more(weight: int, index: int) -> None:
    assert index_of(SPEC, weight) == index
    assert step_at(SPEC, weight) is SPEC.steps[index - 1]


def test_the_next_step_asks_for_more() -> None:
    following = next_step(SPEC, 7)
    assert following is not None
    assert following.weight == 10
    assert next_step(SPEC, 100) is None


@pytest.mark.parametrize(
    ("stable", "weight", "least", "pods"),
    [(10, 5, 1, 1), (10, 11, 1, 2), (10, 100, 1, 10), (10, 5, 3, 3), (0, 100, 1, 1)],
)
def test_the_canary_has_its_share_of_pods_rounded_up(
    stable: int, weight: int, least: int, pods: int
) -> None:
    assert replicas_for(make_spec(canary={"minReplicas": least}), stable, weight) == pods


def test_the_canary_has_as_many_pods_as_told_but_where_it_serves_alone() -> None:
    spec = make_spec(5, 50, 100, canary={"replicas": 3})
    assert [replicas_for(spec, 10, weight) for weight in (5, 50, 100)] == [3, 3, 10]


def test_a_step_that_tells_its_number_of_pods_goes_before_all_else() -> None:
    steps = [{"weight": 5}, {"weight": 50, "replicas": 8}, {"weight": 100, "replicas": 2}]
    for canary, pods in (({}, [1, 8, 2]), ({"replicas": 3}, [3, 8, 2])):
        spec = make_spec(steps=steps, canary=canary)
        assert [replicas_for(spec, 10, weight) for weight in (5, 50, 100)] == pods


def seen(route: RouteObserved | None, before: WeightStatus, wanted: int = 5) -> WeightStatus:
    return at_weight(make_status(weight=before), wanted, route, START + MINUTE)


def route(weight: int | None, *, accepted: bool = True) -> RouteObserved:
    return RouteObserved(weight=weight, canary_listed=True, accepted=accepted)


def test_the_clock_runs_on_while_the_weight_seen_is_the_one_wanted() -> None:
    before = WeightStatus(wanted=5, seen=5, seen_since=START)
    assert seen(route(5), before) == before


@pytest.mark.parametrize(
    "found", [None, route(5, accepted=False), route(6), route(None), route(0, accepted=False)]
)
def test_the_clock_stops_where_the_weight_is_not_seen(found: RouteObserved | None) -> None:
    before = WeightStatus(wanted=5, seen=5, seen_since=START)
    assert seen(found, before).seen_since is None


@pytest.mark.parametrize(
    "before",
    [
        WeightStatus(wanted=5),
        WeightStatus(wanted=5, seen=3),
        WeightStatus(wanted=10, seen=10, seen_since=START),
        WeightStatus(wanted=5, seen=5),
    ],
)
def test_the_clock_starts_at_the_first_look_that_sees_the_weight(before: WeightStatus) -> None:
    assert seen(route(5), before).seen_since == START + MINUTE


def test_time_remains_until_it_is_zero() -> None:
    assert remaining(None, MINUTE, START) is None
    assert remaining(START, MINUTE, START + 20 * SECOND) == 40 * SECOND
    assert remaining(START, MINUTE, START + 2 * MINUTE) == timedelta()


REPLICAS = {"provider": "Replicas"}
PODS = make_spec(5, 50, 75, 100, traffic=REPLICAS)


@pytest.mark.parametrize(("weight", "pods"), [(5, 1), (50, 4), (75, 4), (100, 4)])
def test_where_pods_are_the_weights_the_canary_has_as_many_as_give_the_share(
    weight: int, pods: int
) -> None:
    assert replicas_for(PODS, 4, weight) == pods
    assert replicas_for(make_spec(canary={"minReplicas": 6}, traffic=REPLICAS), 4, weight) == 6


def test_a_weight_comes_to_another_share_only_where_pods_are_the_weights() -> None:
    assert [share_of(SPEC, 4, weight) for weight in (0, 5, 75, 100)] == [0, 5, 75, 100]
    assert [share_of(PODS, 4, weight) for weight in (0, 5, 75, 100)] == [0, 20, 50, 100]
    assert share_of(PODS, 0, 5) == 5
    assert share_of(make_spec(canary={"minReplicas": 3}, traffic=REPLICAS), 4, 5) == 43


def test_what_a_step_gets_is_told_where_it_asks_for_something_else() -> None:
    assert missed(SPEC, 4) == ()
    assert missed(PODS, 4) == (
        "step 1 asks for 5 % and gets 20 % (1 canary pod)",
        "step 3 asks for 75 % and gets 50 % (4 canary pods)",
    )
    assert told(SPEC, make_observed(), 5) == "5 %"
    assert told(PODS, make_observed(), 5) == "20 % (5 % asked for)"
    assert told(PODS, make_observed(), 50) == "50 %"
    assert told(PODS, make_observed(stable=None), 5) == "5 %"


def test_the_share_seen_is_the_real_one_and_a_little_less_does_not_stop_the_clock() -> None:
    before = WeightStatus(wanted=50, seen=50, seen_since=START)
    less = RouteObserved(50, canary_listed=True, accepted=False, share=44, near=True)
    assert seen(less, before, 50) == WeightStatus(wanted=50, seen=44, seen_since=START)
    assert seen(less, WeightStatus(wanted=50), 50).seen_since is None
    assert seen(less, WeightStatus(wanted=10, seen=50, seen_since=START), 50).seen_since is None
    edited = RouteObserved(None, canary_listed=True, accepted=False, share=44)
    assert seen(edited, before, 50) == WeightStatus(wanted=50, seen=44)
