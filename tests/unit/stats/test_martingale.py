"""Under the null the mean of the evidence is at most 1, and splitting windows changes nothing."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, poisson

from linnet.stats import memory, mixture, share, signs
from linnet.stats.bets import WORSE
from linnet.stats.counts import Window
from linnet.stats.exposure import RESTARTS
from linnet.stats.objective import ObjectiveTest, shown_below
from linnet.stats.ratio import RatioState, RatioTest, payout
from linnet.stats.share import ShareTest

WINDOWS = st.lists(
    st.tuples(st.integers(0, 3), st.integers(1, 60), st.integers(1, 200)), min_size=1, max_size=4
)


@pytest.mark.thorough
@settings(max_examples=60, deadline=None)
@given(windows=WINDOWS, margin=st.sampled_from([1.0, 1.5, 3.0]), seconds=st.sampled_from([15, 60]))
def test_the_mean_of_the_evidence_is_at_most_one_for_any_order_of_shares(
    windows: list[tuple[int, int, int]], margin: float, seconds: float
) -> None:
    """Exactly: over all ways in which d events can fall on two versions with the ratio R₀."""
    test = RatioTest(margin=margin, clear_below=margin)
    ways = np.array(list(product(*(range(events + 1) for events, _, _ in windows))), dtype=float)
    chance = np.ones(len(ways))
    state = test.begin((len(ways),))
    for column, (events, canary, stable) in enumerate(windows):
        on_canary = ways[:, column]
        odds = margin * canary / stable
        chance *= binom.pmf(on_canary, events, odds / (1 + odds))
        exposed, rest = np.full(len(ways), float(canary)), np.full(len(ways), float(stable))
        state = test.advance(
            state,
            Window(
                np.minimum(on_canary, exposed),
                exposed,
                np.minimum(events - on_canary, rest),
                rest,
                seconds,
            ),
        )
    assert chance.sum() == pytest.approx(1)
    if all(events <= min(canary, stable) for events, canary, stable in windows):
        assert (chance * np.exp(mixture.log_evidence(state.worse))).sum() <= 1 + 1e-9
        assert (chance * np.exp(mixture.log_evidence(state.better))).sum() <= 1 + 1e-9


@settings(max_examples=40, deadline=None)
@given(exposures=st.lists(st.floats(0.1, 30), min_size=1, max_size=3))
def test_the_mean_is_at_most_one_against_an_objective(exposures: list[float]) -> None:
    """Over all counts of up to 12 events a window, at the highest rate that keeps the objective."""
    test = ObjectiveTest(limit=0.05, within=False)
    ways = np.array(list(product(range(13), repeat=len(exposures))), dtype=float)
    chance, state = np.ones(len(ways)), test.begin((len(ways),))
    for column, exposure in enumerate(exposures):
        chance *= poisson.pmf(ways[:, column], 0.05 * exposure)
        state = test.advance(state, ways[:, column], np.full(len(ways), exposure))
    assert (chance * np.exp(mixture.log_evidence(state.worse))).sum() <= 1 + 1e-9
    assert (chance * np.exp(mixture.log_evidence(state.better))).sum() <= 1 + 1e-9


@settings(max_examples=40, deadline=None)
@given(exposure=st.floats(0.1, 300), scatter=st.floats(1, 5))
def test_the_mean_is_at_most_one_for_what_is_said_to_be_below_a_limit(
    exposure: float, scatter: float
) -> None:
    events = np.arange(200.0)
    chance = poisson.pmf(events, 0.05 * exposure)
    shown = shown_below(events, np.full(200, exposure), 0.05)
    assert (chance * np.exp(shown)).sum() <= 1 + 1e-9
    tempered = shown_below(events, np.full(200, exposure), 0.05, scatter)
    assert (tempered <= np.maximum(shown, 0) + 1e-9).all()


def test_two_bets_on_a_part_of_the_stake_each() -> None:
    both = mixture.either(np.log(np.array(3.0)), np.log(np.array(9.0)), 0.25)
    assert np.exp(both) == pytest.approx(0.75 * 3 + 0.25 * 9)


@settings(max_examples=40, deadline=None)
@given(requests=st.lists(st.integers(0, 4), min_size=1, max_size=4), weight=st.floats(0.01, 0.8))
def test_the_mean_is_at_most_one_for_a_share_at_the_edge_of_its_tolerance(
    requests: list[int], weight: float
) -> None:
    test = ShareTest(tolerance=0.2)
    for edge in (weight * 0.8, weight, weight * 1.2):
        ways = np.array(list(product(*(range(n + 1) for n in requests))), dtype=float)
        chance, state = np.ones(len(ways)), test.begin((len(ways),))
        for column, n in enumerate(requests):
            chance *= binom.pmf(ways[:, column], n, edge)
            state = test.advance(state, ways[:, column], n - ways[:, column], weight)
        assert (chance * np.exp(share.wrong(state))).sum() <= 1 + 1e-9


@settings(max_examples=40, deadline=None)
@given(
    spans=st.lists(st.tuples(st.floats(1, 5e4), st.floats(1, 5e5)), min_size=1, max_size=3),
    rate=st.floats(1e-7, 1e-4),
)
def test_the_mean_is_at_most_one_for_restarts_under_any_exposure(
    spans: list[tuple[float, float]], rate: float
) -> None:
    """Over all counts, of Poisson events that the canary has up to the margin more often."""
    many = 25
    ways = np.arange(many, dtype=float)
    for margin in (1.0, RESTARTS.margin):
        mean = 1.0
        for canary, stable in spans:
            mine, others = (a.ravel() for a in np.meshgrid(ways, ways))
            chance = poisson.pmf(mine, margin * rate * canary) * poisson.pmf(others, rate * stable)
            told = np.array([mine, mine + others, canary + 0 * mine, canary + stable + 0 * mine])
            paid = np.exp(payout(told, RESTARTS.margin, WORSE))
            mean *= (chance[:, None] * paid).sum(axis=0).max()
        assert mean <= 1 + 1e-9


@settings(max_examples=60, deadline=None)
@given(exposed=st.lists(st.tuples(st.integers(0, 2), st.floats(1, 9), st.floats(1, 9)), max_size=4))
def test_the_mean_of_the_evidence_of_restarts_is_at_most_one(
    exposed: list[tuple[int, float, float]],
) -> None:
    """Exactly, whole: over all ways in which so many restarts can fall on both versions' pods."""
    ways = np.array(list(product(*(range(n + 1) for n, _, _ in exposed))), dtype=float)
    chance, state = np.ones(len(ways)), RESTARTS.begin((len(ways),))
    for column, (events, canary, stable) in enumerate(exposed):
        odds = RESTARTS.margin * canary / stable
        chance *= binom.pmf(ways[:, column], events, odds / (1 + odds))
        mine, none = ways[:, column], np.zeros(len(ways))
        window = Window(mine, canary + none, events - mine, stable + none, 60.0)
        state = RESTARTS.advance(state, window)
    assert (chance * np.exp(mixture.log_evidence(state.worse))).sum() <= 1 + 1e-9


@settings(max_examples=20, deadline=None)
@given(
    levels=st.lists(st.integers(0, 30), min_size=2, max_size=2, unique=True),
    trends=st.sampled_from([(0.0, 0.1), (0.1, 0.0), (0.0, 0.0), (0.0, -0.1)]),
)
def test_the_mean_of_the_evidence_of_memory_is_at_most_one_if_one_control_fits(
    levels: list[int], trends: tuple[float, float]
) -> None:
    """Over the orders of two levels in each pair of blocks, where the canary has no trend beside
    the control of that age, or beside that of now.
    """
    pairs, blocks = memory.LAG, 2 * memory.LAG
    ways = np.array(list(product((0, 1), repeat=pairs)))
    level = 1 + np.array(levels) / 100
    state = memory.begin((len(ways),))
    for block in range(blocks):
        first = block < pairs
        own = level[ways[:, block % pairs] ^ (not first)]
        controls = [np.full(len(ways), np.exp(-trend * block)) for trend in trends]
        for sample in range(6):
            age = (block * 6 + sample) * 60.0
            state = memory.advance(state, own, age, controls)
    assert np.exp(mixture.log_evidence(state.growth)).mean() <= 1 + 1e-9


def test_a_bet_on_signs_is_fair_for_a_coin() -> None:
    up, down = signs.payout(np.array([1.0, -1.0]))
    assert (np.exp(up) + np.exp(down)) / 2 == pytest.approx(np.ones(len(signs.PARTS)))
    assert signs.payout(np.array(0.0)) == pytest.approx(np.zeros(len(signs.PARTS)))


@settings(max_examples=60, deadline=None)
@given(
    first=st.tuples(st.integers(0, 3), st.integers(0, 12)),
    second=st.tuples(st.integers(0, 3), st.integers(0, 12)),
    requests=st.integers(10, 200),
    begin=st.integers(0, 3),
)
def test_splitting_a_window_changes_nothing_at_a_constant_share(
    first: tuple[int, int], second: tuple[int, int], requests: int, begin: int
) -> None:
    """Up to the rounding of a state, as long as no stake falls due between the halves."""
    test, n, m = RatioTest(), float(requests), requests * 9.0
    before = test.begin()
    for _ in range(begin):
        before = test.advance(before, Window(1.0, n, 9.0, m, 60.0))
    halves = test.advance(before, Window(first[0], n, first[1], m, 15.0))
    halves = _at(halves, before)
    halves = test.advance(halves, Window(second[0], n, second[1], m, 15.0))
    both = Window(first[0] + second[0], 2 * n, first[1] + second[1], 2 * m, 30.0)
    whole = test.advance(before, both)
    assert halves.worse.log_wealth == pytest.approx(whole.worse.log_wealth, abs=1e-5)
    assert halves.better.log_wealth == pytest.approx(whole.better.log_wealth, abs=1e-5)
    assert halves.total == pytest.approx(whole.total)


def _at(state: RatioState, other: RatioState) -> RatioState:
    """The state, tempered by what was known earlier: φ is learnt from every window."""
    return RatioState(state.worse, state.better, other.scatter, state.total, state.lately)


def test_all_stakes_together_are_at_most_one() -> None:
    stakes = [mixture.placed(seconds) for seconds in (0, 60, 61, 3600, 48 * 3600, 1e7, 1e9)]
    assert stakes[:2] == [0, 0]
    assert stakes == sorted(stakes)
    assert stakes[4] == pytest.approx(0.9 * (1 - mixture.AT_ONCE), rel=1e-3)
    assert stakes[-1] <= 1 - mixture.AT_ONCE


def test_more_errors_of_the_canary_are_never_less_evidence() -> None:
    test, errors = RatioTest(), np.arange(40.0)
    window = Window(errors, np.full(40, 50.0), np.full(40, 5.0), np.full(40, 950.0))
    evidence = mixture.log_evidence(test.advance(test.begin((40,)), window).worse)
    assert (np.diff(evidence) > 0).all()
