"""The report of a release: what really happened in a played world, and what isn't kept."""

from datetime import datetime, timedelta

import pytest

from linnet.api.status import HISTORY_LIMIT, Absence, DecisionKind, Phase
from linnet.core.revision import template_part
from linnet.review.report import Checked, Outcome, Report
from linnet.review.reporting import Known, NoRelease, chapters, chosen, report, span
from tests.support.asking import ask, fire
from tests.support.builders import MINUTE, SECOND, START, make_entry, make_spec, make_status
from tests.support.world import World, adopted, releasing


def told(world: World, revision: str = "", **more: object) -> Report:
    """The report of what has happened so far."""
    known = Known("shops", "shop", world.spec, world.status, **more)  # type: ignore[arg-type]
    return report(known, chosen(world.status, revision), world.now)


def check(found: Report, name: str) -> Checked:
    return next(each for each in found.checks if each.name == name)


def test_a_breach_is_told_from_its_first_sign_to_its_end() -> None:
    world = releasing()
    world.readings["errorRate"] = lambda w: 3.0 if w.route and w.route.served >= 50 else 0.1
    world.run(Phase.ROLLED_BACK)
    found = told(world)
    assert (found.revision, found.stable_revision) == ("v2", "v1")
    assert (found.outcome, found.reason) == (Outcome.ROLLED_BACK, "ErrorRateBreached")
    assert found.asked_by == "the policy"
    assert [stage.weight for stage in found.stages] == [0, 5, 10, 50, 0]
    assert [stage.what for stage in found.stages][-2:] == ["Progressing", "RollingBack"]
    times = found.times
    interval = world.spec.analysis.interval
    assert times.detection_seconds == (2 * interval).total_seconds()
    decided = next(e for e in world.status.history if e.decision is DecisionKind.ROLLED_BACK)
    assert times.decided_at == decided.at
    assert times.ended_at == world.status.phase_since
    assert times.ending_seconds is not None
    assert times.ending_seconds >= world.spec.canary.drain_period.total_seconds()
    errors = check(found, "errorRate")
    assert (errors.value, errors.verdict) == (3.0, "Breach")
    assert (errors.goes_on_at_most, errors.rolls_back_above) == (0.5, 1.0)
    assert found.missing == ()


def test_a_promotion_is_told_with_each_step() -> None:
    world = releasing(make_spec(5, 50, 100, hold="10m"))
    world.run(Phase.PROMOTED)
    found = told(world)
    assert (found.outcome, found.reason) == (Outcome.PROMOTED, "LastStepPassed")
    phases = ("Starting", "Progressing", "Promoting", "Returning")
    assert [stage.what for stage in found.stages] == [phases[i] for i in (0, 1, 1, 1, 2, 3)]
    assert [stage.weight for stage in found.stages] == [0, 5, 50, 100, 100, 0]
    for earlier, later in zip(found.stages, found.stages[1:], strict=False):
        assert earlier.until == later.since
    first = found.stages[1]
    assert first.until is not None
    assert first.until - first.since >= 10 * MINUTE
    assert found.stages[-1].until == found.times.ended_at
    assert found.times.detection_seconds is None


def test_one_under_way_is_told_up_to_now() -> None:
    world = releasing(make_spec(5, 100, hold="1h"))
    world.run(Phase.PROGRESSING)
    world.rest(10 * MINUTE)
    found = told(world)
    assert (found.outcome, found.message) == (Outcome.UNDER_WAY, world.status.message)
    assert found.stages[-1].until is None
    assert found.times.decided_at is None
    assert found.times.exposed_at is not None
    assert found.times.exposed_seconds == (world.now - found.times.exposed_at).total_seconds()


def test_who_asked_is_told() -> None:
    world = releasing()
    world.run(Phase.PROGRESSING)
    ask(world, "Rollback", reason="wrong prices")
    world.run(Phase.ROLLED_BACK)
    found = told(world)
    assert (found.outcome, found.asked_by) == (Outcome.ROLLED_BACK, "jane")
    assert "wrong prices" in found.message
    assert found.times.first_sign_at is None


def test_an_alert_is_its_first_sign() -> None:
    world = releasing(until=Phase.PROGRESSING)
    alert = fire(world)
    world.now += 7 * SECOND
    world.run(Phase.ROLLED_BACK)
    found = told(world)
    assert found.asked_by == "an alert"
    assert [each.name for each in found.alerts] == ["HighErrors"]
    assert found.times.first_sign_at == alert.starts_at
    assert found.times.detection_seconds == 7


def test_each_of_several_releases_has_its_own() -> None:
    world = releasing(make_spec(5, 100, hold="1m"), until=Phase.PROGRESSING)
    fire(world)
    world.run(Phase.ROLLED_BACK)
    world.push("v3")
    world.run(Phase.PROMOTED)
    assert [each.revision for each in chapters(world.status)] == ["v2", "v3"]
    assert told(world).alerts == ()
    earlier = told(world, "v2")
    assert (earlier.outcome, earlier.reason) == (Outcome.ROLLED_BACK, "AlertFired")
    assert earlier.times.ended_at is None
    assert check(earlier, "errorRate").value is None
    assert any("last release only" in each for each in earlier.missing)
    assert len(earlier.alerts) == 1
    with pytest.raises(NoRelease, match="there are v3, v2"):
        told(world, "v9")


def test_another_version_in_between_is_told() -> None:
    world = releasing(until=Phase.PROGRESSING)
    world.push("v3")
    world.run(lambda w: w.status.canary_revision == "v3")
    assert told(world, "v2").outcome is Outcome.SUPERSEDED
    world.push("v1")
    world.run(Phase.IDLE)
    found = told(world)
    assert (found.revision, found.outcome) == ("v3", Outcome.REVERTED)


def test_a_version_put_back_after_a_rollback_ends_no_second_time() -> None:
    world = releasing(until=Phase.PROGRESSING)
    ask(world, "Rollback")
    world.run(Phase.ROLLED_BACK)
    world.push("v1")
    world.run(Phase.IDLE)
    found = told(world)
    assert (found.outcome, found.times.ended_at) == (Outcome.ROLLED_BACK, None)
    assert [each.decision for each in found.decisions][-1] is DecisionKind.REVERTED


def test_what_a_bounded_history_has_lost_is_said() -> None:
    entries = [
        make_entry(DecisionKind.REFUSED, "Promote", at=START + i * SECOND, revision="v2")
        for i in range(HISTORY_LIMIT - 2)
    ]
    moved = make_entry(DecisionKind.ADVANCED, "StepPassed", at=START + MINUTE, revision="v2")
    end = make_entry(
        DecisionKind.ROLLED_BACK, "CanaryDown", at=START + 2 * MINUTE, weight=50, revision="v2"
    )
    status = make_status(Phase.ROLLED_BACK, history=(*entries, moved, end))
    known = Known("shops", "shop", make_spec(), status)
    found = report(known, chosen(status), START + 3 * MINUTE)
    assert found.missing == ("What was decided before 12:00:00: 20 decisions are kept.",)
    assert (found.times.started_at, found.times.exposed_at) == (None, None)
    assert [(stage.what, stage.weight) for stage in found.stages] == [
        ("Progressing", 50),
        ("RollingBack", 0),
    ]
    assert found.stable_revision == "v1"


def test_an_end_that_isnt_kept_is_unknown() -> None:
    started = make_entry(DecisionKind.STARTED, "TemplateChanged", revision="v2")
    status = make_status(Phase.PENDING, history=(started,), stable_revision="v2")
    found = report(Known("shops", "shop", make_spec(), status), chosen(status), START)
    assert (found.outcome, found.stable_revision) == (Outcome.UNKNOWN, "")
    assert "How it ended: the decision isn't kept." in found.missing


def test_when_nobody_looked_is_said() -> None:
    world = releasing(until=Phase.PROGRESSING)
    away = Absence(since=START, until=START + 5 * MINUTE)
    world.status = world.status.model_copy(update={"absences": (away,)})
    assert "from 12:00:00 to 12:05:00: the operator didn't look" in told(world).missing[0]


def test_nothing_was_released_yet() -> None:
    with pytest.raises(NoRelease, match="nothing has been released"):
        told(adopted())
    with pytest.raises(NoRelease):
        chosen(make_status(Phase.IDLE))


def test_images_are_those_of_the_version_or_none() -> None:
    world = releasing(until=Phase.PROGRESSING)
    asked = template_part("v2")
    assert told(world, asked_revision=asked, images=("shop:2",)).images == ("shop:2",)
    assert told(world, asked_revision="v3", images=("shop:3",)).images == ()


def test_samples_are_held_against_both_limits() -> None:
    world = releasing(until=Phase.PROGRESSING)
    points = tuple((START.timestamp() + i, value) for i, value in enumerate((0.2, 2.5, 0.4)))
    found = told(world, samples={"errorRate": points}, problems=("The samples of cpu: none.",))
    errors = check(found, "errorRate")
    assert [sample.at for sample in errors.samples] == [START + i * SECOND for i in range(3)]
    assert errors.worst == 2.5
    assert [errors.is_beyond(sample.value) for sample in errors.samples] == [False, True, False]
    assert check(found, "cpu").worst is None
    assert found.missing == ("The samples of cpu: none.",)


def test_of_a_check_with_a_lower_limit_the_least_is_the_worst() -> None:
    world = releasing(make_spec(analysis={"metrics": [{"use": "availability"}]}))
    points = ((START.timestamp(), 99.9), (START.timestamp() + 1, 98.0))
    (availability,) = told(world, samples={"availability": points}).checks
    assert availability.worst == 98.0
    assert availability.is_beyond(98.0)
    assert not availability.is_beyond(99.9)


def test_its_time_is_that_of_the_release() -> None:
    world = releasing(until=Phase.PROGRESSING)
    began = world.status.started_at
    assert isinstance(began, datetime)
    assert span(world.status, chosen(world.status), world.now) == (began, world.now)
    ask(world, "Rollback")
    world.run(Phase.ROLLED_BACK)
    ended = world.status.phase_since
    assert span(world.status, chosen(world.status), world.now + timedelta(days=1))[1] == ended
