import pytest

from linnet.api.status import MetricStatus, Verdict, WeightStatus
from linnet.core.decision import Situation
from linnet.core.gates import Hold, capacity, evidence, first_hold, hold_over, weight_seen
from linnet.core.observed import RouteObserved
from tests.support.builders import (
    MINUTE,
    make_metric,
    make_observed,
    make_situation,
    make_spec,
    make_stable,
    make_status,
)

SPEC = make_spec(analysis={"metrics": [{"use": "errorRate"}, {"use": "memory"}]})


def measured(*metrics: MetricStatus) -> Situation:
    return make_situation(SPEC, make_status(metrics=metrics), after=6 * MINUTE)


def proof(hold: Hold | None) -> tuple[str, bool]:
    assert hold is not None
    return hold.reason, hold.due


def test_the_weight_is_waited_for_and_missed_once_the_steps_time_is_up() -> None:
    status = make_status(weight=WeightStatus(wanted=5))
    refused = RouteObserved(weight=5, canary_listed=True, accepted=False, message="no listener")
    observed = make_observed(route=refused)
    for after, due in ((4 * MINUTE, False), (5 * MINUTE, True)):
        hold = weight_seen(make_situation(status=status, observed=observed, after=after))
        assert proof(hold) == ("WaitingForRoute", due)
        assert hold is not None
        assert hold.message == "Waiting for the route to report weight 5: no listener"
    assert weight_seen(make_situation()) is None


def test_a_step_lasts_for_its_hold_time_from_when_its_weight_was_seen() -> None:
    assert proof(hold_over(make_situation(after=4 * MINUTE))) == ("Holding", False)
    assert hold_over(make_situation(after=5 * MINUTE)) is None
    unseen = make_status(weight=WeightStatus(wanted=5))
    assert proof(hold_over(make_situation(status=unseen, after=9 * MINUTE))) == ("Holding", False)


def test_evidence_is_every_check_measured_often_enough() -> None:
    enough = make_metric(passes=3), make_metric("memory", passes=3)
    assert evidence(measured(*enough)) is None
    assert proof(evidence(measured())) == ("NotMeasured", True)
    few = make_metric(passes=3), make_metric("memory", passes=2)
    assert proof(evidence(measured(*few))) == ("Pass", False)


@pytest.mark.parametrize("verdict", [Verdict.HOLD, Verdict.BREACH, Verdict.NO_DATA, Verdict.ERROR])
def test_a_check_without_proof_holds_and_says_which(verdict: Verdict) -> None:
    hold = evidence(measured(make_metric(passes=3), make_metric("memory", verdict)))
    assert proof(hold) == (verdict.value, True)
    assert hold is not None
    assert hold.message.startswith("Held at 5 %: memory:")


def test_checks_that_do_without_are_no_evidence_nor_are_those_that_were_removed() -> None:
    skipped = make_metric(verdict=Verdict.SKIPPED), make_metric("memory", Verdict.SKIPPED)
    removed = make_metric("latencyP95", passes=9)
    assert proof(evidence(measured(*skipped, removed))) == ("NoEvidence", True)
    assert evidence(measured(make_metric(passes=3), skipped[1])) is None


def test_pods_for_the_next_weight_are_waited_for_and_missed_when_they_are_late() -> None:
    observed = make_observed(stable=make_stable(replicas=30))
    for after, due in ((6 * MINUTE, False), (10 * MINUTE, True)):
        hold = capacity(make_situation(observed=observed, after=after))
        assert proof(hold) == ("WaitingForCapacity", due)
    assert capacity(make_situation()) is None


def test_after_the_last_step_no_more_pods_are_needed() -> None:
    last = make_status(weight=WeightStatus(wanted=100, seen=100))
    assert capacity(make_situation(status=last)) is None
    assert capacity(make_situation(observed=make_observed(canary=None))) is None


def test_a_suspension_is_named_before_any_other_hold() -> None:
    hold = first_hold(make_situation(make_spec(suspend=True)))
    assert proof(hold) == ("Suspended", True)
