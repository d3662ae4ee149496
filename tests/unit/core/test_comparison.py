import json
from dataclasses import replace
from math import inf, isnan

import pytest

from linnet.core import comparison
from linnet.core.comparison import Comparison, Look, Policy
from linnet.core.sources import Arm, Arms
from linnet.stats.verdict import Verdict

POLICY = Policy()


def arm(requests: float, errors: float = 0, slow: float = 0) -> Arm:
    """An arm of which so many requests took more than 100 ms, and none more than a second."""
    return Arm(requests, errors, requests, {0.1: requests - slow, 1.0: requests})


def look(canary: Arm | None, stable: Arm | None, weight: int = 5) -> Look:
    return Look(weight, 15.0, Arms(stable=stable, canary=canary))


HEALTHY = look(arm(750, 1, 75), arm(14250, 28, 1425))
FAILING = look(arm(750, 40, 75), arm(14250, 28, 1425))
SLOW = look(arm(750, 1, 300), arm(14250, 28, 1425))
BOTH_FAIL = look(arm(750, 40, 75), arm(14250, 700, 1425))
SILENT = look(None, arm(14250, 28, 1425))


def after(*looks: Look) -> Comparison:
    state = comparison.begin()
    for each in looks:
        state = comparison.advance(state, each, POLICY)
    return state


def verdicts(*looks: Look) -> dict[str, Verdict]:
    found = comparison.findings(after(*looks), looks[-1], POLICY)
    return {name: each.verdict for name, each in found.items()}


def test_a_healthy_canary_is_cleared() -> None:
    assert verdicts(HEALTHY)["errors"] is Verdict.CONTINUE
    found = comparison.findings(after(*[HEALTHY] * 60), HEALTHY, POLICY)
    assert {each.verdict for each in found.values()} == {Verdict.CLEAR}
    errors = found["errors"]
    assert errors.effect == pytest.approx(1 / 750 * 14250 / 28)
    assert errors.interval.low < errors.effect < errors.interval.high


FLAWLESS = look(arm(750), arm(750), weight=50)
"""Neither fails, and all are faster than the lowest edge."""


def test_where_neither_fails_a_canary_is_cleared_by_how_few_its_failures_must_be() -> None:
    seen = [comparison.findings(after(*[FLAWLESS] * n), FLAWLESS, POLICY) for n in (2, 6, 30)]
    assert [found["errors"].verdict for found in seen] == ["Continue", "Continue", "Clear"]
    assert [found["latency"].verdict for found in seen] == ["Continue", "Clear", "Clear"]
    assert seen[1]["errors"].requests_needed == pytest.approx(750 * 7, rel=0.3)
    assert isnan(seen[2]["errors"].effect)


def test_a_few_failures_are_not_hardly_any() -> None:
    few = look(arm(750, 2), arm(750), weight=50)
    found = comparison.findings(after(*[few] * 30), few, POLICY)
    assert found["errors"].verdict is not Verdict.CLEAR


@pytest.mark.parametrize(("bad", "name"), [(FAILING, "errors"), (SLOW, "latency")])
def test_a_worse_one_ends_the_release_within_two_looks(bad: Look, name: str) -> None:
    looks = [HEALTHY, bad, bad]
    found = comparison.findings(after(*looks), bad, POLICY)
    assert [key for key, each in found.items() if each.verdict is Verdict.BREACH] == [name]
    assert found[name].e_value >= found[name].needed == pytest.approx(300)


def test_what_stable_suffers_from_too_is_no_reason_to_roll_back() -> None:
    worse = look(arm(750, 150, 75), arm(14250, 700, 1425))
    assert verdicts(*[BOTH_FAIL] * 3)["errors"] is Verdict.SHARED_INCIDENT
    assert verdicts(*[worse] * 3)["errors"] is Verdict.SHARED_INCIDENT


def test_traffic_that_is_split_otherwise_is_no_comparison() -> None:
    elsewhere = replace(HEALTHY, weight=50)
    assert verdicts(*[elsewhere] * 10)["errors"] is Verdict.INVALID


def test_alone_it_is_the_objective_that_counts() -> None:
    alone = look(arm(15000, 30), None, weight=100)
    failing = look(arm(15000, 600), None, weight=100)
    assert verdicts(*[alone] * 20) == {"errors": Verdict.CLEAR}
    found = comparison.findings(after(failing), failing, POLICY)
    assert found["errors"].verdict is Verdict.BREACH
    assert isnan(found["errors"].effect)
    assert found["errors"].interval.high == inf


@pytest.mark.thorough
def test_an_incident_beside_stable_is_not_held_against_it_alone() -> None:
    alone = look(arm(15000, 30), None, weight=100)
    looks = [BOTH_FAIL] * 5 + [HEALTHY] * 60 + [alone]
    assert verdicts(*looks)["errors"] is Verdict.CLEAR
    failing = look(arm(15000, 600), None, weight=100)
    assert verdicts(*looks, failing)["errors"] is Verdict.BREACH


def test_silence_and_failed_questions_say_nothing() -> None:
    failed = Look(5, 15.0, None)
    assert set(verdicts(HEALTHY, SILENT).values()) == {Verdict.NO_DATA}
    assert set(verdicts(HEALTHY, failed).values()) == {Verdict.ERROR}
    known = after(HEALTHY)
    assert comparison.advance(known, failed, POLICY) is known


def test_what_speaks_against_the_canary_outlives_a_step() -> None:
    before = after(*[HEALTHY] * 60)
    at_50 = look(arm(7500, 15, 750), arm(7500, 15, 750), weight=50)
    state = comparison.advance(before, at_50, POLICY)
    found = comparison.findings(state, at_50, POLICY)
    assert found["errors"].verdict is Verdict.CONTINUE
    assert state.errors.worse.seconds > before.errors.worse.seconds
    assert state.weight == 50


def test_other_edges_begin_the_latency_anew() -> None:
    other = look(Arm(750, 1, 750, {0.2: 700}), Arm(14250, 28, 14250, {0.2: 13000}))
    state = after(*[HEALTHY] * 20, other)
    assert state.edges == (0.2,)
    assert state.latency is not None
    assert state.latency.usual.shape == (2, 1)
    assert comparison.findings(state, other, POLICY)["latency"].verdict is Verdict.CONTINUE


def test_without_histograms_errors_alone_are_compared() -> None:
    plain = look(Arm(750, 1), Arm(14250, 28))
    assert verdicts(plain) == {"errors": Verdict.CONTINUE}


@pytest.mark.parametrize("looks", [[], [HEALTHY] * 3, [look(Arm(750, 1), Arm(14250, 28))]])
def test_a_state_goes_through_json_bit_for_bit(looks: list[Look]) -> None:
    state = after(*looks)
    written = json.dumps(state.to_json())
    again = Comparison.from_json(json.loads(written))
    assert json.dumps(again.to_json()) == written
    assert json.dumps(comparison.advance(again, FAILING, POLICY).to_json()) == json.dumps(
        comparison.advance(state, FAILING, POLICY).to_json()
    )
    assert len(written) < 8192


@pytest.mark.parametrize("damage", [{"weight": None}, {"errors": {}}, {"edges": 3}])
def test_a_state_that_was_tampered_with_is_refused(damage: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="state"):
        Comparison.from_json({**after(HEALTHY).to_json(), **damage})
    with pytest.raises(ValueError, match="not whole"):
        Comparison.from_json({})


def test_an_incident_is_over_when_stable_meets_its_objective_again() -> None:
    found = verdicts(*[BOTH_FAIL] * 3, *[HEALTHY] * 60)
    assert found["errors"] is not Verdict.SHARED_INCIDENT


def with_cpu(seconds: float | None) -> Look:
    canary = Arm(750, 1, 750, {0.1: 675, 1.0: 750}, seconds)
    return look(canary, Arm(14250, 28, 14250, {0.1: 12825, 1.0: 14250}, 142.5))


def test_cpu_is_compared_per_request_where_it_is_asked_for_and_told() -> None:
    asked = Policy(cpu=True)
    assert asked.alpha < POLICY.alpha
    for policy, seconds, names in ((POLICY, 15.0, 2), (asked, None, 2), (asked, 15.0, 3)):
        state = comparison.begin()
        for _ in range(8):
            state = comparison.advance(state, with_cpu(seconds), policy)
        found = comparison.findings(state, with_cpu(seconds), policy)
        assert len(found) == names
    cpu = found["cpu"]
    assert cpu.effect == pytest.approx(2.0)
    assert cpu.interval.low <= cpu.effect <= cpu.interval.high
    written = Comparison.from_json(json.loads(json.dumps(state.to_json())))
    assert written.to_json() == state.to_json()


def test_before_the_first_minute_is_over_the_cpu_has_no_size() -> None:
    asked = Policy(cpu=True)
    state = comparison.advance(comparison.begin(), with_cpu(15.0), asked)
    found = comparison.findings(state, with_cpu(15.0), asked)["cpu"]
    assert isnan(found.effect)
    assert found.verdict is Verdict.CONTINUE
