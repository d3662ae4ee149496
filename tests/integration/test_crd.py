"""The generated CRD on a real API server: what it fills in. test_bad_manifests: what it refuses."""

import json
from typing import Any

import pytest

from linnet.api.spec import CanaryReleaseSpec
from tests.support.apiserver import CRD_NAME, ApiServer
from tests.support.releases import MINIMAL, Object, release


def dry_run(server: ApiServer, spec: Object) -> Object:
    """The spec as the API server would store it."""
    answer = server.kubectl(
        "create", "--dry-run=server", "-o", "json", "-f", "-", input=release(spec)
    )
    stored: Object = json.loads(answer)["spec"]
    return stored


def as_pydantic_fills(spec: Object) -> Object:
    return CanaryReleaseSpec.model_validate(spec).model_dump(
        mode="json", by_alias=True, exclude_none=True
    )


def test_established(apiserver: ApiServer) -> None:
    conditions = apiserver.get("crd", CRD_NAME)["status"]["conditions"]
    states = {each["type"]: each["status"] for each in conditions}
    assert states["Established"] == states["NamesAccepted"] == "True"
    # the API server reports a schema that isn't structural by a condition of its own
    assert "NonStructuralSchema" not in states


# --- defaults ---


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("targetRef.apiVersion", "apps/v1"),
        ("targetRef.kind", "Deployment"),
        ("analysis.interval", "30s"),
        ("analysis.window", "1m"),
        ("analysis.minSamples", 3),
        ("analysis.profile", "Standard"),
        ("analysis.metrics", []),
        ("analysis.holdDeadline", "1h"),
        ("analysis.onHoldDeadline", "Rollback"),
        ("canary.readyDeadline", "5m"),
        ("canary.drainPeriod", "10s"),
        ("promotion.progressDeadline", "10m"),
        ("suspend", False),
        ("trackedConfig", []),
        ("steps", [{"weight": weight, "hold": "5m"} for weight in (5, 10, 50, 100)]),
    ],
)
def test_default(minimal: Object, path: str, value: object) -> None:
    found: Any = minimal
    for key in path.split("."):
        found = found[key]
    assert found == value


@pytest.fixture(scope="module")
def minimal(apiserver: ApiServer) -> Object:
    return dry_run(apiserver, MINIMAL)


@pytest.mark.parametrize(
    "extra",
    [
        pytest.param({}, id="nothing more"),
        pytest.param({"analysis": {}, "canary": {}, "promotion": {}}, id="empty objects"),
        pytest.param({"traffic": {"provider": "Replicas"}}, id="no gateway"),
        pytest.param({"analysis": {"window": "2m"}}, id="one field of an object"),
        pytest.param({"steps": [{"weight": 20}, {"weight": 100, "hold": "0s"}]}, id="own steps"),
        pytest.param({"analysis": {"metrics": [{"use": "latencyP95"}]}}, id="a ready-made check"),
        pytest.param(
            {
                "analysis": {
                    "metrics": [
                        {
                            "name": "queue",
                            "query": "max(queue_length{ {{pods}} })",
                            "rollback": {"above": 100, "consecutive": 2},
                            "advance": {"atMost": 99.5},
                            "noData": "Ignore",
                        },
                        {
                            "name": "hits",
                            "query": "sum(hits)",
                            "rollback": {"below": 0.5},
                            "advance": {"atLeast": 0.5},
                        },
                    ]
                }
            },
            id="own queries",
        ),
        pytest.param(
            {"trackedConfig": [{"name": "settings.yaml", "mountedAs": "settings-live"}]},
            id="tracked config",
        ),
    ],
)
def test_fills_as_pydantic_does(apiserver: ApiServer, extra: Object) -> None:
    spec = MINIMAL | extra
    assert dry_run(apiserver, spec) == as_pydantic_fills(spec)


def test_null_is_absent(apiserver: ApiServer, minimal: Object) -> None:
    nulls = {
        "traffic": {"httpRoute": "shop", "service": None},
        "steps": None,
        "analysis": None,
        "canary": {"minReplicas": None},
        "suspend": None,
    }
    assert dry_run(apiserver, MINIMAL | nulls) == minimal
