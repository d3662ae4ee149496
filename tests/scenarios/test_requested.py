"""What people ask of a release: who asks, what moves, and what is refused with its remedy."""

import pytest

from linnet.api.request import RequestOutcome
from linnet.api.status import DecisionKind, Phase
from linnet.core.actions import SetWeight
from tests.support import shared_world
from tests.support.asking import ask
from tests.support.builders import MINUTE, make_spec
from tests.support.looks import Kill
from tests.support.oracle import assert_sound
from tests.support.world import World, adopted, releasing


def outcome(world: World) -> tuple[str, RequestOutcome]:
    assert world.status.request is not None
    return world.status.request.id, world.status.request.outcome


def refusal(world: World) -> str:
    assert world.status.request is not None
    assert world.status.request.outcome is RequestOutcome.REFUSED
    assert DecisionKind.REFUSED in world.decisions[-2:]
    return world.status.request.message


@pytest.mark.parametrize("phase", [Phase.STARTING, Phase.PROGRESSING])
def test_a_rollback_is_decided_at_once_and_tells_who_and_why(phase: Phase) -> None:
    world = releasing(until=phase)
    name = ask(world, "Rollback", reason="too many complaints")
    decision = world.look()
    assert decision.actions[0] == SetWeight(0)
    assert world.status.phase is Phase.ROLLING_BACK
    assert (world.last.decision, world.last.reason) == (DecisionKind.ROLLED_BACK, "Requested")
    assert world.last.message == "Rollback was asked for by jane: too many complaints"
    assert outcome(world) == (name, RequestOutcome.DONE)
    world.run(Phase.ROLLED_BACK)
    assert world.status.failed_revision == "v2"
    assert_sound(world)


def test_a_rollback_waits_for_nothing() -> None:
    world = releasing()
    world.prometheus_away = True
    assert world.route is not None
    world.route.refuses = "no gateway programs it"
    world.problem = ("ServiceMissing", "there is no Service")
    ask(world, "Rollback")
    assert world.look().actions[0] == SetWeight(0)


def test_a_rollback_in_a_promotion_makes_stable_whole_before_traffic_returns() -> None:
    world = releasing(make_spec(100, hold="1m"), until=Phase.PROMOTING)
    world.run(lambda world: world.stable is not None and "v2" in world.stable.asked)
    assert world.stable is not None
    name = ask(world, "Rollback", reason="wrong prices")
    world.run(Phase.ROLLED_BACK)
    assert outcome(world) == (name, RequestOutcome.DONE)
    assert (world.stable.asked, world.stable.paused) == ({"v1": 4}, True)
    assert world.lost_requests == []
    assert world.status.failed_revision == "v2"
    assert "Rollback was asked for by jane: wrong prices" in world.last.message
    assert_sound(world)


def test_a_promotion_goes_on_by_one_step_without_waiting() -> None:
    world = releasing(make_spec(5, 50, 100, hold="24h"))
    world.rest(MINUTE)
    name = ask(world, "Promote", reason="looks good")
    world.run(lambda world: world.weight == 50, limit=MINUTE)
    assert outcome(world) == (name, RequestOutcome.DONE)
    assert (world.last.decision, world.last.reason) == (DecisionKind.ADVANCED, "Requested")
    assert world.last.message == "Promote was asked for by jane: looks good; the canary gets 50 %"
    world.rest(10 * MINUTE)
    assert world.weight == 50
    assert_sound(world)


def test_more_pods_come_before_more_traffic_also_where_somebody_asks() -> None:
    world = releasing(make_spec(5, 100, hold="24h"))
    world.rest(MINUTE)
    ask(world, "Promote")
    decision = world.look()
    assert not any(isinstance(action, SetWeight) for action in decision.actions)
    assert outcome(world)[1] is RequestOutcome.ACCEPTED
    world.run(lambda world: world.weight == 100, limit=MINUTE)
    assert outcome(world)[1] is RequestOutcome.DONE
    assert world.lost_requests == []


@pytest.mark.parametrize("phase", [Phase.STARTING, Phase.PROGRESSING])
def test_a_full_promotion_takes_the_last_step_and_promotes(phase: Phase) -> None:
    world = releasing(make_spec(5, 10, 50, 100, hold="24h"), until=phase)
    name = ask(world, "PromoteFully", reason="fix of an incident")
    world.run(Phase.PROMOTED, limit=10 * MINUTE)
    assert world.weights == [0, 5, 100, 0]
    assert outcome(world) == (name, RequestOutcome.DONE)
    assert world.lost_requests == []
    assert_sound(world)


def test_without_a_gateway_a_full_promotion_has_all_pods_first() -> None:
    world = shared_world.releasing(shared_world.shared_spec(25, 50, 100, hold="24h"))
    ask(world, "PromoteFully")
    world.run(Phase.PROMOTED, limit=30 * MINUTE)
    assert world.lost_requests == []


def test_nothing_is_promoted_over_a_standing_breach() -> None:
    world = releasing(make_spec(5, 100, hold="24h"))
    world.rest(MINUTE)
    world.readings["errorRate"] = 9.0
    world.run(lambda world: any(metric.breaches for metric in world.status.metrics))
    ask(world, "Promote")
    world.look()
    assert refusal(world) == (
        "errorRate: 9 % is above 1 %: wait until it is within its limit, or ask for a rollback"
    )
    world.run(Phase.ROLLED_BACK)
    assert world.last.reason == "ErrorRateBreached"
    assert_sound(world)


def test_a_breach_that_comes_before_the_pods_ends_what_was_asked_for() -> None:
    world = releasing(make_spec(5, 100, hold="24h"))
    world.startup = 20 * MINUTE
    world.rest(MINUTE)
    ask(world, "PromoteFully")
    world.look()
    world.readings["errorRate"] = 9.0
    world.run(Phase.ROLLED_BACK)
    assert outcome(world)[1] is RequestOutcome.OVERTAKEN
    assert_sound(world)


def test_who_asked_for_a_step_did_not_mean_the_one_after_it() -> None:
    world = releasing(make_spec(5, 50, 100, hold="2m"))
    early = world.now.isoformat()
    world.run(lambda world: world.weight == 50)
    ask(world, "Promote", at=early)
    world.look()
    assert "has gone on to another step" in refusal(world)
    ask(world, "Promote", at=None)
    world.look()
    assert outcome(world)[1] is not RequestOutcome.REFUSED


def test_another_try_releases_the_failed_version_again() -> None:
    world = releasing()
    world.crashing["v2"] = "CrashLoopBackOff"
    world.run(Phase.ROLLED_BACK)
    world.crashing.clear()
    name = ask(world, "Retry", reason="the registry is back")
    world.run(Phase.PROMOTED)
    assert world.status.stable_revision == "v2"
    assert outcome(world) == (name, RequestOutcome.DONE)
    assert_sound(world)


def test_a_version_that_fails_again_is_not_tried_for_ever() -> None:
    world = releasing()
    world.crashing["v2"] = "CrashLoopBackOff"
    world.run(Phase.ROLLED_BACK)
    ask(world, "Retry")
    world.run(Phase.STARTING)
    world.run(Phase.ROLLED_BACK)
    world.rest()
    assert world.status.failed_revision == "v2"
    assert world.wake_after is None


REFUSED = {
    Phase.IDLE: {
        "Rollback": "nothing is being released: to return",
        "Promote": "nothing is being released that could go on (the phase is Idle)",
        "PromoteFully": "nothing is being released that could go on (the phase is Idle)",
        "Retry": "the version that is asked for was not rolled back: change the template",
    },
    Phase.STARTING: {
        "Promote": "the canary has no traffic yet: wait until its pods are ready",
        "Retry": "the release has not come to an end yet (the phase is Starting)",
    },
    Phase.RETURNING: {
        "Rollback": "stable runs v2 already: put the template of the version before back",
        "Promote": "nothing is being released that could go on (the phase is Returning)",
    },
    Phase.ROLLING_BACK: {"Rollback": "traffic is back on stable already"},
}


@pytest.mark.parametrize(
    ("phase", "action", "words"),
    [(phase, *pair) for phase, pairs in REFUSED.items() for pair in pairs.items()],
)
def test_what_can_not_be_done_is_refused_once_with_a_remedy_and_moves_nothing(
    phase: Phase, action: str, words: str
) -> None:
    world = adopted(make_spec(100, hold="1m"))
    if phase is not Phase.IDLE:
        world.push("v2")
        world.run(Phase.STARTING)
    if phase is Phase.ROLLING_BACK:
        world.run(Phase.PROGRESSING)
        ask(world, "Rollback")
    world.run(phase)
    name = ask(world, action)
    world.look()
    assert refusal(world).startswith(words)
    assert outcome(world)[0] == name
    entries = len(world.status.history)
    assert world.status.phase is phase
    world.look()
    assert len(world.status.history) == entries


def test_a_suspended_release_goes_on_for_nobody() -> None:
    world = releasing()
    world.edit_spec(world.spec.model_copy(update={"suspend": True}))
    ask(world, "PromoteFully")
    world.look()
    assert refusal(world) == "the release is suspended: set spec.suspend to false"


def test_what_is_being_deleted_takes_no_requests() -> None:
    world = releasing()
    world.delete()
    ask(world, "Rollback")
    world.look()
    assert "is being deleted" in refusal(world)
    world.run(lambda world: world.gone)


@pytest.mark.thorough
@pytest.mark.parametrize("lost", [False, True])
@pytest.mark.parametrize("survive", [0, 1, 2])
@pytest.mark.parametrize("action", ["Rollback", "Promote", "PromoteFully"])
def test_a_request_is_carried_out_once_wherever_the_operator_is_killed(
    action: str, survive: int, lost: bool
) -> None:
    for look in range(6):
        world = releasing(make_spec(5, 10, 100, hold="24h"))
        world.rest(MINUTE)
        world.kills = {len(world.trail) + look: Kill(survive, status_lost=lost)}
        ask(world, action)
        world.rest(5 * MINUTE)
        phase = {"Rollback": Phase.ROLLED_BACK, "PromoteFully": Phase.PROMOTED}.get(action)
        assert world.status.phase is (phase or Phase.PROGRESSING)
        assert phase or world.weight == 10
        assert outcome(world)[1] is RequestOutcome.DONE
        assert_sound(world)
