"""What alerts do to a release: roll back, freeze, or be recorded; each once."""

import pytest

from linnet.api.alerts import AlertOutcome, AlertStatus
from linnet.api.request import RequestOutcome
from linnet.api.status import DecisionKind, Phase
from linnet.core.actions import SetWeight
from tests.support.asking import ask, fire, hear, resolve
from tests.support.builders import MINUTE, SECOND, make_spec
from tests.support.looks import Kill
from tests.support.oracle import assert_sound
from tests.support.world import World, adopted, releasing

SLOW = make_spec(5, 50, 100, hold="24h")


def known(world: World) -> AlertStatus:
    return world.status.alerts[-1]


@pytest.mark.parametrize("phase", [Phase.STARTING, Phase.PROGRESSING])
def test_an_alert_rolls_back_in_the_look_that_hears_of_it(phase: Phase) -> None:
    world = releasing(until=phase)
    world.prometheus_away = True
    fire(world, severity="critical")
    assert world.look().actions[0] == SetWeight(0)
    assert (world.last.decision, world.last.reason) == (DecisionKind.ROLLED_BACK, "AlertFired")
    assert world.last.message == "Alert HighErrors fires: too many errors"
    assert known(world).outcome is AlertOutcome.ROLLED_BACK
    world.run(Phase.ROLLED_BACK)
    assert world.status.failed_revision == "v2"
    assert_sound(world)


def test_an_alert_that_goes_on_firing_does_not_end_the_next_release() -> None:
    world = releasing()
    alert = fire(world)
    world.run(Phase.ROLLED_BACK)
    world.push("v3")
    world.run(Phase.PROGRESSING)
    hear(world, alert)
    world.run(Phase.PROMOTED)
    assert [each.outcome for each in world.status.alerts] == [AlertOutcome.ROLLED_BACK]
    assert_sound(world)


def test_an_alert_that_began_before_a_release_is_not_its_fault() -> None:
    world = adopted()
    alert = fire(world)
    world.alerts = ()
    world.rest(MINUTE)
    world.push("v2")
    world.run(Phase.PROGRESSING)
    hear(world, alert)
    world.run(Phase.PROMOTED)
    assert known(world).outcome is AlertOutcome.RECORDED
    assert "began before the release of v2" in known(world).message


def test_the_same_alert_that_fires_anew_ends_another_try() -> None:
    world = releasing()
    first = fire(world)
    world.run(Phase.ROLLED_BACK)
    resolve(world, first)
    ask(world, "Retry")
    world.run(Phase.PROGRESSING)
    second = fire(world)
    assert (first.fingerprint, first.starts_at) != (second.fingerprint, second.starts_at)
    world.run(Phase.ROLLED_BACK)
    assert world.decisions.count(DecisionKind.ROLLED_BACK) == 2


@pytest.mark.parametrize("phase", [Phase.STARTING, Phase.PROGRESSING])
def test_a_warning_freezes_until_it_is_resolved(phase: Phase) -> None:
    world = releasing(make_spec(5, 100, hold="1m"), until=phase)
    alert = fire(world, severity="warning")
    world.rest(20 * MINUTE)
    assert world.weight in (0, 5)
    assert "Frozen at" in world.status.message
    assert "Alert HighErrors fires" in world.status.message
    resolve(world, alert)
    world.run(Phase.PROMOTED)
    assert known(world).ended_at is not None
    assert_sound(world)


@pytest.mark.parametrize("phase", [Phase.STARTING, Phase.PROGRESSING])
def test_who_asks_for_promotion_lifts_a_freeze(phase: Phase) -> None:
    world = releasing(SLOW, until=phase)
    alert = fire(world, severity="warning")
    world.rest(MINUTE)
    ask(world, "Promote", reason="a known alert")
    world.run(lambda world: world.weight == (5 if phase is Phase.STARTING else 50), limit=MINUTE)
    assert world.status.request is not None
    assert world.status.request.outcome is RequestOutcome.DONE
    hear(world, alert)
    world.look()
    assert "Frozen" not in world.status.message
    assert_sound(world)


def test_a_freeze_does_not_hold_back_a_rollback() -> None:
    world = releasing(SLOW)
    fire(world, severity="warning")
    world.readings["errorRate"] = 9.0
    world.run(Phase.ROLLED_BACK)
    assert world.last.reason == "ErrorRateBreached"


def test_a_freeze_has_the_deadline_of_every_hold() -> None:
    world = releasing(make_spec(5, 100, hold="1m", analysis={"holdDeadline": "10m"}))
    fire(world, severity="warning")
    world.run(Phase.ROLLED_BACK)
    assert world.last.reason == "HoldDeadlineExceeded"


def test_a_freeze_ends_with_its_release() -> None:
    world = releasing(SLOW)
    fire(world, severity="warning")
    world.rest(MINUTE)
    world.push("v3")
    world.edit_spec(make_spec(5, 100, hold="1m"))
    world.run(Phase.PROMOTED)
    assert world.status.stable_revision == "v3"


@pytest.mark.parametrize(
    "labels", [{"track": "stable"}, {"severity": "info"}, {"severity": "none"}], ids=str
)
def test_an_alert_about_stable_or_for_information_moves_nothing(labels: dict[str, str]) -> None:
    world = releasing()
    fire(world, **labels)
    world.run(Phase.PROMOTED)
    assert known(world).outcome is AlertOutcome.RECORDED
    assert known(world).message.endswith("(recorded only)")


def test_the_rules_of_a_release_go_before_the_usual_ones() -> None:
    rules = [
        {"matchers": ['track="stable"', 'severity="critical"'], "action": "Rollback"},
        {"matchers": ['team=~"shop|cart"'], "action": "Freeze"},
    ]
    world = releasing(make_spec(5, 100, hold="24h", alerts=rules))
    fire(world, "Other", severity="critical")
    world.look()
    assert known(world).outcome is AlertOutcome.RECORDED
    fire(world, "Cart", team="cart")
    world.look()
    assert known(world).outcome is AlertOutcome.FROZEN
    fire(world, "Down", track="stable", severity="critical")
    world.look()
    assert world.status.phase is Phase.ROLLING_BACK


@pytest.mark.parametrize("phase", [Phase.IDLE, Phase.PROMOTING, Phase.RETURNING])
def test_where_nothing_is_measured_an_alert_moves_nothing(phase: Phase) -> None:
    world = adopted(make_spec(100, hold="1m"))
    if phase is not Phase.IDLE:
        world.push("v2")
        world.run(phase)
    looks = len(world.trail)
    fire(world, severity="critical")
    world.look()
    assert known(world).outcome is AlertOutcome.RECORDED
    assert f"the phase is {phase}" in known(world).message
    assert world.trail[looks].decision.status.phase is phase


def test_what_is_being_deleted_is_not_rolled_back() -> None:
    world = releasing()
    world.delete()
    fire(world)
    world.look()
    assert "is being deleted" in known(world).message
    world.run(lambda world: world.gone)


def test_a_storm_of_alerts_is_bounded_and_acts_once() -> None:
    world = releasing(SLOW)
    for number in range(50):
        fire(world, f"Info{number}", severity="info")
    warning = fire(world, severity="warning")
    world.look()
    for number in range(50):
        fire(world, f"More{number}", severity="info")
    world.look()
    assert len(world.status.alerts) == 20
    assert warning.fingerprint in {each.fingerprint for each in world.status.alerts}
    for number in range(30):
        fire(world, f"Warning{number}", severity="warning")
    world.look()
    assert len(world.status.alerts) == 20


@pytest.mark.parametrize("lost", [False, True])
@pytest.mark.parametrize("survive", [0, 1, 2])
def test_an_alert_ends_the_release_wherever_the_operator_is_killed(
    survive: int, lost: bool
) -> None:
    world = releasing(SLOW)
    world.rest(MINUTE)
    world.kills = {len(world.trail): Kill(survive, status_lost=lost)}
    fire(world)
    began = world.now
    world.run(Phase.ROLLING_BACK)
    assert world.now - began <= 2 * SECOND
    world.run(Phase.ROLLED_BACK)
    assert_sound(world)
