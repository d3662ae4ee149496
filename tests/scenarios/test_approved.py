"""Steps that people have to approve: what waits for them, and what nobody can ask past."""

import json
from datetime import timedelta

import pytest

from linnet.api.spec import CanaryReleaseSpec
from linnet.api.status import DecisionKind, Phase
from tests.support.asking import ask
from tests.support.builders import HOUR, MINUTE, make_spec
from tests.support.oracle import assert_sound
from tests.support.world import World, releasing


def asking(*, required: int = 2, hold: str = "5m", deadline: str = "24h") -> CanaryReleaseSpec:
    """The step at 50 % has to be approved."""
    spec = make_spec(5, 50, 100, hold=hold, analysis={"holdDeadline": deadline})
    plain = spec.model_dump(mode="json", by_alias=True)
    plain["steps"][1]["approvals"] = {"required": required, "expiresAfter": "8h"}
    return CanaryReleaseSpec.model_validate(plain)


def approve(world: World, by: str, reason: str = "looks good") -> None:
    """The operator writes what somebody whom it has reviewed approves, and decides it."""
    world.reviewed = True
    ask(world, "Approve", by=by, reason=reason)
    world.look()
    world.reviewed = False


def waits(world: World) -> bool:
    last = world.status.history[-1]
    return (last.decision, last.reason) == (DecisionKind.HELD, "WaitingForApproval")


def test_a_step_waits_for_as_many_people_as_it_asks_for() -> None:
    world = releasing(asking())
    world.run(waits, limit=HOUR)
    assert world.status.message == "Held at 50 %: 0 of 2 approvals are there"
    approve(world, "jane")
    approve(world, "jane")
    world.rest(HOUR)
    assert world.weight == 50
    approve(world, "joe", reason="seen it")
    world.run(Phase.PROMOTED, limit=HOUR)
    assert world.weights == [0, 5, 50, 100, 0]
    told = [entry.message for entry in world.status.history if entry.reason == "Approve"]
    assert told[-1] == "joe approved 50 %: seen it"
    assert_sound(world)


def test_an_approval_replaces_no_measurement() -> None:
    world = releasing(asking(required=1))
    world.run(lambda world: world.weight == 50, limit=HOUR)
    approve(world, "jane")
    world.readings["errorRate"] = 9.0
    world.run(Phase.ROLLED_BACK, limit=HOUR)
    assert world.last.reason == "ErrorRateBreached"
    assert_sound(world)


def test_approvals_of_a_try_are_worth_nothing_in_the_next() -> None:
    world = releasing(asking(required=1))
    world.run(lambda world: world.weight == 50, limit=HOUR)
    approve(world, "jane")
    ask(world, "Rollback")
    world.run(Phase.ROLLED_BACK, limit=HOUR)
    ask(world, "Retry")
    world.run(waits, limit=HOUR)
    assert world.weight == 50
    assert_sound(world)


def test_a_full_promotion_waits_for_approval_and_goes_on_after_it() -> None:
    world = releasing(asking(required=1, hold="4h"))
    world.rest(MINUTE)
    ask(world, "PromoteFully")
    world.run(lambda world: world.weight == 50, limit=10 * MINUTE)
    world.rest(HOUR)
    assert world.weight == 50
    approve(world, "jane")
    world.run(Phase.PROMOTED, limit=10 * MINUTE)
    assert_sound(world)


@pytest.mark.thorough
def test_who_may_write_an_annotation_can_approve_in_nobodys_name() -> None:
    world = releasing(asking(required=1))
    world.run(waits, limit=HOUR)
    ask(world, "Approve", by="the boss")
    world.look()
    world.rest(HOUR)
    assert (world.weight, world.status.approvals) == (50, ())
    assert world.status.request is not None
    assert "doesn't prove who wrote it" in world.status.request.message
    assert_sound(world)


@pytest.mark.thorough
def test_waiting_for_people_counts_against_no_deadline_and_losing_telemetry_then_does() -> None:
    world = releasing(asking(deadline="2h"))
    world.run(waits, limit=HOUR)
    world.rest(timedelta(hours=5))
    assert world.weight == 50
    world.readings["errorRate"] = None
    world.run(lambda world: world.status.history[-1].reason == "NoData", limit=HOUR)
    world.readings["errorRate"] = 0.1
    world.run(waits, limit=HOUR)
    world.rest(timedelta(hours=5))
    assert world.weight == 50
    world.readings["errorRate"] = None
    world.run(Phase.ROLLED_BACK, limit=timedelta(hours=3))
    assert_sound(world)


def test_what_was_approved_is_written_as_plain_data() -> None:
    world = releasing(asking())
    world.run(waits, limit=HOUR)
    approve(world, "jane")
    (given,) = json.loads(world.status.model_dump_json(by_alias=True))["approvals"]
    assert given.keys() == {"id", "by", "at", "reason", "revision", "weight"}
    assert (given["by"], given["revision"], given["weight"]) == ("jane", "v2", 50)
