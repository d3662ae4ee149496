from typing import Any

import pytest

from linnet.api.analysis import Analysis, NoDataPolicy, Profile, ReadyMade
from linnet.core.catalog import LIMITS, QUERIES, Check, checks, contradiction


def analysis(*metrics: dict[str, Any], profile: str = "Standard") -> Analysis:
    return Analysis.model_validate({"metrics": metrics, "profile": profile})


def check(**metric: Any) -> Check:
    (found,) = checks(analysis(metric))
    return found


@pytest.mark.parametrize("profile", Profile)
def test_without_metrics_every_ready_made_check_applies(profile: Profile) -> None:
    found = checks(Analysis(profile=profile))
    assert [each.name for each in found] == [use.value for use in ReadyMade]
    assert all(each.query == QUERIES[ReadyMade(each.name)] for each in found)


@pytest.mark.parametrize("profile", Profile)
def test_no_profile_contradicts_itself(profile: Profile) -> None:
    assert set(LIMITS[profile]) == set(ReadyMade)
    assert contradiction(Analysis(profile=profile)) == ""


def test_a_ready_made_check_keeps_what_is_not_said() -> None:
    found = check(use="memory", name="ram", noData="Ignore", rollback={"consecutive": 5})
    assert (found.name, found.unit, found.requires) == ("ram", " %", "memory")
    assert (found.above, found.at_most, found.consecutive) == (85.0, 85.0, 5)
    assert found.no_data is NoDataPolicy.IGNORE


def test_a_lower_rollback_limit_takes_the_advance_limit_along() -> None:
    assert check(use="latencyP95", rollback={"above": 100}).at_most == 100.0
    assert check(use="latencyP95", rollback={"above": 900}).at_most == 200.0
    assert check(use="availability", rollback={"below": 99.9}).at_least == 99.9
    assert check(use="availability", rollback={"below": 90}).at_least == 99.5


def test_an_advance_limit_replaces_the_ready_made_one() -> None:
    assert check(use="errorRate", advance={"atMost": 0.1}).at_most == 0.1
    assert check(use="availability", advance={"atLeast": 99.9}).at_least == 99.9
    assert check(use="errorRate", advance={}).at_most == 0.5


def test_an_own_query_goes_on_at_its_rollback_limit_if_nothing_else_is_said() -> None:
    above = check(name="queue", query="q", rollback={"above": 7})
    below = check(name="hits", query="h", rollback={"below": 3, "consecutive": 1})
    assert (above.above, above.at_most, above.below, above.consecutive) == (7, 7, None, 3)
    assert (below.below, below.at_least, below.above, below.consecutive) == (3, 3, None, 1)


def test_a_ready_made_check_may_be_turned_around() -> None:
    found = check(use="cpu", rollback={"below": 1})
    assert (found.above, found.at_most, found.below, found.at_least) == (None, None, 1, 1)


@pytest.mark.parametrize(
    ("metric", "remedy"),
    [
        ({"use": "errorRate", "advance": {"atMost": 3}}, "lower advance.atMost"),
        ({"use": "availability", "advance": {"atLeast": 50}}, "raise advance.atLeast"),
    ],
)
def test_limits_that_cannot_both_be_meant_are_named(metric: dict[str, Any], remedy: str) -> None:
    assert contradiction(analysis(metric)).endswith(remedy)
