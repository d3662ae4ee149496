"""Verdicts, the budget, and what is still needed."""

import time
from math import inf, log

import numpy as np
import pytest

from linnet.stats import cpu, latency, memory, mixture, share
from linnet.stats.counts import Window
from linnet.stats.errors import ERRORS
from linnet.stats.exposure import OOM_KILLS, RESTARTS
from linnet.stats.latency import Histograms, LatencyTest
from linnet.stats.objective import ObjectiveTest
from linnet.stats.ratio import RatioState
from linnet.stats.share import ShareTest
from linnet.stats.verdict import (
    Circumstances,
    Evidence,
    Finding,
    Verdict,
    alpha_each,
    compare,
    judge,
    requests_needed,
)

ALPHA = alpha_each(6)
BAD, GOOD, NEITHER = Evidence(7.0, 0.0), Evidence(-1.0, 4.0), Evidence(1.0, 1.0)


@pytest.mark.parametrize(
    ("evidence", "what", "verdict"),
    [
        (BAD, Circumstances(), Verdict.BREACH),
        (BAD, Circumstances(stable_suffers=True), Verdict.SHARED_INCIDENT),
        (BAD, Circumstances(misrouted=True), Verdict.INVALID),
        (BAD, Circumstances(silent=True), Verdict.NO_DATA),
        (BAD, Circumstances(silent=True, failed=True), Verdict.ERROR),
        (Evidence(7.0, 7.0), Circumstances(), Verdict.BREACH),
        (GOOD, Circumstances(), Verdict.CLEAR),
        (GOOD, Circumstances(time_is_up=True), Verdict.CLEAR),
        (NEITHER, Circumstances(), Verdict.CONTINUE),
        (NEITHER, Circumstances(time_is_up=True), Verdict.INCONCLUSIVE),
    ],
)
def test_what_overrules_what(evidence: Evidence, what: Circumstances, verdict: Verdict) -> None:
    assert judge(evidence, ALPHA, what) is verdict


def test_the_parts_of_a_budget_add_up() -> None:
    assert pytest.approx(0.01) == 6 * ALPHA


def _after(canary: float, stable: float, ticks: int) -> RatioState:
    state = ERRORS.begin()
    for _ in range(ticks):
        state = ERRORS.advance(state, Window(canary, 750.0, stable, 14250.0))
    return state


def _evidence(state: RatioState) -> Evidence:
    return Evidence(
        float(mixture.log_evidence(state.worse)), float(mixture.log_evidence(state.better))
    )


def test_requests_that_are_still_needed_shrink_as_evidence_grows() -> None:
    needed = []
    for ticks in (1, 4, 6):
        state = _after(1.5, 28.5, ticks)
        needed.append(requests_needed(state, ERRORS, _evidence(state), ALPHA))
    assert needed == sorted(needed, reverse=True)
    assert 0 < needed[-1] < needed[0] < 20_000


def test_needed_requests_of_a_healthy_canary_are_about_right() -> None:
    """What is said after a minute against what it then takes; a mixture has to find its bet."""
    state, ticks = _after(1.5, 28.5, 4), 4
    said = requests_needed(state, ERRORS, _evidence(state), ALPHA) + 4 * 750
    while judge(_evidence(state), ALPHA, Circumstances()) is Verdict.CONTINUE:
        state = ERRORS.advance(state, Window(1.5, 750.0, 28.5, 14250.0))
        ticks += 1
    assert 0.4 < said / (ticks * 750) < 2.5


def test_nothing_is_needed_once_decided_and_nothing_known_without_traffic() -> None:
    state = _after(40, 28, 3)
    assert requests_needed(state, ERRORS, _evidence(state), ALPHA) == 0
    assert requests_needed(ERRORS.begin(), ERRORS, NEITHER, ALPHA) == inf


def test_a_canary_without_errors_gets_a_forecast() -> None:
    state = _after(0, 28, 1)
    assert 0 < requests_needed(state, ERRORS, _evidence(state), ALPHA) < 20_000


def test_a_finding_says_what_it_rests_on() -> None:
    finding = compare(_after(9, 28.5, 3), ERRORS, ALPHA, Circumstances())
    assert finding.verdict is Verdict.BREACH
    assert finding.effect == pytest.approx(6, rel=0.01)
    assert finding.lately == pytest.approx(6, rel=0.01)
    assert finding.interval.low < 6 < finding.interval.high
    assert finding.e_value > finding.needed == pytest.approx(600)
    assert finding.requests_needed == 0


def test_a_finding_of_late_trouble_says_so() -> None:
    state = _after(1.5, 28.5, 400)
    for _ in range(3):
        state = ERRORS.advance(state, Window(30.0, 750.0, 28.5, 14250.0))
    finding = compare(state, ERRORS, ALPHA, Circumstances())
    assert finding.verdict is Verdict.BREACH
    assert finding.effect < 1.2 < 3 < finding.lately


def test_a_finding_about_nothing() -> None:
    finding = compare(ERRORS.begin(), ERRORS, ALPHA, Circumstances(silent=True))
    assert finding.verdict is Verdict.NO_DATA
    assert np.isnan(finding.effect)
    assert isinstance(finding, Finding)


def test_ten_metrics_cost_about_a_millisecond() -> None:
    """1.3 ms on a slow machine; the bound is wide, because it may be a busy one, too."""
    slow, split, objective, load = LatencyTest(), ShareTest(), ObjectiveTest(0.01), cpu.CpuTest()
    window = Window(2.0, 750.0, 28.0, 14250.0)
    seen = Histograms(
        np.linspace(700, 0, 11), np.asarray(750.0), np.linspace(14000, 1, 11), np.asarray(14250.0)
    )
    errors, restarts, kills = ERRORS.begin(), RESTARTS.begin(), OOM_KILLS.begin()
    slower, shares, load_state, grown = slow.begin(11), split.begin(), load.begin(), memory.begin()
    goals = [objective.begin() for _ in range(3)]
    fastest = inf
    for at in range(30):
        begun = time.process_time()
        errors, restarts = ERRORS.advance(errors, window), RESTARTS.advance(restarts, window)
        kills, slower = OOM_KILLS.advance(kills, window), slow.advance(slower, seen)
        shares = split.advance(shares, 750.0, 14250.0, 0.05)
        load_state, goals = (
            load.advance(load_state, window),
            [objective.advance(goal, 2.0, 750.0) for goal in goals],
        )
        grown = memory.advance(grown, 4e8, 15.0 * at, (4e8, 4e8))
        compare(errors, ERRORS, ALPHA, Circumstances())
        latency.worse(slower), latency.better(slower), share.wrong(shares)
        fastest = min(fastest, time.process_time() - begun)
    assert fastest < 0.01, f"{1000 * fastest:.2f} ms"
    assert log(fastest) < 0
