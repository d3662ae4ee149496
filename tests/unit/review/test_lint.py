"""Each rule of the linter, on a policy that it speaks of and on one that it doesn't."""

from typing import Any

import pytest

from linnet.review import chances
from linnet.review.chances import Expected
from linnet.review.lint import Finding, Known, Severity, lint
from tests.support.builders import make_spec

BUSY, QUIET = Expected(2000.0), Expected(2.0)


def found(rule: str, known: Known) -> list[Finding]:
    return [finding for finding in lint(known) if finding.rule == rule]


def spec(hold: str = "10m", **analysis: Any) -> Any:
    return make_spec(5, 100, hold=hold, analysis=analysis)


@pytest.mark.parametrize(
    ("window", "severity"), [("20s", Severity.ERROR), ("45s", Severity.WARNING), ("1m", None)]
)
def test_a_window_holds_several_scrapes(window: str, severity: Severity | None) -> None:
    told = found("fewScrapes", Known(spec(window=window)))
    assert [finding.severity for finding in told] == ([severity] if severity else [])
    assert all("Set it to 1m or more" in finding.message for finding in told)


@pytest.mark.parametrize(
    ("hold", "severity"), [("30s", Severity.WARNING), ("2m", Severity.ADVICE), ("3m", None)]
)
def test_a_step_takes_as_long_as_it_says(hold: str, severity: Severity | None) -> None:
    told = found("shortHold", Known(spec(hold)))
    assert [finding.severity for finding in told] == ([severity] * 2 if severity else [])
    if told:
        assert told[0].field == "spec.steps[0].hold"
        assert "takes 2m30s at least" in told[0].message


def test_one_failure_is_no_reason() -> None:
    (told,) = found("oneFailure", Known(spec(), Expected(20.0)))
    assert told.field == "spec.steps[0].weight"
    assert "about 60 requests" in told.message
    assert "1m40s" in told.message
    assert not found("oneFailure", Known(spec(), BUSY))
    own: dict[str, Any] = {"metrics": [{"name": "x", "query": "up", "rollback": {"below": 1}}]}
    assert not found("oneFailure", Known(spec(**own), QUIET))


@pytest.mark.thorough
def test_good_versions_are_rolled_back_by_chance() -> None:
    (told,) = found("falseRollbacks", Known(spec("1h"), Expected(10.0)))
    assert "good versions are rolled back by chance" in told.message
    assert not found("falseRollbacks", Known(spec("1h"), BUSY))


def test_a_step_finds_less_with_less_traffic() -> None:
    assert found("trafficUnknown", Known(spec()))
    busy, quiet = (found("reach", Known(spec(), each))[0] for each in (BUSY, Expected(0.01)))
    assert "is time enough to find error rates of 2 % and more" in busy.message
    assert quiet.severity is Severity.WARNING
    assert "no error rate at all" in quiet.message


def test_leaks_need_a_long_step() -> None:
    compared: dict[str, Any] = {"comparison": {"use": {"memory": "cadvisor"}}}
    (told,) = found("shortForLeaks", Known(spec("1h", **compared)))
    assert "lasts longer than 1h, and growth of memory takes about 2h" in told.message
    assert not found("shortForLeaks", Known(spec("6h", **compared)))
    assert not found("shortForLeaks", Known(spec("1h", comparison={})))
    assert not found("shortForLeaks", Known(spec("1h")))


def test_a_limit_between_the_edges_of_a_histogram() -> None:
    own: dict[str, Any] = {
        "metrics": [{"use": "latencyP95", "rollback": {"above": 400}, "advance": {"atMost": 1}}]
    }
    told = found("coarseBuckets", Known(spec(**own)))
    assert [f.field for f in told] == [
        "spec.analysis.metrics[latencyP95].rollback.above",
        "spec.analysis.metrics[latencyP95].advance.atMost",
    ]
    assert "250 to 500 ms" in told[0].message
    assert "0 to 5 ms" in told[1].message
    on_edges = {"use": "latencyP95", "rollback": {"above": 500}, "advance": {"atMost": 250}}
    assert not found("coarseBuckets", Known(spec(metrics=[on_edges])))


def test_config_that_is_read_by_name() -> None:
    reads: dict[str, Any] = {"name": "c", "envFrom": [{"configMapRef": {"name": "settings"}}]}
    deployment = {"spec": {"template": {"spec": {"containers": [reads]}}}}
    (told,) = found("untrackedConfig", Known(spec(), deployment=deployment))
    assert "ConfigMap settings" in told.message
    assert not found("untrackedConfig", Known(spec()))
    reads["envFrom"] = []
    assert not found("untrackedConfig", Known(spec(), deployment=deployment))


def test_weights_that_pods_cant_give() -> None:
    deployment = {"spec": {"replicas": 3, "template": {"spec": {"containers": []}}}}
    by_pods = make_spec(5, 100, traffic={"provider": "Replicas"})
    (told,) = found("missedShare", Known(by_pods, deployment=deployment))
    assert "step 1 asks for 5 % and gets 25 %" in told.message
    assert not found("missedShare", Known(spec(), deployment=deployment))


def test_the_comparison_finds_what_limits_let_pass() -> None:
    limits = spec(metrics=[{"use": "errorRate", "rollback": {"above": 5}}])
    both = spec(metrics=[{"use": "errorRate", "rollback": {"above": 5}}], comparison={})
    step = both.steps[0]
    sizes = [chances.smallest_found(each, step, Expected(1000.0)) for each in (limits, both)]
    assert sizes[0] == 10.0
    assert sizes[1] is not None
    assert sizes[1] <= 1.0


def test_the_comparison_has_an_objective_where_it_is_alone() -> None:
    alone = spec(metrics=[{"use": "cpu"}], comparison={})
    first, last = alone.steps
    assert chances.smallest_found(alone, last, Expected(1000.0)) == 2.0
    assert chances.smallest_found(alone, first, Expected(0.01)) is None


def test_what_fails_always_or_never_leaves_nothing_to_chance() -> None:
    step = spec().steps[0]
    assert chances.rolled_back(spec(), step, BUSY, 0.0) == 0
    assert chances.rolled_back(spec(), step, BUSY, 100.0) == 1
    assert 0 < chances.rolled_back(spec(), step, Expected(200.0), 1.0) < 1
