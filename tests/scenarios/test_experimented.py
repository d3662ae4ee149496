"""An experiment as a step: users decide, a person where they don't, and the limits stay armed."""

import re
from datetime import timedelta

import pytest

from linnet.api.experiment import ExperimentResult
from linnet.api.experiment_step import ExperimentStatus
from linnet.api.request import RequestOutcome
from linnet.api.status import DecisionKind, Phase
from tests.support.asking import ask
from tests.support.builders import HOUR, MINUTE
from tests.support.oracle import assert_sound
from tests.support.tried import (
    NAME,
    PLANNED,
    decide,
    headers,
    later,
    nothing_new,
    silent,
    trying,
    until_experiment,
    users,
    with_adoption,
)
from tests.support.world import World, adopted, releasing

WAITING = "WaitingForDecision"


def experiment(world: World) -> ExperimentStatus:
    assert world.status.experiment is not None
    return world.status.experiment


def ended(world: World) -> bool:
    return experiment(world).result is not ExperimentResult.RUNNING


def test_a_success_is_promoted_not_before_its_least_time() -> None:
    world = until_experiment()
    begun = world.now
    assert experiment(world).id == NAME
    world.run(ended, limit=PLANNED)
    assert 20 * MINUTE <= world.now - begun < 22 * MINUTE
    assert (experiment(world).result, experiment(world).rule) == ("Success", "success")
    assert experiment(world).users.treatment == 5000
    adoption = experiment(world).metrics[0]
    assert adoption.name == "adoption"
    assert (adoption.effect, "Better" in adoption.states) == (12, True)
    told = f"Experiment {NAME}: Success after 2[01] min of 40 min, 10,000 users: rule success: "
    assert re.match(told, experiment(world).message)
    world.run(Phase.PROMOTED, limit=HOUR)
    assert headers(world) == ["", NAME, ""]
    kind = DecisionKind.EXPERIMENT
    assert [e.reason for e in world.status.history if e.decision is kind] == [
        "ExperimentBegun",
        "ExperimentSucceeded",
    ]
    assert_sound(world)


def test_what_it_shows_and_waits_for_is_the_message() -> None:
    world = until_experiment()
    world.rest(10 * MINUTE)
    shown = r"(9|10) min of 40 min, 10,000 users"
    told = f"Experiment {NAME} runs: {shown}; a success takes at least 20 min"
    assert re.fullmatch(told, world.status.message)
    assert world.condition("ExperimentMeasured") == "DataRead"
    assert world.weight == 50


def test_harm_is_rolled_back_at_once() -> None:
    world = until_experiment(told=users(with_adoption(42, 30)))
    world.run(Phase.ROLLED_BACK, limit=10 * MINUTE)
    assert (world.last.decision, world.last.reason) == (
        DecisionKind.ROLLED_BACK,
        "ExperimentFailed",
    )
    assert "rule harm: 1 of 7 shown to be worse (adoption)" in world.last.message
    assert experiment(world).result is ExperimentResult.FAILURE
    assert headers(world) == ["", NAME, ""]
    assert_sound(world)


def test_wrongly_drawn_users_are_rolled_back() -> None:
    world = until_experiment(told=users(treated=0.45))
    world.run(Phase.ROLLED_BACK, limit=10 * MINUTE)
    assert world.last.reason == "ExperimentInvalid"
    assert "sample ratio mismatch" in world.last.message


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("word", "phase"), [("Success", Phase.PROMOTED), ("Failure", Phase.ROLLED_BACK)]
)
def test_without_an_answer_a_person_decides_and_no_deadline_does(word: str, phase: Phase) -> None:
    world = until_experiment(told=users(nothing_new()))
    world.run(ended, limit=HOUR)
    assert experiment(world).result is ExperimentResult.CONDITIONAL
    world.rest(HOUR)
    assert (world.weight, world.status.phase) == (50, Phase.PROGRESSING)
    assert world.condition("Stalled") == ""
    held = [entry for entry in world.status.history if entry.reason == WAITING]
    assert len(held) == 1, "it is told once"
    decide(world, word, reason="adoption will grow")
    assert world.status.request is not None
    assert world.status.request.outcome is RequestOutcome.DONE
    world.run(phase, limit=HOUR)
    decided = experiment(world).decided
    assert decided is not None
    assert (decided.result, decided.by, decided.reason) == (word, "jane", "adoption will grow")
    assert_sound(world)


def test_a_persons_word_goes_before_the_rules() -> None:
    world = until_experiment()
    decide(world, "Failure", reason="users complain")
    world.run(Phase.ROLLED_BACK, limit=10 * MINUTE)
    assert world.last.reason == "ExperimentFailed"
    assert world.last.message == (
        f"Experiment {NAME} was decided as a Failure by jane: users complain"
    )


def test_a_stopped_one_waits_for_a_person() -> None:
    world = until_experiment()
    world.rest(5 * MINUTE)
    ask(world, "Stop", reason="the campaign is over")
    world.rest(HOUR)
    assert experiment(world).result is ExperimentResult.STOPPED
    (record,) = world.records.values()
    assert record.decided is not None
    assert (record.decided.by, record.decided.reason) == ("jane", "the campaign is over")
    assert headers(world) == ["", NAME, ""]
    assert world.weight == 50
    assert world.status.message.startswith(
        f"Experiment {NAME} was stopped by jane: the campaign is over. A person decides"
    )
    decide(world, "Success")
    world.run(Phase.PROMOTED, limit=HOUR)
    assert_sound(world)


def test_nobody_can_ask_past_it() -> None:
    world = releasing(trying())
    world.users = users()
    ask(world, "PromoteFully")
    world.run(lambda world: world.status.experiment is not None)
    assert world.weight == 50
    ask(world, "Promote")
    world.rest(MINUTE)
    assert world.status.request is not None
    assert world.status.request.outcome is RequestOutcome.REFUSED
    assert world.status.request.message == (
        f"experiment {NAME} decides about this step: give its result by linnet experiment decide, "
        "or ask for a rollback"
    )
    ask(world, "Rollback")
    world.run(Phase.ROLLED_BACK, limit=10 * MINUTE)
    assert experiment(world).result is ExperimentResult.STOPPED
    assert_sound(world)


def test_no_data_hold_and_say_what_is_missing() -> None:
    world = until_experiment(told=silent)
    world.rest(30 * MINUTE)
    told = f"Experiment {NAME} has no data after (29|30) min of 40 min: Prometheus has no series"
    assert re.fullmatch(told, world.status.message)
    (condition,) = (c for c in world.status.conditions if c.type == "ExperimentMeasured")
    assert (condition.status, condition.reason) == ("False", "NoData")
    world.run(ended, limit=HOUR)
    assert experiment(world).result is ExperimentResult.CONDITIONAL
    assert "the planned time is over, and there were no data at all" in experiment(world).message
    assert_sound(world)


def test_data_that_come_back_are_judged_as_if_they_had_never_been_away() -> None:
    world = until_experiment(told=later(silent, users(), after=PLANNED + MINUTE))
    world.run(ended, limit=HOUR)
    assert experiment(world).result is ExperimentResult.SUCCESS


def test_data_that_end_before_the_plan_does_are_told_with_their_age() -> None:
    world = until_experiment(told=later(users(nothing_new()), silent, after=20 * MINUTE))
    world.rest(30 * MINUTE)
    assert "; the last are of 2030-01-01T" in world.status.message
    world.run(ended, limit=HOUR)
    assert "there were no data since 2030-01-01T" in experiment(world).message


@pytest.mark.thorough
def test_a_suspension_freezes_a_success_but_no_failure() -> None:
    world = until_experiment(told=later(users(), users(with_adoption(42, 30)), after=30 * MINUTE))
    world.edit_spec(trying(suspend=True))
    world.rest(25 * MINUTE)
    assert experiment(world).result is ExperimentResult.RUNNING
    assert "has a result and is suspended" in experiment(world).message
    world.run(Phase.ROLLED_BACK, limit=HOUR)
    assert world.last.reason == "ExperimentFailed"


@pytest.mark.thorough
def test_a_suspended_release_begins_none() -> None:
    world = releasing(trying())
    world.run(lambda world: world.weight == 50)
    world.edit_spec(trying(suspend=True))
    world.rest(HOUR)
    assert world.status.experiment is None
    world.edit_spec(trying())
    world.users = users()
    world.run(Phase.PROMOTED, limit=HOUR)


def test_a_suspension_at_the_end_without_data_freezes_that_too() -> None:
    world = until_experiment(told=silent)
    world.edit_spec(trying(suspend=True))
    world.rest(HOUR)
    assert experiment(world).result is ExperimentResult.RUNNING


def test_the_rollback_limits_stay_armed() -> None:
    world = until_experiment()
    world.readings["errorRate"] = 9.0
    world.run(Phase.ROLLED_BACK, limit=10 * MINUTE)
    assert world.last.reason == "ErrorRateBreached"
    assert experiment(world).result is ExperimentResult.STOPPED
    (record,) = world.records.values()
    assert (record.result, record.ended_at) == (
        ExperimentResult.STOPPED,
        experiment(world).ended_at,
    )


@pytest.mark.thorough
def test_a_value_between_its_limits_runs_no_deadline_down() -> None:
    world = until_experiment(told=users(nothing_new()))
    world.readings["errorRate"] = 0.7
    world.rest(PLANNED - MINUTE)
    assert world.status.phase is Phase.PROGRESSING
    assert world.condition("Stalled") == ""


@pytest.mark.thorough
def test_a_route_that_is_edited_in_between_is_put_right_and_starts_no_deadline() -> None:
    world = until_experiment(told=users(nothing_new()))
    for minutes in (3, 15, 27, 35):
        world.later(minutes * MINUTE, lambda world: world.edit_weight(20))
    world.rest(PLANNED - MINUTE)
    assert world.route is not None
    assert (world.route.weight, world.route.experiment) == (50, NAME)
    assert (world.status.phase, world.condition("Stalled")) == (Phase.PROGRESSING, "")
    assert_sound(world)


@pytest.mark.thorough
def test_a_route_that_goes_away_for_long_is_told_and_comes_back() -> None:
    world = until_experiment(told=users(nothing_new()))
    world.later(5 * MINUTE, World.hide_route)
    world.later(10 * MINUTE, World.hide_route)
    world.rest(PLANNED - MINUTE)
    assert world.status.phase is Phase.PROGRESSING
    reasons = [entry.reason for entry in world.status.history]
    assert reasons[-1] == "ExperimentRunning"
    assert world.condition("Stalled") == ""


@pytest.mark.thorough
def test_a_version_that_is_tried_again_has_users_of_its_own() -> None:
    world = until_experiment(told=users(with_adoption(42, 30)))
    world.run(Phase.ROLLED_BACK, limit=10 * MINUTE)
    world.users = users()
    ask(world, "Retry")
    world.run(lambda world: experiment(world).attempt == 2, limit=HOUR)
    assert experiment(world).id == f"{NAME}-2"
    world.run(Phase.PROMOTED, limit=HOUR)
    (record,) = world.records.values()
    assert (record.id, record.result) == (f"{NAME}-2", ExperimentResult.SUCCESS)
    assert_sound(world)


def test_another_version_is_another_experiment() -> None:
    world = until_experiment()
    world.push("v3")
    world.run(lambda world: experiment(world).revision == "v3", limit=HOUR)
    assert experiment(world).id == "tone-v3"
    assert world.records["shop-experiment-v2"].result is ExperimentResult.STOPPED


def test_an_experiment_that_is_taken_out_of_the_spec_ends_without_a_result() -> None:
    world = until_experiment()
    spec = trying()
    plain = tuple(step.model_copy(update={"experiment": None}) for step in spec.steps)
    world.edit_spec(spec.model_copy(update={"steps": plain}))
    world.run(Phase.PROMOTED, limit=HOUR)
    assert experiment(world).result is ExperimentResult.STOPPED
    assert headers(world) == ["", NAME, ""]


def test_its_record_grows_and_is_closed() -> None:
    world = until_experiment()
    world.run(Phase.PROMOTED, limit=HOUR)
    (record,) = world.records.values()
    assert (record.id, record.release, record.namespace) == (NAME, "shop", "default")
    assert record.versions == ("v1", "v2")
    assert (record.result, record.rule) == (ExperimentResult.SUCCESS, "success")
    assert record.ended_at == experiment(world).ended_at
    assert record.data.users == (5000, 5000)
    assert [each.told for each in record.data.health] == ["none breached"]
    assert 30 < len(record.looks) < 100
    assert record.spec.treatment_percent == 50


@pytest.mark.thorough
def test_a_longer_hold_than_the_experiment_is_kept_and_not_begun_anew() -> None:
    world = until_experiment(told=users(nothing_new()))
    world.run(ended, limit=HOUR)
    decide(world, "Success")
    before = world.now
    world.run(lambda world: world.weight == 100, limit=HOUR)
    assert world.now - before < timedelta(minutes=5), "the hold of 5 min has passed long ago"


def test_a_deletion_ends_it_and_leaves_stable_serving() -> None:
    world = until_experiment()
    world.delete()
    world.run(lambda world: world.gone, limit=10 * MINUTE)
    assert world.route is not None
    assert (world.route.weight, world.route.experiment) == (0, "")


def test_it_begins_only_once_the_route_tells_of_it() -> None:
    world = adopted(trying())
    assert world.route is not None
    world.route.lag = 3 * MINUTE
    world.push("v2")
    world.run(lambda world: world.status.experiment is not None, limit=HOUR)
    told = next(look for look in world.trail if look.observed.route is not None
                and look.observed.route.experiment == NAME)  # fmt: skip
    assert experiment(world).started_at - told.at >= 2 * MINUTE
