"""What Prometheus would say of samples, worked out by hand from its documentation."""

from math import inf

import pytest

from linnet.simulation.scraped import Row, Scraped, histogram_quantile, rate
from linnet.simulation.worlds import CANARY, EDGES_S, STABLE


def row(requests: float, errors: float = 0.0, slower: float = 0.0) -> Row:
    """slower: than the first edges; all are faster than a second."""
    beyond = [slower if edge < 1 else 0.0 for edge in EDGES_S]
    return (requests, errors, *beyond)


def test_a_rate_reaches_to_the_ends_of_its_range() -> None:
    samples = [(10.0, 1000.0), (25.0, 1150.0), (40.0, 1300.0), (55.0, 1450.0)]
    assert rate(samples, 60.0, 60.0) == pytest.approx(10.0)


def test_a_rate_reaches_half_an_interval_where_samples_are_missing() -> None:
    samples = [(10.0, 1000.0), (25.0, 1150.0)]
    assert rate(samples, 60.0, 60.0) == pytest.approx(150 / 15 * (15 + 10 + 7.5) / 60)


def test_a_rate_does_not_reach_below_zero() -> None:
    assert rate([(40.0, 10.0), (55.0, 160.0)], 60.0, 60.0) == pytest.approx(10 * (15 + 1 + 5) / 60)


def test_a_counter_that_falls_was_begun_anew() -> None:
    samples = [(0.0, 100.0), (15.0, 30.0), (30.0, 60.0)]
    assert rate(samples, 30.0, 30.0) == pytest.approx(60 / 30)


def test_one_sample_is_no_rate() -> None:
    assert rate([(10.0, 5.0)], 60.0, 60.0) is None
    assert rate([], 60.0, 60.0) is None


def test_a_quantile_lies_evenly_in_its_bucket() -> None:
    edges = (0.1, 0.25, 0.5, inf)
    assert histogram_quantile(0.95, edges, [80, 100, 100, 100]) == pytest.approx(0.1 + 0.15 * 0.75)
    assert histogram_quantile(0.5, edges, [80, 100, 100, 100]) == pytest.approx(0.0625)
    assert histogram_quantile(0.99, edges, [80, 80, 80, 100]) == 0.5
    assert histogram_quantile(0.5, edges, [0, 0, 0, 0]) is None


def test_errors_that_were_never_counted_are_none() -> None:
    scraped = Scraped()
    for tick in range(5):
        scraped.add(15.0 * tick, row(100.0 * tick), row(1000.0 * tick, 2.0 * tick))
    assert scraped.error_percent(CANARY, 60.0, 60.0) == 0
    assert scraped.error_percent(STABLE, 60.0, 60.0) == pytest.approx(0.2)


def test_the_first_errors_of_a_series_are_not_seen_to_rise() -> None:
    scraped = Scraped()
    for tick, errors in enumerate((0.0, 0.0, 50.0, 50.0)):
        scraped.add(15.0 * tick, row(1000.0 + 100 * tick, errors), None)
    assert scraped.error_percent(CANARY, 45.0, 60.0) == 0


def test_nothing_scraped_is_no_number() -> None:
    scraped = Scraped()
    assert scraped.error_percent(CANARY, 60.0, 60.0) is None
    assert scraped.quantile_ms(CANARY, 60.0, 60.0) is None
    scraped.add(15.0, None, row(10.0))
    scraped.add(30.0, None, row(20.0))
    assert scraped.error_percent(CANARY, 60.0, 60.0) is None


def test_latency_is_in_milliseconds() -> None:
    scraped = Scraped()
    for tick in range(5):
        scraped.add(15.0 * tick, row(100.0 * tick, slower=10.0 * tick), None)
    assert scraped.quantile_ms(CANARY, 60.0, 60.0) == pytest.approx(750.0)


def test_both_versions_between_two_looks() -> None:
    scraped = Scraped()
    for tick in range(5):
        scraped.add(15.0 * tick, row(100.0 * tick, tick), row(50.0) if tick < 2 else None)
    found = scraped.arms(20.0, 60.0, 40.0)
    assert found.stable is None
    assert found.canary is not None
    assert (found.canary.requests, found.canary.errors) == (300, 3)
    assert found.canary.faster[0.005] == 300


def test_what_began_anew_counts_from_nothing() -> None:
    scraped = Scraped()
    for time, requests, errors in ((0.0, 100.0, 10.0), (15.0, 20.0, 1.0), (30.0, 40.0, 1.0)):
        scraped.add(time, row(requests, errors), None)
    found = scraped.arms(0.0, 30.0, 60.0).canary
    assert found is not None
    assert (found.requests, found.errors) == (40, 1)
    first = scraped.arms(-20.0, 15.0, 60.0).canary
    assert first is not None
    assert first.requests == 20
    quiet = scraped.arms(30.0, 40.0, 60.0).canary
    assert quiet is not None
    assert quiet.requests == 0
