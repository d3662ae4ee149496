"""The comparison with stable on a real cluster: by the pods' counters and by the gateway's."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from linnet.api.status import Phase
from tests.support.shop import QUICK, Shop, decided
from tests.support.stories import PATIENCE_S, not_on_trial

pytestmark = pytest.mark.usefixtures("judged")

WIDE = {"use": "errorRate", "rollback": {"above": 50}}
"""A limit that no test here reaches."""
REQUESTS_PER_SECOND = 60
HALF_AN_HOUR = timedelta(minutes=30)


def comparing(source: str, hold: str, **settings: Any) -> Mapping[str, Any]:
    return {
        **QUICK,
        "steps": [{"weight": 50, "hold": hold}, {"weight": 100, "hold": "5s"}],
        "analysis": {
            **QUICK["analysis"],
            "metrics": [WIDE],
            "holdDeadline": "5m",
            "comparison": {"use": {"http": source}, "warmUp": "5s", **settings},
        },
    }


@pytest.mark.parametrize("source", ["application", "traefik"])
def test_errors_below_every_limit_are_found(shop: Shop, source: str) -> None:
    spec = comparing(source, "10m")
    with shop.load(REQUESTS_PER_SECOND) as load:
        shop.deploy("v1", spec=spec)
        shop.wait_for(Phase.IDLE, PATIENCE_S)
        shop.deploy("v2", {"errorShare": 0.05}, spec=spec)
        status = shop.wait_for(Phase.ROLLED_BACK, 3 * PATIENCE_S)
    decision = decided(status, "RolledBack")
    assert decision.reason == "ErrorsWorse"
    assert "odds against a healthy canary" in decision.message
    assert not_on_trial(load) == []


def test_a_healthy_version_goes_on_before_its_time(shop: Shop) -> None:
    """Neither version fails, so there is nothing to compare: some 1,600 requests show that."""
    spec = comparing("traefik", "30m", advanceWhenClear=True, objectivePercent=5)
    with shop.load(REQUESTS_PER_SECOND) as load:
        shop.deploy("v1", spec=spec)
        shop.wait_for(Phase.IDLE, PATIENCE_S)
        shop.deploy("v2", spec=spec)
        status = shop.wait_for(Phase.PROMOTED, 4 * PATIENCE_S)
    assert load.answers.failures(0, float("inf")) == []
    assert decided(status, "Promoted").at - decided(status, "Started").at < HALF_AN_HOUR
