"""Tracked config: a change of content is a release, and stable keeps the old content until then."""

from datetime import timedelta
from typing import Any

import pytest

from linnet.api.spec import CanaryReleaseSpec
from linnet.api.status import DecisionKind, Phase
from linnet.core.actions import EnsureCanary, RemoveCopies, ResumeStable, WriteConfig
from tests.support.builders import HOUR, MINUTE, SECOND, make_spec
from tests.support.objects import Config, Stable
from tests.support.oracle import assert_sound
from tests.support.world import World, adopted

TRACKED: dict[str, Any] = {"name": "settings", "mountedAs": "settings-live"}


def tracking(*weights: int, hold: str = "1m", **parts: Any) -> CanaryReleaseSpec:
    return make_spec(*weights or (50, 100), hold=hold, trackedConfig=[TRACKED], **parts)


def guarded(**parts: Any) -> World:
    return adopted(tracking(**parts))


def changing(until: Phase = Phase.PROGRESSING) -> World:
    """c2 is on its way beside c1, with the same template."""
    world = guarded()
    world.config.source = "c2"
    world.run(until)
    return world


def asked_config(world: World) -> list[str]:
    """The contents that stable's pods were given to read."""
    done = [action for look in world.trail for action in look.decision.actions]
    return [action.config for action in done if isinstance(action, WriteConfig)]


def test_adoption_believes_what_stables_pods_read() -> None:
    world = guarded()
    assert world.status.stable_revision == "v1-c1"
    assert world.config == Config(source="c1", live="c1", copies={"c1"})
    assert world.condition("Ready") == "Idle"


def test_what_the_template_names_is_made_where_it_is_missing_and_the_pods_wait_for_it() -> None:
    world = World(tracking())
    assert world.stable is not None
    world.stable = Stable("v1", 4, ready={"v1": 0}, names=world.stable.names)
    world.config = Config(live=None)
    world.run(Phase.IDLE)
    assert world.config == Config(source="c1", live="c1", copies={"c1"})
    assert world.stable.ready == {"v1": 4}
    assert world.status.stable_revision == "v1-c1"


def test_a_change_of_content_alone_is_a_release() -> None:
    world = changing(until=Phase.PROMOTED)
    assert world.weights == [0, 50, 100, 0]
    started = next(e for e in world.status.history if e.decision is DecisionKind.STARTED)
    assert (started.reason, started.revision) == ("ConfigChanged", "v1-c2")
    assert world.status.stable_revision == "v1-c2"
    assert world.stable is not None
    assert world.stable.asked == {"v1-c2": 4}
    assert world.stable.started_with == {"v1-c2": {"c2"}}
    assert world.lost_requests == []
    assert_sound(world)


def test_stable_keeps_the_old_content_until_the_promotion() -> None:
    world = changing(until=Phase.PROMOTING)
    for look in world.trail[:-1]:
        assert look.observed.config is not None
        assert look.observed.config.live == "c1"
    assert asked_config(world) == ["c1", "c2"]


def test_stable_is_resumed_only_once_what_its_pods_read_is_seen_written() -> None:
    world = changing(until=Phase.PROMOTED)
    [resumed] = [
        look
        for look in world.trail
        if any(isinstance(action, ResumeStable) for action in look.decision.actions)
    ]
    assert resumed.observed.config is not None
    assert resumed.observed.config.live == "c2"


def test_a_rest_after_a_promotion_has_one_copy_and_costs_nothing() -> None:
    world = changing(until=Phase.PROMOTED)
    world.rest()
    assert world.config == Config(source="c2", live="c2", copies={"c2"})
    looks = len(world.trail)
    world.rest()
    assert world.wake_after is None
    assert len(world.trail) == looks + 1
    assert world.trail[-1].decision.actions == ()


def test_a_bad_content_is_rolled_back_and_never_reaches_stable() -> None:
    world = changing()
    world.readings["errorRate"] = 5.0
    world.run(Phase.ROLLED_BACK)
    world.rest()
    assert asked_config(world) == ["c1"]
    assert world.config == Config(source="c2", live="c1", copies={"c1"})
    assert world.stable is not None
    assert world.stable.asked == {"v1": 4}
    assert world.status.failed_revision == "v1-c2"


def test_a_content_that_failed_is_not_tried_again_but_the_next_one_is() -> None:
    world = changing()
    world.readings["errorRate"] = 5.0
    world.run(Phase.ROLLED_BACK)
    world.rest()
    assert world.status.phase is Phase.ROLLED_BACK
    world.readings["errorRate"] = 0.0
    world.config.source = "c3"
    world.run(Phase.PROMOTED)
    assert world.status.stable_revision == "v1-c3"


def test_a_content_that_failed_and_is_put_back_leaves_nothing_to_release() -> None:
    world = changing()
    world.readings["errorRate"] = 5.0
    world.run(Phase.ROLLED_BACK)
    world.config.source = "c1"
    world.run(Phase.IDLE)
    assert (world.last.decision, world.last.reason) == (DecisionKind.REVERTED, "ConfigReverted")


def test_template_and_content_are_released_together() -> None:
    world = guarded()
    world.config.source = "c2"
    world.push("v2")
    world.run(Phase.PROMOTED)
    started = next(e for e in world.status.history if e.decision is DecisionKind.STARTED)
    assert (started.reason, started.revision) == ("TemplateChanged", "v2-c2")
    assert world.stable is not None
    assert world.stable.started_with == {"v2-c2": {"c2"}}


def test_a_new_template_with_the_same_content_runs_with_a_copy_of_it() -> None:
    world = guarded()
    world.push("v2")
    world.run(Phase.PROMOTED)
    assert asked_config(world) == ["c1"]
    assert world.stable is not None
    assert world.stable.asked == {"v2-c1": 4}


def test_another_content_in_mid_release_starts_over() -> None:
    world = changing()
    world.config.source = "c3"
    world.run(Phase.ROLLING_BACK)
    assert (world.last.decision, world.last.reason) == (DecisionKind.SUPERSEDED, "ConfigChanged")
    world.run(Phase.PROMOTED)
    assert asked_config(world) == ["c1", "c3"]
    assert world.status.stable_revision == "v1-c3"


def test_the_old_content_in_mid_release_ends_it() -> None:
    world = changing()
    world.config.source = "c1"
    world.run(Phase.IDLE)
    assert (world.last.decision, world.last.reason) == (DecisionKind.REVERTED, "ConfigReverted")
    assert asked_config(world) == ["c1"]


def test_a_content_that_changes_while_stable_takes_over_is_the_next_release() -> None:
    world = changing(until=Phase.PROMOTING)
    world.config.source = "c3"
    world.run(Phase.PROMOTED)
    assert world.status.stable_revision == "v1-c2"
    assert world.stable is not None
    assert world.stable.started_with == {"v1-c2": {"c2"}}
    world.run(Phase.STARTING)
    assert world.status.canary_revision == "v1-c3"


def test_the_promotion_writes_what_was_verified_though_the_source_has_gone() -> None:
    world = changing(until=Phase.PROMOTING)
    world.config.source = None
    world.config.live = "c1"  # the write is lost
    world.run(Phase.PROMOTED)
    assert (world.config.live, world.status.stable_revision) == ("c2", "v1-c2")


@pytest.mark.parametrize("phase", [Phase.STARTING, Phase.PROGRESSING, Phase.PROMOTING])
def test_what_is_edited_by_hand_is_put_back(phase: Phase) -> None:
    world = changing(until=phase)
    due = "c2" if phase is Phase.PROMOTING else "c1"
    world.config.live = "c9"
    world.rest(2 * SECOND)
    assert world.config.live == due
    world.config.live = None
    world.rest(2 * SECOND)
    assert world.config.live == due
    world.run(Phase.PROMOTED)
    assert_sound(world)


def test_what_is_edited_by_hand_between_releases_is_put_back() -> None:
    world = guarded()
    world.config.live = "c9"
    world.rest(2 * SECOND)
    assert world.config == Config(source="c1", live="c1", copies={"c1"})
    assert DecisionKind.STARTED not in world.decisions


def test_where_the_old_content_is_nowhere_what_pods_read_is_believed_and_released_from() -> None:
    world = guarded()
    world.config.source = "c2"
    world.config.live = "c9"
    world.config.copies.clear()
    world.run(Phase.STARTING)
    followed = next(e for e in world.status.history if e.reason == "ConfigFollowed")
    assert followed.revision == "v1-c9"
    world.rest(SECOND)
    assert world.status.canary_revision == "v1-c2"
    assert world.config.copies == {"c9", "c2"}


def test_a_copy_that_is_deleted_in_mid_release_is_made_again() -> None:
    world = changing()
    world.config.copies.discard("c2")
    world.rest(2 * SECOND)
    assert world.config.copies == {"c1", "c2"}
    made = [a for a in world.trail[-1].decision.actions if isinstance(a, EnsureCanary)]
    assert all(action.replicas == 2 for action in made)


def test_a_source_that_is_missing_at_rest_is_said_and_nothing_moves() -> None:
    world = guarded()
    world.config.source = None
    world.push("v2")
    world.rest(MINUTE)
    assert world.condition("Stalled") == "ConfigMissing"
    assert world.canary is None
    world.config.source = "c1"
    world.run(Phase.PROMOTED)
    assert world.status.stable_revision == "v2-c1"


def test_a_source_that_is_missing_in_mid_release_holds_it() -> None:
    world = changing()
    world.config.source = None
    world.rest(10 * MINUTE)
    assert world.condition("Stalled") == "ConfigMissing"
    assert (world.status.phase, world.weight) == (Phase.PROGRESSING, 50)
    world.config.source = "c2"
    world.run(Phase.PROMOTED)
    assert world.status.stable_revision == "v1-c2"


def test_a_source_that_stays_away_ends_the_release_at_the_deadline() -> None:
    world = changing()
    world.config.source = None
    world.run(Phase.ROLLING_BACK, limit=2 * HOUR)
    assert world.last.reason == "HoldDeadlineExceeded"


def test_a_source_that_is_missing_while_the_canary_starts_holds_it() -> None:
    world = guarded()
    world.startup = timedelta(seconds=30)
    world.config.source = "c2"
    world.run(Phase.STARTING)
    world.config.source = None
    world.rest(MINUTE)
    assert (world.condition("Stalled"), world.status.phase) == ("ConfigMissing", Phase.STARTING)
    world.config.source = "c2"
    world.run(Phase.PROMOTED)


def test_a_breach_is_not_hidden_by_a_missing_source() -> None:
    world = changing()
    world.config.source = None
    world.readings["errorRate"] = 5.0
    world.run(Phase.ROLLING_BACK, limit=5 * MINUTE)
    assert world.last.reason == "ErrorRateBreached"


def test_a_name_that_is_taken_while_stable_takes_over_is_said_with_traffic_on_the_canary() -> None:
    world = changing(until=Phase.PROMOTING)
    world.config.taken = True
    world.rest(MINUTE)
    assert (world.condition("Stalled"), world.weight) == ("NameTaken", 100)
    world.config.taken = False
    world.run(Phase.PROMOTED)
    assert world.status.stable_revision == "v1-c2"


def test_a_verified_content_that_is_nowhere_keeps_traffic_on_the_canary() -> None:
    world = changing(until=Phase.PROMOTING)
    world.config.copies.clear()
    world.config.source = "c3"
    world.config.live = "c1"
    world.rest(MINUTE)
    assert (world.condition("Stalled"), world.weight) == ("ConfigChangedWhilePromoting", 100)
    world.config.source = "c2"
    world.run(Phase.PROMOTED)
    assert world.status.stable_revision == "v1-c2"


def test_a_verified_content_that_is_nowhere_for_a_reason_is_told_by_that() -> None:
    world = changing(until=Phase.PROMOTING)
    world.config.copies.clear()
    world.config.source = None
    world.config.live = "c1"
    world.rest(MINUTE)
    assert (world.condition("Stalled"), world.weight) == ("ConfigMissing", 100)


def test_a_deletion_leaves_what_pods_read_and_takes_the_copies() -> None:
    world = changing()
    world.delete()
    world.run(lambda world: world.gone, limit=HOUR)
    assert world.config == Config(source="c2", live="c1", copies=set())
    assert world.stable is not None
    assert (world.stable.paused, world.stable.asked) == (False, {"v1": 4})
    assert world.lost_requests == []


def test_a_deletion_in_a_promotion_that_is_stuck_leaves_the_canary_its_copies() -> None:
    world = changing(until=Phase.PROMOTING)
    assert world.stable is not None
    world.stable.stuck = True
    world.delete()
    world.run(lambda world: world.gone, limit=HOUR)
    assert world.canary is not None
    assert "c2" in world.config.copies


def test_tracking_begins_without_a_release_where_the_content_is_the_same() -> None:
    world = adopted(make_spec(100, hold="1m"))
    world.edit_spec(tracking())
    world.rest(MINUTE)
    assert (world.status.phase, world.status.stable_revision) == (Phase.IDLE, "v1-c1")
    assert world.config == Config(source="c1", live="c1", copies={"c1"})


def test_tracking_begins_with_the_template_that_reads_what_is_written() -> None:
    world = adopted(make_spec(100, hold="1m"))
    world.config.live = None
    world.edit_spec(tracking())
    world.push("v2")
    world.run(Phase.PROMOTED)
    world.rest()
    assert world.status.stable_revision == "v2-c1"
    assert world.config == Config(source="c1", live="c1", copies={"c1"})
    assert world.lost_requests == []
    assert_sound(world)


def test_tracking_ends_without_a_release() -> None:
    world = changing(until=Phase.PROMOTED)
    world.edit_spec(make_spec(100, hold="1m"))
    world.rest(MINUTE)
    assert world.config == Config(source="c2", live="c2", copies=set())
    assert (world.status.phase, world.status.stable_revision) == (Phase.PROMOTED, "v1")
    removed = [a for look in world.trail for a in look.decision.actions if a == RemoveCopies()]
    assert len(removed) == 1


def test_a_rollout_by_somebody_else_is_followed_with_what_pods_read() -> None:
    world = changing(until=Phase.PROMOTED)
    assert world.stable is not None
    world.stable.asked = world.stable.ready = {"v7-c2": 4}
    world.push("v7")
    world.rest(SECOND)
    assert world.status.stable_revision == "v7-c2"
    assert world.last.reason == "RolledOutElsewhere"


def test_the_condition_says_that_config_is_tracked() -> None:
    world = guarded()
    assert world.condition("ConfigTracked") == "Tracked"
    world.edit_spec(make_spec(100))
    world.rest(SECOND)
    [told] = [c for c in world.status.conditions if c.type == "ConfigTracked"]
    assert (told.status, told.reason) == ("False", "MutableReferences")
    assert "ConfigMap settings-live" in told.message
    assert world.condition("Ready") == "Idle"
