"""Made-up worlds do what they say."""

from dataclasses import replace
from math import inf, nan

import numpy as np
import pytest
from scipy.stats import norm

from linnet.core.series import Series, Span, increase
from linnet.simulation import counters
from linnet.simulation.normal import cdf
from linnet.simulation.worlds import (
    CANARY,
    CLEAN,
    EDGES_S,
    NOISY,
    STABLE,
    Defect,
    Scrape,
    World,
    scrapes,
)


def _last(world: World, defect: Defect | None = None, *, histogram: bool = False) -> Scrape:
    *_, last = scrapes(
        replace(world, resets_per_day=0),
        defect,
        releases=200,
        hours=0.1,
        seed=4,
        histogram=histogram,
    )
    return last


def test_the_same_seed_is_the_same_world() -> None:
    one, other = _last(NOISY, histogram=True), _last(NOISY, histogram=True)
    assert (one.errors == other.errors).all()
    assert (one.slower == other.slower).all()


@pytest.mark.parametrize("world", [CLEAN, NOISY])
def test_traffic_and_errors_are_what_was_asked_for(world: World) -> None:
    last = _last(world)
    assert last.requests[CANARY].mean() == pytest.approx(50 * 360, rel=0.1)
    assert last.requests[STABLE].mean() == pytest.approx(950 * 360, rel=0.1)
    for version in (CANARY, STABLE):
        rate = last.errors[version].sum() / last.requests[version].sum()
        assert rate == pytest.approx(0.002, rel=0.15)


def test_retries_come_in_clusters() -> None:
    def fano(world: World) -> float:
        counts = _last(world).errors[STABLE]
        return float(counts.var() / counts.mean())

    assert fano(CLEAN) == pytest.approx(1, rel=0.35)
    assert fano(replace(CLEAN, cluster=3.0)) == pytest.approx(5, rel=0.35)


def test_a_defect_begins_when_it_is_told_to_and_may_be_shared() -> None:
    def errors(defect: Defect) -> tuple[float, float]:
        last = _last(CLEAN, defect)
        rate = last.errors.sum(axis=1) / last.requests.sum(axis=1)
        return float(rate[CANARY]), float(rate[STABLE])

    assert errors(Defect(0, 0.05)) == pytest.approx((0.05, 0.002), rel=0.1)
    assert errors(Defect(180, 0.05)) == pytest.approx((0.026, 0.002), rel=0.1)
    assert errors(Defect(0, 0.05, shared=True)) == pytest.approx((0.05, 0.05), rel=0.1)


def test_latencies_are_log_normal_and_shift_with_a_defect() -> None:
    last = _last(CLEAN, Defect(0, slower=2.0), histogram=True)
    shares = last.slower.sum(axis=1) / last.requests.sum(axis=1)[:, None]
    for version, median in ((CANARY, 0.218), (STABLE, 0.109)):
        expected = norm.sf(np.log(np.array(EDGES_S) / median) / 0.5)
        assert shares[version] == pytest.approx(expected, abs=0.003)


def test_a_counter_is_reset_and_never_read_as_negative() -> None:
    world, resets, before = replace(CLEAN, resets_per_day=200.0), 0, None
    for scrape in scrapes(world, None, releases=20, hours=0.5, seed=1):
        if before is not None:
            resets += int((scrape.requests < before.requests).sum())
            counted = counters.increments(before.requests, scrape.requests)
            assert (counted >= 0).all()
        before = scrape
    assert resets > 20


def test_an_incident_is_shared() -> None:
    world = replace(CLEAN, incidents_per_day=400.0, incident_s=3600.0)
    last = _last(world)
    rates = last.errors / last.requests
    assert rates[CANARY].max() > 0.008
    assert np.corrcoef(rates[CANARY], rates[STABLE]).min() > 0.8


def test_the_normal_distribution_is_as_in_scipy() -> None:
    z = np.linspace(-8, 8, 401)
    assert cdf(z) == pytest.approx(norm.cdf(z), abs=7.6e-8)


@pytest.mark.parametrize(
    ("before", "after", "counted"),
    [(5, 9, 4), (9, 2, 2), (9, 9, 0), (nan, 3, nan), (3, nan, nan), (1, inf, nan), (-1, 4, nan)],
)
def test_what_a_counter_counted(before: float, after: float, counted: float) -> None:
    assert counters.increments(before, after) == pytest.approx(counted, nan_ok=True)


@pytest.mark.parametrize(("before", "after"), [(5.0, 9.0), (9.0, 2.0), (3.0, 3.0)])
def test_counters_are_read_as_the_operator_reads_them(before: float, after: float) -> None:
    series = Series({}, ((0.0, before), (15.0, after)))
    one = increase(series, Span(0.0, 15.0, 15.0), known_before=False)
    assert counters.increments(before, after) == one
