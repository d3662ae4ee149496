import pytest

from linnet.api.status import Condition, Phase, WeightStatus
from linnet.core.conditions import conditions, is_stalled
from linnet.core.decision import Trouble
from tests.support.builders import MINUTE, START, make_situation, make_status

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
    assert is_stalled(status, "TargetMissing")
    assert not is_stalled(status, "PromotionStuck")
    assert not is_stalled(status, "TargetMissin")
