"""Sample sizes, power, and group-sequential bounds: published tables, R, and statsmodels."""

from math import ceil

import pytest
from statsmodels.stats.power import NormalIndPower

from linnet.stats.experiment import power
from linnet.stats.experiment.group_sequential import crossing, inflation, obrien_fleming, pocock


def test_two_samples_as_published() -> None:
    """Chow, Shao, Wang, "Sample size calculations in clinical research", 2008.

    3.2.1: means 5 and 10 with sd 10 need 63 in each variant; 4.2.1: shares 0.65 and 0.85 need 70.
    """
    bound = power.once(0.05)
    means = power.users(5, power.of_mean(10), bound, 0.8)
    proportions = power.users(0.2, power.of_proportion(0.65, 0.2), bound, 0.8)
    assert (ceil(means / 2), ceil(proportions / 2)) == (63, 70)


def test_means_as_in_statsmodels() -> None:
    spread = power.of_mean(2.0)
    expected = NormalIndPower().solve_power(0.25, alpha=0.05, power=0.8)
    assert power.users(0.5, spread, power.once(0.05), 0.8) == pytest.approx(2 * expected, abs=1)
    found = power.shown(0.5, spread, power.once(0.05), 2 * 200)
    assert found == pytest.approx(NormalIndPower().power(0.25, 200, 0.05), rel=1e-9)


def test_a_tenth_of_users_treated_as_in_statsmodels() -> None:
    found = power.users(0.5, power.of_mean(2.0), power.once(0.05), 0.8, share=0.1)
    control = NormalIndPower().solve_power(0.25, alpha=0.05, power=0.8, ratio=1 / 9)
    assert found == pytest.approx(control / 0.9, abs=1)


def test_lehrs_rule() -> None:
    """Lehr, "Sixteen s-squared over d-squared", Statistics in Medicine 1992."""
    per_arm = power.users(0.5, power.of_mean(1.0), power.once(0.05), 0.8) / 2
    assert per_arm == pytest.approx(16 / 0.25, rel=0.02)


def test_users_effect_and_power_agree() -> None:
    spread, bound = power.of_proportion(0.2, 0.05), power.always(0.05)
    total = power.users(0.05, spread, bound, 0.8)
    assert power.shown(0.05, spread, bound, total) == pytest.approx(0.8, abs=1e-3)
    assert power.smallest(spread, bound, 0.8, total) == pytest.approx(0.05, rel=1e-3)
    assert bound == pytest.approx(3.0352, abs=1e-3)
    assert power.always(0.05 / 6, 0.05) > bound


def test_without_users_or_spread() -> None:
    spread = power.of_mean(1.0)
    assert power.shown(1.0, spread, 2.0, 0) == 0
    assert power.shown(1.0, power.of_mean(0.0), 2.0, 10) == 1
    assert power.smallest(spread, 2.0, 0.8, 0) == float("inf")
    with pytest.raises(ValueError, match="no share"):
        power.of_proportion(0.95, 0.1)


@pytest.mark.parametrize(
    ("looks", "constant"), [(2, 1.977), (3, 2.004), (4, 2.024), (5, 2.040), (10, 2.087)]
)
def test_obrien_fleming_as_published(looks: int, constant: float) -> None:
    """Jennison, Turnbull 2000, table 2.3, α = 0.05: the bound at the last look."""
    assert obrien_fleming(looks, 0.05)[-1] == pytest.approx(constant, abs=1e-3)


@pytest.mark.parametrize(("looks", "constant"), [(2, 2.178), (3, 2.289), (5, 2.413), (10, 2.555)])
def test_pocock_as_published(looks: int, constant: float) -> None:
    """Jennison, Turnbull 2000, table 2.1, α = 0.05."""
    assert pocock(looks, 0.05)[0] == pytest.approx(constant, abs=1e-3)


@pytest.mark.parametrize(("looks", "wrong"), [(1, 0.05), (2, 0.083), (5, 0.142), (10, 0.193)])
def test_looking_repeatedly_as_published(looks: int, wrong: float) -> None:
    """Armitage, McPherson, Rowe, JRSS A 1969, table 2: |z| > 1.96 at any of so many looks."""
    assert sum(crossing([1.959964] * looks)) == pytest.approx(wrong, abs=1e-3)


@pytest.mark.thorough
def test_inflation_as_published() -> None:
    """Jennison, Turnbull 2000, tables 2.2 and 2.4: α = 0.05, power 0.8, five looks."""
    assert inflation(obrien_fleming(5, 0.05), 0.05, 0.8) == pytest.approx(1.028, abs=1e-3)
    assert inflation(pocock(5, 0.05), 0.05, 0.8) == pytest.approx(1.229, abs=1e-3)
