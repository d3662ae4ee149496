"""Rehearsals end as releases do: each world as it must, and as the core alone decides."""

from dataclasses import replace

import pytest

from linnet.api.status import DecisionKind, Phase
from linnet.simulation.built_in import WORLDS
from linnet.simulation.described import Described
from linnet.simulation.played import Outcome, Played
from linnet.simulation.rehearsal import play
from linnet.simulation.summary import summary
from tests.support.builders import make_spec
from tests.support.world import HEALTHY, World, adopted

SPEC = make_spec()
STEADY = Described.model_validate({"errors": {"percent": 0}, "pods": {"stable": 4}})


@pytest.mark.parametrize(
    ("world", "reason"),
    [
        ("errors-20", "ErrorRateBreached"),
        ("errors-5", "ErrorRateBreached"),
        ("late-errors", "ErrorRateBreached"),
        ("slow", "LatencyP95Breached"),
        ("hot", "CpuBreached"),
        ("leak", "MemoryBreached"),
        ("crash", "CanaryFailing"),
        ("unready", "CanaryNotReady"),
    ],
)
def test_a_defect_ends_the_release(world: str, reason: str) -> None:
    played = play(SPEC, WORLDS[world], seed=1)
    assert (played.outcome, played.reason) == (Outcome.ROLLED_BACK, reason)
    assert played.caught
    assert played.moments[-1].weight == 0


@pytest.mark.parametrize("world", ["healthy", "blind"])
def test_a_good_version_is_promoted(world: str) -> None:
    played = play(SPEC, WORLDS[world], seed=1)
    assert played.outcome is Outcome.PROMOTED
    assert not played.false_rollback
    steps = [m.weight for m in played.moments if m.what == DecisionKind.ADVANCED]
    assert steps == [5, 10, 50, 100]


def test_an_incident_of_both_versions_is_told_as_a_false_rollback() -> None:
    played = play(SPEC, WORLDS["incident"], seed=1)
    assert played.outcome is Outcome.ROLLED_BACK
    assert played.false_rollback


@pytest.mark.thorough
def test_the_comparison_tells_a_bad_version_from_an_incident() -> None:
    analysis = {"interval": "15s", "comparison": {}, "metrics": [{"use": "cpu"}]}
    spec = make_spec(analysis=analysis)
    bad, incident = (play(spec, WORLDS[name], seed=1) for name in ("errors-5", "incident"))
    assert (bad.outcome, bad.reason) == (Outcome.ROLLED_BACK, "ErrorsWorse")
    assert incident.outcome is Outcome.PROMOTED
    assert any(m.reason == "SharedIncident" for m in incident.moments)


@pytest.mark.thorough
def test_the_comparison_waits_for_prometheus() -> None:
    analysis = {"interval": "15s", "comparison": {}, "metrics": [{"use": "cpu"}]}
    blind = play(make_spec(analysis=analysis), WORLDS["blind"], seed=1)
    assert blind.outcome is Outcome.PROMOTED
    assert any("errors compared: Prometheus can't be reached" in m.why for m in blind.moments)


@pytest.mark.thorough
def test_the_same_seed_is_the_same_release() -> None:
    one, other = (play(SPEC, WORLDS["errors-1"], seed=7) for _ in range(2))
    assert one == other
    assert one.points != play(SPEC, WORLDS["errors-1"], seed=8).points


@pytest.mark.parametrize("failing", [0, 100])
@pytest.mark.parametrize("provider", ["GatewayAPI", "Replicas"])
def test_a_rehearsal_decides_what_the_core_decides(failing: float, provider: str) -> None:
    """In worlds without chance, decision by decision."""
    traffic = {"httpRoute": "shop"} if provider == "GatewayAPI" else {"provider": provider}
    spec = make_spec(20, 50, 100, hold="2m", traffic=traffic)
    defects = [{"kind": "errors", "percent": failing}] if failing else []
    played = play(spec, STEADY.model_copy(update={"defects": _read(defects)}), seed=2)
    direct = adopted(make_spec(20, 50, 100, hold="2m"))
    direct.readings = {**HEALTHY, "errorRate": failing, "availability": 100 - failing}
    direct.push("v2")
    direct.run(lambda world: world.status.phase in (Phase.PROMOTED, Phase.ROLLED_BACK))
    assert _decided(played) == _direct(direct)


def _read(defects: object) -> object:
    return Described.model_validate({"defects": defects}).defects


def _decided(played: Played) -> list[tuple[str, str, int]]:
    return [(m.what, m.reason, m.weight) for m in played.moments if m.decided]


def _direct(world: World) -> list[tuple[str, str, int]]:
    """Decisions, each with the weight that it led to."""
    found = []
    for look in world.trail:
        known = look.before.history
        fresh = look.decision.status.history[len(known) :]
        wanted = look.decision.status.weight.wanted
        found += [(str(e.decision), e.reason, wanted) for e in fresh]
    return found[1:]


def test_a_policy_that_waits_is_followed_to_its_end() -> None:
    spec = make_spec(50, 100, analysis={"onHoldDeadline": "Wait", "holdDeadline": "10m"})
    away = {"after": "1m", "lasting": "24h"}
    played = play(spec, Described.model_validate({"outages": [away]}), seed=1)
    assert played.outcome is Outcome.UNFINISHED
    assert "Held at 50 %" in played.reason


@pytest.mark.thorough
def test_scrapes_that_are_missing_hold_a_release() -> None:
    away = {"of": "scrapes", "after": "2m", "lasting": "10m"}
    played = play(SPEC, Described.model_validate({"outages": [away]}), seed=1)
    assert played.outcome is Outcome.PROMOTED
    assert played.ended_s > play(SPEC, Described(), seed=1).ended_s + 300
    assert any("gave no number" in moment.why for moment in played.moments)


def test_a_summary_counts() -> None:
    good = play(SPEC, WORLDS["healthy"], seed=1)
    bad = play(SPEC, WORLDS["errors-20"], seed=1)
    mixed = [good, replace(good, outcome=Outcome.UNFINISHED), replace(bad, healthy=True)]
    found = summary(mixed)
    assert (found.releases, found.unfinished, found.promoted.value) == (3, 1, 1 / 3)
    assert found.false_rollbacks.value == found.rolled_back.value == 1 / 3
    assert found.detection is None
    assert found.promotion is not None
    assert found.promotion.value == good.ended_s
    assert found.reasons == ("ErrorRateBreached",)
    caught = summary([bad] * 3).detection
    assert caught is not None
    assert caught.value == bad.ended_s - bad.onset_s
