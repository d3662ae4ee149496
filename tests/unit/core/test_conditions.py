import pytest

from linnet.api.status import Condition, Phase, WeightStatus
from linnet.core.conditions import conditions, stalled_by
from linnet.core.decision import Trouble
from linnet.core.observed import StableObserved
from tests.support.builders import (
    MINUTE,
    START,
    make_observed,
    make_situation,
    make_spec,
    make_stable,
    make_status,
)

TROUBLE = Trouble("TargetMissing", "The Deployment doesn't exist")


def shown(phase: Phase, trouble: Trouble | None = None) -> dict[str, Condition]:
    status = make_status(phase, message="What is going on")
    return {c.type: c for c in conditions(make_situation(), status, trouble)}


@pytest.mark.parametrize("phase", [Phase.IDLE, Phase.PROMOTED])
def test_a_release_at_rest_is_ready_and_nothing_else(phase: Phase) -> None:
    found = shown(phase)
    assert list(found) == ["Ready"]
    ready = found["Ready"]
    assert (ready.status, ready.reason, ready.message) == ("True", phase, "What is going on")


def test_a_release_under_way_is_reconciling() -> None:
    found = shown(Phase.PROGRESSING)
    assert list(found) == ["Ready", "Reconciling", "TrafficRouted"]
    assert found["Ready"].status == "False"
    assert found["Reconciling"].reason == "Progressing"


def test_trouble_is_stalled_and_not_reconciling() -> None:
    found = shown(Phase.PENDING, TROUBLE)
    assert list(found) == ["Ready", "Stalled"]
    assert found["Ready"].status == "False"
    assert found["Stalled"].reason == "TargetMissing"
    assert list(shown(Phase.PENDING)) == ["Ready", "Reconciling"]


def test_a_rolled_back_release_is_stalled_until_somebody_acts() -> None:
    found = shown(Phase.ROLLED_BACK)
    assert found["Ready"].status == "False"
    assert (found["Stalled"].reason, found["Stalled"].message) == ("RolledBack", "What is going on")


@pytest.mark.parametrize(
    ("seen", "status", "reason"), [(5, "True", "Accepted"), (None, "False", "WaitingForRoute")]
)
def test_traffic_is_routed_once_the_weight_is_seen(
    seen: int | None, status: str, reason: str
) -> None:
    release = make_status(weight=WeightStatus(wanted=5, seen=seen))
    routed = conditions(make_situation(), release, None)[-1]
    assert (routed.type, routed.status, routed.reason) == ("TrafficRouted", status, reason)


def test_the_time_of_a_transition_is_when_the_status_changed_not_the_reason() -> None:
    first = conditions(make_situation(), make_status(Phase.IDLE), None)
    later = make_situation(after=MINUTE)
    same = make_status(Phase.PROMOTED, conditions=first)
    other = make_status(Phase.PROGRESSING, conditions=first)
    assert conditions(later, same, None)[0].last_transition_time == START
    assert conditions(later, other, None)[0].last_transition_time == START + MINUTE


def test_it_is_stalled_for_one_reason() -> None:
    status = make_status(conditions=conditions(make_situation(), make_status(), TROUBLE))
    assert stalled_by(status) == "TargetMissing"
    assert stalled_by(make_status()) == ""


REPLICAS = {"provider": "Replicas"}


@pytest.mark.parametrize(
    ("weights", "replicas", "status", "message"),
    [
        ((50, 100), 1, "True", "with 1 stable pod each step gets the share that it asks for"),
        ((20, 50, 100), 4, "True", "with 4 stable pods each step gets the share that it asks for"),
        (
            (30, 100),
            4,
            "False",
            "with 4 stable pods step 1 asks for 30 % and gets 33 % (2 canary pods): have more "
            "pods, or change spec.steps",
        ),
    ],
)
def test_weights_out_of_reach_are_told_at_rest_too(
    weights: tuple[int, ...], replicas: int, status: str, message: str
) -> None:
    observed = make_observed(stable=make_stable(replicas=replicas))
    situation = make_situation(make_spec(*weights, traffic=REPLICAS), observed=observed)
    found = conditions(situation, make_status(Phase.IDLE), None)[-1]
    assert (found.type, found.status, found.message) == ("WeightsReachable", status, message)


@pytest.mark.parametrize("stable", [None, make_stable(replicas=0)])
def test_without_stable_pods_nothing_is_told_of_weights(stable: StableObserved | None) -> None:
    situation = make_situation(make_spec(traffic=REPLICAS), observed=make_observed(stable=stable))
    found = {c.type for c in conditions(situation, make_status(Phase.IDLE), None)}
    assert found == {"Ready"}


def test_traffic_is_routed_where_another_share_is_all_that_pods_can_give() -> None:
    release = make_status(weight=WeightStatus(wanted=5, seen=20, seen_since=START))
    assert conditions(make_situation(), release, None)[-1].status == "True"
