"""Who gets which variant: the same everywhere, evenly, independently, and for good."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from recochat.experiments.assignment import BUCKETS, bucket, route_bucket, variant

ROOT = Path(__file__).resolve().parents[3]
USERS = [f"user-{n}" for n in range(20_000)]


def test_the_published_examples_hold() -> None:
    text = (ROOT / "docs/experiment-metrics.md").read_text()
    rows = re.findall(r"^\| `(.+?)` \| `(.+?)` \| (\d+) \| (\d+) \|$", text, re.MULTILINE)
    assert len(rows) >= 4
    for salt, user, expected, routed in rows:
        assert (bucket(user, salt), route_bucket(user, salt)) == (int(expected), int(routed))


def test_users_spread_evenly_over_the_buckets() -> None:
    counts = np.bincount([bucket(user, "tone") * 50 // BUCKETS for user in USERS], minlength=50)
    assert stats.chisquare(counts).pvalue > 0.001


@pytest.mark.parametrize("percent", [5, 50])
def test_the_share_is_what_chance_allows(percent: float) -> None:
    treated = sum(variant(user, "tone", percent) == "treatment" for user in USERS)
    assert stats.binomtest(treated, len(USERS), percent / 100).pvalue > 0.001


def test_a_growing_share_moves_users_into_the_treatment_only() -> None:
    before: set[str] = set()
    for percent in (0, 0.01, 5, 50, 99.99, 100):
        now = {user for user in USERS if variant(user, "tone", percent) == "treatment"}
        assert before <= now
        before = now
    assert before == set(USERS)
    assert not [user for user in USERS if variant(user, "tone", 0) == "treatment"]


def test_experiments_know_nothing_of_each_other() -> None:
    table = np.zeros((2, 2))
    for user in USERS:
        mine, other = (variant(user, salt, 50) == "treatment" for salt in ("tone", "tone-2"))
        table[int(mine), int(other)] += 1
    assert stats.chi2_contingency(table).pvalue > 0.001


@pytest.mark.parametrize("weight", [1, 5, 50, 99, 100])
def test_a_route_splits_users_in_the_same_way(weight: int) -> None:
    for user in USERS[:2000]:
        treated = variant(user, "tone", weight) == "treatment"
        assert treated == (route_bucket(user, "tone") < weight)


@pytest.mark.parametrize("salt", ["", "a/b"])
def test_a_salt_that_could_be_mistaken_is_refused(salt: str) -> None:
    with pytest.raises(ValueError, match="salt"):
        bucket("ada", salt)


@pytest.mark.parametrize("percent", [-1, 100.5, float("nan")])
def test_a_share_that_is_none_is_refused(percent: float) -> None:
    with pytest.raises(ValueError, match="share"):
        variant("ada", "tone", percent)
