import pytest

from hack.demo.releases import (
    RELEASES,
    SETTLE_S,
    STEPS,
    hold_seconds,
    image_values,
    policy,
    values,
)
from linnet.core.catalog import checks
from tests.support.demo import SPEC


@pytest.mark.parametrize("rate", [20, 100, 150, 500, 1000])
def test_each_step_sees_enough_requests_and_measurements(rate: float) -> None:
    hold = hold_seconds(rate)
    assert (hold - SETTLE_S) * rate >= 2000
    assert hold >= 10 + 3 * 2


def test_the_policy_is_a_valid_spec_with_the_default_steps_and_checks() -> None:
    assert tuple(step.weight for step in SPEC.steps) == STEPS
    assert [check.name for check in checks(SPEC.analysis)] == [
        "errorRate",
        "latencyP95",
        "memory",
        "cpu",
        "availability",
    ]


def test_bad_versions_expect_a_rollback_and_good_ones_a_promotion() -> None:
    assert [(r.name, r.expected) for r in RELEASES] == [
        ("v2", "Promoted"),
        ("v3", "RolledBack"),
        ("v4", "RolledBack"),
        ("v5", "RolledBack"),
        ("v6", "RolledBack"),
    ]
    assert all(bool(release.faults) == bool(release.reasons) for release in RELEASES)


def test_an_image_with_a_port_in_its_registry_is_taken_apart_at_the_tag() -> None:
    assert image_values("localhost:5000/linnet/recochat:ab12") == {
        "repository": "localhost:5000/linnet/recochat",
        "tag": "ab12",
        "pullPolicy": "IfNotPresent",
    }


def test_faults_are_only_enabled_where_there_are_some() -> None:
    good = values("v2", "a:b", 150, guarded=True, faults={})
    bad = values("v3", "a:b", 150, guarded=True, faults={"errorShare": 0.05})
    assert good["demo"] == {"enabled": False, "faults": {}}
    assert bad["demo"] == {"enabled": True, "faults": {"errorShare": 0.05}}
    assert good["canaryRelease"] == {"enabled": True, "spec": policy(150)}
