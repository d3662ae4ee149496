"""The experiment of a step: who it is, when it is looked at, and whose word counts."""

import json
from datetime import timedelta
from typing import Any

import pytest

from linnet.api.experiment import ExperimentResult
from linnet.api.experiment_step import ExperimentDecision, ExperimentStatus
from linnet.api.request import RequestOutcome
from linnet.api.spec import CanaryReleaseSpec
from linnet.api.status import CanaryReleaseStatus, Phase, WeightStatus
from linnet.core import experiment_requests, experiments, gates, recording
from linnet.core.actions import KeepExperiment
from linnet.core.decide import decide
from linnet.core.decision import Decision, Situation
from linnet.core.experiment_words import told
from linnet.core.observed import ExperimentObserved, RouteObserved
from linnet.experiment.judge import judge
from tests.support.builders import (
    HOUR,
    MINUTE,
    START,
    make_observed,
    make_situation,
    make_spec,
    make_status,
)
from tests.support.experiments import START as DATA_START
from tests.support.experiments import data
from tests.support.tried import NAME, trying

ROUTE = RouteObserved(weight=50, canary_listed=True, accepted=True, experiment=NAME)


def known(**changes: Any) -> ExperimentStatus:
    """An experiment that began with the release."""
    fields = {"id": NAME, "revision": "v2", "weight": 50, "started_at": START, **changes}
    return ExperimentStatus.model_validate(fields)


def status(experiment: ExperimentStatus | None = None, **changes: Any) -> CanaryReleaseStatus:
    """At 50 %, in the experiment's step."""
    weight = WeightStatus(wanted=50, seen=50, seen_since=START)
    fields = {"step": 2, "weight": weight, "started_at": START, "experiment": experiment}
    return make_status(**{**fields, **changes})


def situation(
    begun: ExperimentStatus | None = None, after: timedelta = MINUTE, **observed: Any
) -> Situation:
    seen = make_observed(route=ROUTE, name="shop", namespace="default", **observed)
    return make_situation(trying(), status(begun), seen, after)


def ask(
    experiment: ExperimentStatus | None,
    *,
    reviewed: bool = True,
    of: CanaryReleaseStatus | None = None,
    **request: Any,
) -> Decision:
    text = json.dumps({"id": "d1", "action": "Decide", "by": "jane", "reason": "why", **request})
    seen = make_observed(route=ROUTE, name="shop", request=text, reviewed=reviewed)
    return decide(trying(), of or status(experiment), seen, START + MINUTE)


def refused(decision: Decision) -> str:
    asked = decision.status.request
    assert asked is not None
    assert asked.outcome is RequestOutcome.REFUSED
    return asked.message


# --- who it is ---


def test_it_is_called_after_its_release_where_it_has_no_name() -> None:
    spec = trying(name=None)
    found = make_situation(spec, status(), make_observed(name="shop"))
    assert experiments.header(found) == "shop-v2"


def test_a_long_name_keeps_versions_apart() -> None:
    spec = trying(name=None)
    names = set()
    for revision in ("v2", "v3"):
        of = status(canary_revision=revision)
        found = make_situation(spec, of, make_observed(name="n" * 63))
        names.add(experiments.header(found))
    assert len(names) == 2
    assert all(len(name) == 63 for name in names)


@pytest.mark.parametrize(
    ("earlier", "name"),
    [
        (None, NAME),
        (known(revision="v1", id="tone-v1"), NAME),
        (known(started_at=START - HOUR), f"{NAME}-2"),
        (known(started_at=START - HOUR, attempt=2), f"{NAME}-3"),
        (known(attempt=2, id=f"{NAME}-2"), f"{NAME}-2"),
    ],
    ids=["first", "of another version", "again", "a third time", "under way"],
)
def test_a_version_has_an_experiment_for_each_time_that_it_is_tried(
    earlier: ExperimentStatus | None, name: str
) -> None:
    assert experiments.header(situation(earlier)) == name


def test_a_status_without_a_start_has_its_experiment() -> None:
    found = make_situation(trying(), status(known(), started_at=None), make_observed(name="shop"))
    assert experiments.current(found) == known()


def test_another_name_in_the_spec_is_another_experiment() -> None:
    found = make_situation(trying(name="other"), status(known()), make_observed(name="shop"))
    assert experiments.current(found) is None
    assert experiments.header(found) == "other-v2"


def test_the_route_tells_of_none_outside_of_its_step_and_after_its_end() -> None:
    assert experiments.header(make_situation(trying(), make_status())) == ""
    ended = known(result=ExperimentResult.CONDITIONAL)
    assert experiments.header(situation(ended)) == ""
    assert experiments.asked(trying(), make_status(Phase.PROMOTING)) is None


# --- when it is looked at ---


def test_it_is_looked_at_at_once_and_then_at_ticks() -> None:
    spec = trying(duration="336h", minimumDuration="168h")
    assert experiments.next_look(spec, status(known())) == START
    later = known(looked_at=START + MINUTE)
    assert experiments.next_look(spec, status(later)) == START + 2 * MINUTE
    assert experiments.next_look(spec, status()) is None
    assert experiments.next_look(spec, status(known(result=ExperimentResult.STOPPED))) is None


@pytest.mark.parametrize("other", ["no step of an experiment", "an earlier release's"])
def test_an_experiment_of_another_time_is_not_read(other: str) -> None:
    of = status(known(started_at=START - HOUR))
    if other == "no step of an experiment":
        of = make_status(experiment=known())
    assert experiments.reading(trying(), of) is None


def test_what_was_read_of_another_one_is_passed_over() -> None:
    seen = ExperimentObserved("tone-v1", data())
    found = situation(known(), experiment=seen)
    assert experiments.followed(found) == found


def test_a_result_is_not_taken_twice() -> None:
    ended = known(result=ExperimentResult.CONDITIONAL)
    found = situation(ended, experiment=ExperimentObserved(NAME, data()))
    assert experiments.followed(found) == found


@pytest.mark.parametrize(
    "route",
    [
        RouteObserved(50, canary_listed=True, accepted=True),
        RouteObserved(50, canary_listed=True, accepted=True, experiment=None),
        RouteObserved(50, canary_listed=True, accepted=True, experiment="tone-v1"),
        None,
    ],
    ids=["no header", "rules differ", "another one", "no route"],
)
def test_it_waits_for_the_route_to_tell_of_it(route: RouteObserved | None) -> None:
    found = make_situation(trying(), status(), make_observed(route=route, name="shop"))
    assert experiments.followed(found) == found
    hold = gates.experiment_over(found)
    assert hold is not None
    assert (hold.reason, hold.due) == ("WaitingForRoute", False)
    assert hold.message == f"At 50 %: waiting for the route to tell of experiment {NAME}"


def test_breaches_of_the_releases_own_limits_are_its_health() -> None:
    metrics = [{"name": "errorRate", "verdict": "Breach", "message": "9 % is above 1 %",
                "measured_at": START, "breaches": 1}]  # fmt: skip
    found = experiments.with_health(status(metrics=metrics), data())
    assert [(each.well, each.told) for each in found.health] == [
        (False, "errorRate: 9 % is above 1 %")
    ]


# --- in words ---


def test_an_experiment_without_a_rule_for_a_success_says_that_none_holds() -> None:
    rules = [{"name": "end", "result": "Failure"}]
    spec = CanaryReleaseSpec.model_validate(
        trying(rules=rules).model_dump(mode="json", by_alias=True, exclude_none=True)
    )
    step = spec.steps[1].experiment
    assert step is not None
    found = judge(step.at(50), data(days=0.01), DATA_START + 10 * MINUTE)
    text = told("x", step.at(50), found, ExperimentResult.RUNNING, frozen=False)
    assert text.endswith("; no rule holds yet")


def test_a_success_at_the_end_takes_the_planned_time() -> None:
    rules = [{"name": "good", "result": "Success"}]
    step = trying(rules=rules).steps[1].experiment
    assert step is not None
    found = judge(step.at(50), data(days=0.01), DATA_START + 10 * MINUTE)
    text = told("x", step.at(50), found, ExperimentResult.RUNNING, frozen=False)
    assert text.endswith("; a success takes at least 40 min")


# --- whose word counts ---


def test_an_annotation_decides_nothing() -> None:
    said = refused(ask(known(), reviewed=False, result="Success"))
    assert said.startswith("an annotation doesn't prove who wrote it: decide by linnet experiment")


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        ({}, "it takes a result: Success or Failure"),
        ({"result": "Success", "reason": ""}, "it takes a reason, and who gives it"),
        ({"result": "Success", "by": ""}, "it takes a reason, and who gives it"),
        ({"result": "Success", "revision": "v9"}, "v9 was meant, and the experiment is of v2"),
        ({"result": "Success", "at": "2030-01-01T11:59:59Z"}, "the release has gone on to another"),
    ],
    ids=["no result", "no reason", "nobody", "another version", "too old"],
)
def test_a_word_that_does_not_count(request_: dict[str, Any], words: str) -> None:
    assert refused(ask(known(), **request_)).startswith(words)


def test_nothing_is_decided_where_there_is_no_experiment() -> None:
    said = refused(ask(None, of=make_status(), result="Success"))
    assert said == "no experiment is under way that could be decided"


def test_a_decision_on_the_version_that_is_meant_counts() -> None:
    decision = ask(known(), result="Success", revision="v2", at="2030-01-01T12:00:30Z")
    found = decision.status.experiment
    assert found is not None
    assert found.decided == ExperimentDecision(
        id="d1", result=ExperimentResult.SUCCESS, by="jane", reason="why", at=START + MINUTE
    )


def test_what_has_ended_is_not_stopped() -> None:
    ended = known(result=ExperimentResult.CONDITIONAL)
    said = refused(ask(ended, action="Stop"))
    assert said == "no experiment runs: it has the result Conditional"
    assert refused(ask(None, of=make_status(), action="Stop")) == "no experiment runs"


def test_a_stop_by_annotation_counts_and_needs_no_name() -> None:
    decision = ask(known(), reviewed=False, action="Stop", by="", reason="")
    found = decision.status.experiment
    assert found is not None
    assert found.result is ExperimentResult.STOPPED
    assert found.message == f"Experiment {NAME} was stopped by somebody"
    (record,) = (a.record for a in decision.actions if isinstance(a, KeepExperiment))
    assert record.decided is not None
    assert record.decided.by == ""


def test_a_word_about_nothing_changes_nothing() -> None:
    decision = ask(known(), action="Stop", reviewed=False)
    assert decision.status.request is not None
    found = situation(None)
    assert experiment_requests.carried_out(found, decision.status.request) == found.status


# --- the record ---


def kept(begun: ExperimentStatus | None, **changes: Any) -> tuple[KeepExperiment, ...]:
    found = situation(begun, **changes)
    return recording.kept(found, found.status)[1]


def test_a_record_is_kept_at_the_start_with_the_first_data_and_seldom_after() -> None:
    seen = ExperimentObserved(NAME, data())
    (first,) = kept(known())
    assert (first.name, first.fresh) == ("shop-experiment-v2", False)
    assert first.record.data.users == (0, 0)
    begun = known(recorded_at=START)
    assert kept(begun) == ()
    (with_data,) = kept(begun, experiment=seen)
    assert with_data.fresh
    told_of = known(recorded_at=START + MINUTE, read_at=START)
    assert kept(told_of, experiment=seen) == ()
    assert len(kept(told_of, experiment=seen, after=HOUR)) == 1
    assert kept(told_of, experiment=ExperimentObserved("other", data()), after=HOUR) == ()
    assert kept(told_of, experiment=ExperimentObserved(NAME), after=HOUR) == ()


def test_an_end_and_a_persons_word_are_recorded() -> None:
    ended = known(recorded_at=START, ended_at=START + MINUTE, result=ExperimentResult.CONDITIONAL)
    (action,) = kept(ended)
    assert (action.record.result, action.record.decided) == ("Conditional", None)
    word = ExperimentDecision(
        id="d1", result=ExperimentResult.SUCCESS, by="jane", reason="x", at=START + HOUR
    )
    decided = ended.model_copy(update={"decided": word, "recorded_at": START + 2 * MINUTE})
    (action,) = kept(decided)
    assert action.record.decided is not None
    assert action.record.decided.by == "jane"


def test_none_is_kept_of_what_is_deleted_or_not_asked_for() -> None:
    assert kept(known(), deleting_since=START) == ()
    found = make_situation(make_spec(), status(known()))
    assert recording.kept(found, found.status)[1] == ()


def test_what_was_not_kept_is_due_at_once() -> None:
    undone = recording.unkept(status(known(recorded_at=START))).experiment
    assert undone is not None
    assert undone.recorded_at is None
    assert recording.unkept(status()) == status()
