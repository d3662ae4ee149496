"""Several metrics, allocation, segments, days and beliefs: published values and properties."""

from math import exp, lgamma, log

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests

from linnet.stats.experiment import allocation, bayes, days, family, segments
from linnet.stats.experiment.effects import Effect
from linnet.stats.experiment.sequence import tuned
from linnet.stats.experiment.sums import Sums

P_VALUES = st.lists(st.floats(1e-9, 1), min_size=1, max_size=8)


@pytest.mark.thorough
@pytest.mark.parametrize("p_values", [[0.01, 0.2, 0.04], [0.5], [0.03, 0.03, 0.001, 0.9, 0.02]])
def test_adjusted_p_values_as_in_statsmodels(p_values: list[float]) -> None:
    """A few, as each call takes statsmodels half a second."""
    assert family.holm(p_values) == pytest.approx(multipletests(p_values, method="holm")[1])


@settings(max_examples=100, deadline=None)
@given(p_values=P_VALUES, alpha=st.floats(0.001, 0.5))
def test_holm_steps_down(p_values: list[float], alpha: float) -> None:
    """By the definition: the smallest against alpha / m, the next against alpha / (m - 1), ..."""
    claimed, many = set(), len(p_values)
    for rank, i in enumerate(sorted(range(many), key=lambda i: p_values[i])):
        if p_values[i] * (many - rank) > alpha:
            break
        claimed.add(i)
    found = family.holm(p_values)
    assert {i for i in range(many) if found[i] <= alpha} == claimed
    assert all(b >= h for b, h in zip(family.bonferroni(p_values), found, strict=True))


@settings(max_examples=100, deadline=None)
@given(p_values=P_VALUES)
def test_e_bh_is_bh_of_the_inverse(p_values: list[float]) -> None:
    adjusted = family.e_bh([-log(p) for p in p_values])
    assert adjusted == pytest.approx(stats.false_discovery_control(p_values), rel=1e-9)


def test_holm_as_published() -> None:
    """Wright, "Adjusted p-values for simultaneous inference", Biometrics 1992, by hand: 4 p's."""
    assert family.holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_allocation_as_by_the_dirichlet_multinomial_of_scipy() -> None:
    """Lindon, Malek 2022, equation 7: the posterior predictive by the planned multinomial."""
    counts, shares = [5100, 4800], [0.5, 0.5]
    planned = stats.multinomial.logpmf(counts, 9900, shares)
    expected = []
    for concentration in allocation.CONCENTRATIONS:
        prior = [concentration * share for share in shares]
        found = stats.dirichlet_multinomial.logpmf(counts, prior, 9900) - planned
        alone = allocation.log_evidence(counts, shares, [concentration])
        assert alone == pytest.approx(found, abs=1e-6)
        expected.append(found)
    both = allocation.log_evidence(counts, shares)
    assert both == pytest.approx(np.log(np.mean(np.exp(expected))), abs=1e-6)


@pytest.mark.parametrize("counts", [(250.0, 125.0), (150.0, 70.0), (520.0, 380.0)])
def test_a_few_hundred_users_show_a_large_mismatch(counts: tuple[float, float]) -> None:
    assert allocation.p_value(counts, (0.5, 0.5)) < 1e-3


def test_a_published_mismatch() -> None:
    """Fabijan et al., "Diagnosing sample ratio mismatch", KDD 2019: 821,588 and 815,482 users.

    The ratio 50.2 : 49.8 looks harmless, and has p = 1.8e-6.
    """
    counts = (821_588.0, 815_482.0)
    assert allocation.chi_square_p(counts, (0.5, 0.5)) == pytest.approx(1.8e-6, rel=0.02)
    assert allocation.p_value(counts, (0.5, 0.5)) < 1e-3


@pytest.mark.parametrize("share", [0.5, 0.1])
def test_allocation_as_planned_is_hardly_ever_a_mismatch(share: float) -> None:
    rng = np.random.default_rng(2)
    treated = rng.binomial(200, share, (200, 60)).cumsum(axis=1)
    total = 200 * np.arange(1, 61)
    ever = [
        any(
            allocation.p_value((float(n), float(all_ - n)), (share, 1 - share)) < 0.05
            for n, all_ in zip(row, total, strict=True)
        )
        for row in treated
    ]
    assert np.mean(ever) <= 0.05
    assert allocation.chi_square_p((0, 0), (0.5, 0.5)) == 1


def exactly(a: tuple[int, int], b: tuple[int, int]) -> float:
    """The chance that Beta b is above a (Miller, "Formulas for Bayesian A/B testing", 2015)."""

    def log_beta(p: float, q: float) -> float:
        return lgamma(p) + lgamma(q) - lgamma(p + q)

    return sum(
        exp(log_beta(a[0] + i, a[1] + b[1]) - log(b[1] + i) - log_beta(1 + i, b[1]) - log_beta(*a))
        for i in range(b[0])
    )


@pytest.mark.parametrize(("a", "b"), [((3, 9), (5, 8)), ((120, 880), (150, 850)), ((1, 1), (1, 1))])
def test_the_chance_to_be_better_as_in_closed_form(a: tuple[int, int], b: tuple[int, int]) -> None:
    control = Sums(float(sum(a)), float(a[0]), float(a[0]))
    treatment = Sums(float(sum(b)), float(b[0]), float(b[0]))
    belief = bayes.beta(control, treatment)
    assert belief.better == pytest.approx(
        exactly((a[0] + 1, a[1] + 1), (b[0] + 1, b[1] + 1)), abs=2e-4
    )


def test_the_risk_as_by_drawing() -> None:
    rng = np.random.default_rng(4)
    a, b = rng.beta(121, 881, 400_000), rng.beta(131, 871, 400_000)
    belief = bayes.beta(Sums(1000.0, 120.0, 120.0), Sums(1000.0, 130.0, 130.0))
    assert belief.risk == pytest.approx(np.maximum(a - b, 0).mean(), abs=3e-5)
    assert (belief.credible.low, belief.credible.high) == pytest.approx(
        tuple(np.quantile(b - a, [0.025, 0.975])), abs=6e-4
    )


def test_a_normal_belief() -> None:
    flat = bayes.normal(Effect(1.0, 0.25))
    assert flat.better == pytest.approx(stats.norm.cdf(2))
    draws = np.random.default_rng(5).normal(1.0, 0.5, 400_000)
    assert flat.risk == pytest.approx(np.maximum(-draws, 0).mean(), abs=2e-4)
    shrunk = bayes.normal(Effect(1.0, 0.25), prior_sd=0.5)
    assert (shrunk.credible.low + shrunk.credible.high) / 2 == pytest.approx(0.5)
    assert bayes.normal(Effect(np.nan, np.inf)) == bayes.NONE
    assert bayes.beta(Sums(), Sums(5.0, 1.0, 1.0)) == bayes.NONE


def part(name: str, size: float, variance: float = 1.0, users: float = 100) -> segments.Part:
    return segments.Part(name, Effect(size, variance), users)


def test_segments_that_differ_by_chance_are_drawn_together() -> None:
    found = segments.divide(
        Effect(1.0, 0.25), [part(str(i), size) for i, size in enumerate((0.6, 1.5, 1.2, 0.7))], 8.0
    )
    assert found is not None
    assert found.between == 0
    assert {each.size for each in found.parts} == {found.pooled}
    assert min(each.differs for each in found.parts) > 0.5
    assert not found.reversed


def test_the_variance_between_segments_as_published() -> None:
    """DerSimonian, Laird 1986 as in Borenstein et al. 2009, "Introduction to meta-analysis", table
    14.1: six studies with T² = 0.0372 and the summary 0.3582 (of unrounded figures)."""
    sizes = (0.095, 0.277, 0.367, 0.664, 0.462, 0.185)
    variances = (0.033, 0.031, 0.050, 0.011, 0.043, 0.023)
    found = segments.divide(
        Effect(0.4, 0.005),
        [part(str(i), s, v) for i, (s, v) in enumerate(zip(sizes, variances, strict=True))],
        8.0,
    )
    assert found is not None
    assert found.between == pytest.approx(0.037, abs=0.001)
    assert found.pooled == pytest.approx(0.358, abs=0.001)


def test_one_segment_that_differs_is_found() -> None:
    parts = [part("new", 9.0), *(part(str(i), 1.0) for i in range(4))]
    found = segments.divide(Effect(2.6, 0.2), parts, tuned(0.05))
    assert found is not None
    assert found.parts[0].differs < 0.05
    assert min(each.differs for each in found.parts[1:]) > 0.05
    assert 1 < found.parts[0].size < 9


def test_simpsons_reversal() -> None:
    """Each segment gains, and the whole loses, as the variants have other users."""
    parts = [part("few", 0.05, 1e-4, 100), part("many", 0.04, 1e-4, 300)]
    found = segments.divide(Effect(-0.2, 1e-4), parts, 8.0)
    assert found is not None
    assert found.reversed
    assert found.stratified.size == pytest.approx(0.0425)
    level = segments.divide(Effect(-0.001, 1.0), [part("a", 0.1), part("b", 0.2)], 8.0)
    assert level is not None
    assert not level.reversed


def test_one_segment_says_nothing() -> None:
    unknown = part("unknown", float("nan"), float("inf"))
    assert segments.divide(Effect(1.0, 1.0), [part("all", 1.0), unknown], 8.0) is None


def test_an_effect_that_fades() -> None:
    found = days.trend([Effect(10 * exp(-day / 3), 0.25) for day in range(14)])
    assert found is not None
    assert (found.fades, found.grows) == (True, False)
    assert found.first > found.second
    grown = days.trend([Effect(1.0 + day, 0.25) for day in range(14)])
    assert grown is not None
    assert (grown.fades, grown.grows) == (False, True)


def test_a_steady_effect_is_seldom_said_to_fade() -> None:
    rng = np.random.default_rng(6)
    found = [days.trend([Effect(x, 1.0) for x in rng.normal(5, 1, 14)]) for _ in range(1000)]
    assert np.mean([each is not None and (each.fades or each.grows) for each in found]) < 0.02


def test_three_days_are_too_few_for_a_trend() -> None:
    known = [Effect(1.0, 1.0)] * 3
    assert days.trend([*known, Effect(np.nan, np.inf)]) is None
