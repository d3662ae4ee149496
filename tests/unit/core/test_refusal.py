"""What the API server says of pods that it refuses, and whose pods they are."""

from typing import Any

import pytest

from linnet.core.observed import CanaryObserved
from linnet.core.refusal import of_canary, of_stable, refused
from tests.support.builders import make_observed, make_situation, make_stable


def deployment(observed: int = 2, **changes: str) -> dict[str, Any]:
    condition = {
        "type": "ReplicaFailure",
        "status": "True",
        "reason": "FailedCreate",
        "message": "exceeded quota: small",
        **changes,
    }
    status = {"observedGeneration": observed, "conditions": [condition]}
    return {"metadata": {"generation": 2}, "status": status}


def test_a_refusal_is_told_in_the_words_of_the_api_server() -> None:
    assert refused(deployment()) == "exceeded quota: small"
    assert refused(deployment(message="")) == "FailedCreate"


@pytest.mark.parametrize(
    "found",
    [
        deployment(type="Progressing"),
        deployment(status="False"),
        deployment(reason="FailedDelete"),
        deployment(observed=1),
        {"metadata": {}},
    ],
)
def test_nothing_else_is_a_refusal(found: dict[str, Any]) -> None:
    assert refused(found) == ""


def test_a_canary_that_has_its_pods_is_refused_none() -> None:
    for canary in (
        None,
        CanaryObserved("v2", replicas=2, ready=1),
        CanaryObserved("v2", replicas=2, ready=2, refused="exceeded quota: small"),
    ):
        assert of_canary(make_situation(observed=make_observed(canary=canary))) is None


def test_a_stable_that_is_gone_or_well_or_held_is_refused_none() -> None:
    held = make_stable(paused=True, refused="exceeded quota: small")
    for stable in (None, make_stable(paused=False), held):
        assert of_stable(make_situation(observed=make_observed(stable=stable))) is None
