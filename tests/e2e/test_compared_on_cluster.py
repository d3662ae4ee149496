"""The comparison with stable on a real cluster: by the pods' counters and by the gateway's."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from linnet.api.status import Phase
from tests.support.shop import QUICK, Shop, decided

WIDE = {"use": "errorRate", "rollback": {"above": 50}}
"""A limit that no test here reaches."""


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
def test_a_version_that_fails_more_often_than_stable_goes_below_every_limit(
    shop: Shop, source: str
) -> None:
    spec = comparing(source, "4m")
    with shop.load(100) as load:
        shop.deploy("v1", spec=spec)
        shop.wait_for(Phase.IDLE)
        shop.deploy("v2", {"errorShare": 0.05}, spec=spec)
        status = shop.wait_for(Phase.ROLLED_BACK, 300)
    decision = decided(status, "RolledBack")
    assert decision.reason == "ErrorsWorse"
    assert "odds against a healthy canary" in decision.message
    assert {answer.track for answer in load.answers.failures(0, float("inf"))} == {"canary"}


def test_a_healthy_version_goes_on_before_its_time(shop: Shop) -> None:
    spec = comparing("traefik", "30m", advanceWhenClear=True)
    with shop.load(150) as load:
        shop.deploy("v1", spec=spec)
        shop.wait_for(Phase.IDLE)
        shop.deploy("v2", spec=spec)
        status = shop.wait_for(Phase.PROMOTED, 400)
    assert load.answers.failures(0, float("inf")) == []
    assert decided(status, "Promoted").at - decided(status, "Started").at < HALF_AN_HOUR
