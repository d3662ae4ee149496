import re
from fractions import Fraction
from pathlib import Path

import pytest

from linnet.core.shares import KEPT, pods_for, reached, share


@pytest.mark.parametrize(
    ("weight", "stable", "pods", "percent"),
    [
        (5, 4, 1, 20),
        (10, 4, 1, 20),
        (25, 4, 1, 20),
        (30, 4, 2, 33),
        (50, 4, 4, 50),
        (75, 4, 4, 50),
        (99, 4, 4, 50),
        (5, 19, 1, 5),
        (5, 100, 5, 5),
        (1, 1, 1, 50),
        (45, 3, 2, 40),  # three pods would miss it by as much
    ],
)
def test_a_weight_takes_the_pods_whose_share_is_nearest(
    weight: int, stable: int, pods: int, percent: int
) -> None:
    assert pods_for(weight, stable) == pods
    assert share(pods, stable) == percent


@pytest.mark.thorough
def test_no_other_number_of_pods_is_nearer() -> None:
    for stable in range(1, 41):
        for weight in range(1, 100):

            def miss(pods: int, weight: int = weight, stable: int = stable) -> Fraction:
                return abs(Fraction(100 * pods, pods + stable) - weight)

            best = min(range(1, stable + 1), key=lambda pods: (miss(pods), pods))
            assert pods_for(weight, stable) == best


@pytest.mark.parametrize(("stable", "pods"), [(0, 1), (1, 1), (7, 7)])
def test_to_serve_alone_the_canary_has_as_many_pods_as_stable(stable: int, pods: int) -> None:
    assert pods_for(100, stable) == pods
    assert pods_for(50, stable) == pods


def test_a_share_is_0_or_100_only_if_that_is_exact() -> None:
    assert (share(1, 999), share(999, 1)) == (1, 99)
    assert (share(0, 3), share(3, 0)) == (0, 100)


@pytest.mark.parametrize(
    ("canary", "stable", "whole", "nearly"),
    [
        (0, 4, False, False),
        (0, 0, False, False),
        (2, 4, False, False),
        (3, 4, False, True),
        (4, 5, False, True),
        (4, 4, True, True),
        (3, 2, True, True),  # some of stable's pods are not ready
        (4, 0, True, True),
    ],
)
def test_a_weight_is_reached_by_its_share_and_nearly_by_most_of_it(
    canary: int, stable: int, whole: bool, nearly: bool
) -> None:
    assert reached(50, 4, canary, stable) is whole
    assert reached(50, 4, canary, stable, KEPT) is nearly


def test_a_weight_is_reached_where_stable_is_to_have_no_pods() -> None:
    assert reached(50, 0, canary=1, stable=0)


def test_the_guide_tells_the_shares_that_can_be_had() -> None:
    guide = (Path(__file__).parents[3] / "docs" / "without-a-gateway.md").read_text()
    rows = re.findall(r"^\| (\d+) \| ([0-9, ]+) % ", guide, re.MULTILINE)
    assert len(rows) == 5
    for stable, told in rows:
        shares = [share(pods, int(stable)) for pods in range(1, int(stable) + 1)]
        assert [int(each) for each in told.split(",")] == shares[:9][: len(told.split(","))]
