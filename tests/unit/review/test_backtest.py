"""Backtests of pasts that are known."""

from typing import Any

import numpy as np
import pytest

from linnet.review import backtest
from linnet.review.backtest import Report
from linnet.review.history import History, NoHistory
from tests.support.builders import make_spec

HOURS = 6


def past(error_share: float = 0.001, per_second: float = 100.0, **bad_hour: float) -> History:
    """Six hours; of `bad_hour` errors are another share in the fourth."""
    counts = np.zeros((HOURS * 60, 6))
    counts[:, 0] = 60 * per_second
    counts[:, 1] = counts[:, 0] * error_share
    counts[180:240, 1] = counts[180:240, 0] * bad_hour.get("errors", error_share)
    counts[:, 2:] = counts[:, :1] * [0.5, 0.02, 0.0, 0.0]
    return History(1e9, 60.0, (0.05, 0.1, 0.25, 1.0), counts, np.ones(len(counts), dtype=bool))


def run(history: History, many: int = 6, **analysis: Any) -> Report:
    analysis = {"metrics": [{"use": "errorRate"}, {"use": "latencyP95"}], **analysis}
    spec = make_spec(20, 100, hold="3m", analysis=analysis)
    defects = backtest.as_defects([10.0], [6.0])
    jobs, skipped = backtest.jobs(spec, history, many, 1, defects)
    done = [(job, backtest.replay(spec, history, job)) for job in jobs]
    return backtest.report(spec, history, done, skipped)


@pytest.mark.thorough
def test_a_quiet_past_has_no_rollbacks_and_defects_are_found() -> None:
    report = run(past())
    assert (report.releases, report.skipped, report.unfinished) == (6, 0, 0)
    assert report.false_rollbacks.value == 0
    assert report.rollbacks == ()
    assert report.promotion is not None
    assert [each.defect for each in report.detections] == [
        "10 % more errors",
        "6 times the latency",
    ]
    assert [each.found.value for each in report.detections] == [1, 1]
    delays = [each.delay.value for each in report.detections if each.delay]
    assert len(delays) == 2
    assert max(delays) < 300


@pytest.mark.thorough
def test_the_limits_that_the_past_supports() -> None:
    errors, latency = run(past()).support
    assert (errors.check, errors.limit) == ("errorRate", 1.0)
    assert 0.1 < errors.highest < 0.6
    assert errors.ninety_nine <= errors.highest <= errors.proposed < 1.0
    assert 1e9 < errors.worst_at < 1e9 + HOURS * 3600
    assert 90 < latency.highest <= latency.proposed < 200


@pytest.mark.thorough
def test_availability_is_bad_when_low() -> None:
    (found,) = run(past(), metrics=[{"use": "availability"}]).support
    assert found.limit == 99.0
    assert 99.0 < found.proposed <= found.highest < 100


@pytest.mark.thorough
def test_a_bad_hour_rolls_good_versions_back() -> None:
    report = run(past(errors=0.05))
    assert report.false_rollbacks.value > 0
    assert {each.reason for each in report.rollbacks} == {"ErrorRateBreached"}
    for each in report.rollbacks:
        assert 1e9 + 3 * 3600 <= each.at <= 1e9 + 4 * 3600 + 60
    assert report.support[0].proposed > 5


@pytest.mark.thorough
def test_the_comparison_forgives_a_bad_hour() -> None:
    report = run(past(errors=0.05), metrics=[{"use": "cpu"}], comparison={}, interval="15s")
    assert report.false_rollbacks.value == 0
    assert report.support == ()
    assert report.detections[0].found.value == 1


@pytest.mark.thorough
def test_traffic_is_told_with_its_quietest_hour() -> None:
    history = past()
    history.counts[60:120] /= 10
    report = run(history, many=2)
    mean, quietest = report.requests_per_second
    assert quietest == pytest.approx(10)
    assert mean == pytest.approx(85)
    assert report.requests_in_window == pytest.approx((85 * 60 * 0.2, 10 * 60 * 0.2))
    assert report.needed_in_window == 100


@pytest.mark.thorough
def test_what_was_not_scraped_is_not_replayed() -> None:
    history = past()
    history.known[:180] = False
    report = run(history)
    assert 0 < report.skipped < 6
    history.known[:] = False
    with pytest.raises(NoHistory, match="nowhere 90%"):
        run(history)


def test_a_past_that_is_too_short() -> None:
    history = past()
    short = History(0.0, 60.0, history.edges, history.counts[:8], history.known[:8])
    with pytest.raises(NoHistory, match=r"covers 0\.1 hours, and a release takes about 0\.2"):
        run(short)
