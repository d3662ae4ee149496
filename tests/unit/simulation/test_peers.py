"""The peers' rules as their documentation has them."""

import numpy as np
import pytest
from scipy.stats import mannwhitneyu

from linnet.simulation.peers import Cumulative, FailureLimit, InARow, MannWhitney, Rule, every

BAD, GOOD, NONE = 0.05, 0.001, float("nan")


def _first(rule: Rule, rates: list[float]) -> int | None:
    """The minute, from 1, in which a rule rolls back; stable fails one request in a thousand."""
    for minute, rate in enumerate(rates, start=1):
        if rule.minute(np.array([rate]), np.array([0.001]))[0]:
            return minute
    return None


@pytest.mark.parametrize(
    ("rule", "rates", "minute"),
    [
        (InARow(3), [BAD, BAD, GOOD, BAD, BAD, BAD], 6),
        (InARow(3), [BAD, BAD, GOOD] * 5, None),
        (InARow(3), [BAD, BAD, NONE, BAD], None),
        (Cumulative(5), [BAD, GOOD] * 5, 9),
        (Cumulative(5), [NONE] * 5, 5),
        (FailureLimit(0), [GOOD, BAD], 2),
        (FailureLimit(3), [BAD, GOOD] * 4, 7),
        (FailureLimit(3), [NONE] * 9, None),
        (MannWhitney(), [BAD] * 30, 10),
        (MannWhitney(), [GOOD] * 30, None),
    ],
)
def test_when_it_rolls_back(rule: Rule, rates: list[float], minute: int | None) -> None:
    assert _first(rule, rates) == minute


def test_what_mann_whitney_fails_is_significant_by_scipy_too() -> None:
    rng = np.random.default_rng(2)
    stable = 0.01 + 0.002 * rng.random((10, 80))
    canary = stable + 0.0015 * rng.random((10, 80)) * (np.arange(80) > 40)
    rule = MannWhitney()
    for one, other in zip(canary, stable, strict=True):
        failed = rule.minute(one, other)
    p = np.array([mannwhitneyu(canary[:, k], stable[:, k]).pvalue for k in range(80)])
    assert 0 < failed.sum() < 40
    assert (p[failed] < 0.03).all()


def test_every_peer_is_there_by_name() -> None:
    assert list(every()) == [
        "three in a row",
        "Flagger, threshold 5",
        "Argo, failureLimit 0",
        "Argo, failureLimit 3",
        "Kayenta-like",
    ]
