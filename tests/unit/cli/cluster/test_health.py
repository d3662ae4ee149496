"""What `linnet doctor` makes of what it reads."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from linnet.api.crd import custom_resource_definition
from linnet.api.status import Condition, Phase
from linnet.cli.cluster import health
from linnet.cli.cluster.health import Finding, State
from linnet.controller.release import Key, Release, write_status
from tests.support.builders import SECOND, START, make_spec, make_status

OWN = custom_resource_definition()


def without(*path: str) -> dict[str, Any]:
    """The CRD without one field of the spec."""
    crd = custom_resource_definition()
    place = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    for part in path[:-1]:
        place = place["properties"][part]
    del place["properties"][path[-1]]
    return crd


def operator(available: int) -> dict[str, Any]:
    return {
        "metadata": {"namespace": "linnet-system", "name": "linnet"},
        "spec": {"replicas": 2},
        "status": {"availableReplicas": available} if available else {},
    }


def lease(seconds_ago: int) -> Mapping[str, Any]:
    renewed = (START - seconds_ago * SECOND).isoformat()
    return {"spec": {"holderIdentity": "pod-1", "renewTime": renewed, "leaseDurationSeconds": 15}}


def guarded(**status: Any) -> Release:
    manifest = {
        "metadata": {"namespace": "shops", "name": "shop", "generation": 1},
        "spec": make_spec().model_dump(mode="json", by_alias=True, exclude_none=True),
        "status": write_status(make_status(observed_generation=1, **status)),
    }
    return Release.read(Key("shops", "shop"), manifest)


def stalled(reason: str) -> Condition:
    return Condition(
        type="Stalled",
        status="True",
        reason=reason,
        message="create it",
        last_transition_time=START,
        observed_generation=1,
    )


@pytest.mark.parametrize(
    ("finding", "state", "words"),
    [
        (health.clock(timedelta(seconds=2)), State.FINE, "agrees"),
        (health.clock(timedelta(minutes=2)), State.BAD, "2m ahead of the API server"),
        (health.clock(timedelta(seconds=-90)), State.BAD, "1m30s behind"),
        (health.definition(None, OWN), State.BAD, "not installed"),
        (health.definition(OWN, OWN), State.FINE, "this command's version"),
        (health.definition(without("spec", "steps"), OWN), State.BAD, "no spec.steps"),
        (health.definition(OWN, without("spec", "steps")), State.FINE, "newer"),
        (next(health.operators([])), State.BAD, "none is installed"),
        (next(health.operators([operator(1)])), State.FINE, "1 of 2 replicas"),
        (next(health.operators([operator(0)])), State.BAD, "none of 2 replicas"),
        (health.leader(lease(5), START), State.FINE, "pod-1 leads"),
        (health.leader(lease(60), START), State.BAD, "not renewed its lease for 1m"),
        (health.leader(None, START), State.BAD, "nobody leads"),
        (health.rights("ann", ()), State.FINE, "has the rights"),
        (health.rights("ann", ("patch httproutes",)), State.BAD, "may not patch httproutes"),
        (health.release(guarded()), State.FINE, "Progressing"),
        (health.release(guarded(conditions=(stalled("X"),))), State.BAD, "X: create it"),
        (
            health.release(guarded(phase=Phase.ROLLED_BACK, conditions=(stalled("RolledBack"),))),
            State.FINE,
            "RolledBack",
        ),
        (health.scraped("a", 2.0, 2), State.FINE, "2 pods"),
        (health.scraped("a", None, 2), State.BAD, "0 of 2 pods"),
    ],
)
def test_a_finding(finding: Finding, state: State, words: str) -> None:
    assert finding.state is state
    assert words in finding.said


def test_what_isnt_known_is_no_disease() -> None:
    assert health.healthy([Finding("a", State.UNKNOWN, ""), Finding("b", State.FINE, "")])
    assert not health.healthy([Finding("a", State.BAD, "")])


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("http://prometheus.monitoring:9090", ("monitoring", "http:prometheus:9090", "")),
        ("https://p.m.svc.cluster.local/prom/", ("m", "https:p:443", "/prom")),
        ("http://prometheus.example.com", None),
        ("http://127.0.0.1:9090", None),
        ("http://prometheus:9090", None),
    ],
)
def test_a_service_is_known_by_its_url(url: str, found: tuple[str, str, str] | None) -> None:
    assert health.service_of(url) == found
