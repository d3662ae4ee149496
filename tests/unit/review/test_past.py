"""The past as a source: stable's own requests, drawn at random, and defects laid over them."""

import numpy as np
import pytest

from linnet.review.history import History
from linnet.review.past import Past
from linnet.simulation.worlds import CANARY, STABLE, Defect
from linnet.stats.state import Array

MINUTES, PER_MINUTE = 60, 6000
COUNTS = np.tile([PER_MINUTE, 60.0, 1200.0, 120.0], (MINUTES, 1))
HISTORY = History(0.0, 60.0, (0.1, 0.5), COUNTS, np.ones(MINUTES, dtype=bool))


def passed(weight: float, *defects: Defect, seed: int = 1) -> Array:
    """All that happened in half an hour, tick by tick: (2, requests, errors, slower)."""
    past = Past(HISTORY, 300.0, seed)
    past.split(weight, 1, 10)
    past.new_minute()
    ticks = [past.tick(7.0 * tick, 7.0, defects) for tick in range(257)]
    total: Array = np.sum(ticks, axis=0)[:, 0]
    scrape = past.scrape(1799.0)
    assert scrape.requests[:, 0].tolist() == total[:, 0].tolist()
    assert scrape.slower[:, 0].tolist() == total[:, 2:].tolist()
    return total


def test_every_request_of_the_past_comes_once() -> None:
    total = passed(0.3)
    assert total.sum(axis=0)[:2] == pytest.approx([1799 * 100, 1799], abs=2)
    assert (total >= 0).all()


def test_the_canary_gets_its_share() -> None:
    total = passed(0.3)
    assert total[CANARY] == pytest.approx(0.3 * 1799 * np.array([100, 1, 20, 2]), rel=0.1)
    assert passed(0.0)[CANARY].sum() == 0
    assert passed(1.0)[STABLE].sum() == 0


def test_a_defect_is_laid_over_the_canarys_part() -> None:
    failing = passed(0.3, Defect(error_rate=0.1))
    assert failing[CANARY, 1] / failing[CANARY, 0] == pytest.approx(0.109, rel=0.05)
    assert failing[STABLE, 1] / failing[STABLE, 0] == pytest.approx(0.01, rel=0.1)
    slow = passed(0.3, Defect(slower=2.0))
    # Of the 80 % below 100 ms half take longer now; of those up to 500 ms five eighths.
    share = slow[CANARY, 2:] / slow[CANARY, 0]
    assert share == pytest.approx([0.2 + 0.8 / 2, 0.02 + 0.18 * 250 / 400], rel=0.05)


def test_beyond_its_end_nothing_happens() -> None:
    past = Past(HISTORY, 3500.0, 1)
    past.split(0.5, 1, 1)
    assert past.tick(0.0, 100.0, []).sum() > 0
    assert past.tick(100.0, 100.0, []).sum() == 0


def test_the_same_seed_is_the_same_draw() -> None:
    assert (passed(0.3) == passed(0.3)).all()
    assert (passed(0.3) != passed(0.3, seed=2)).any()


def test_without_histograms_there_is_no_latency() -> None:
    plain = History(0.0, 60.0, (), COUNTS[:, :2], HISTORY.known)
    past = Past(plain, 0.0, 1)
    past.split(0.5, 1, 1)
    counted = past.tick(0.0, 60.0, [Defect(slower=2.0)])
    assert counted.shape == (2, 1, 2)
    assert counted[:, 0, 0].sum() == PER_MINUTE
