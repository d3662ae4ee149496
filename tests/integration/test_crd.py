"""The generated CRD on a real API server: what it fills in and what it refuses."""

import json
from typing import Any

import pytest

from linnet.api.spec import CanaryReleaseSpec
from tests.support.apiserver import CRD_NAME, ApiServer, KubectlError
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
        ("canary.minReplicas", 1),
        ("canary.readyDeadline", "5m"),
        ("canary.drainPeriod", "10s"),
        ("promotion.progressDeadline", "10m"),
        ("suspend", False),
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


# --- refusals ---


def steps(*weights: Any) -> Object:
    return {"steps": [{"weight": weight} for weight in weights]}


def metrics(*each: Object) -> Object:
    return {"analysis": {"metrics": list(each)}}


def query(**fields: Any) -> Object:
    return metrics({"name": "own", "query": "up"} | fields)


def target(**fields: Any) -> Object:
    return {"targetRef": {"name": "shop"} | fields}


NOT_DEPLOYMENT = "spec.targetRef must name an apps/v1 Deployment: other kinds are not supported"
NO_LIMIT = "a metric with a query needs a limit: set rollback.above or rollback.below"
USE_OR_QUERY = "a metric has either use (a ready-made check) or query (own PromQL): set exactly one"
OPPOSITE = "rollback and advance must face the same way: above goes with atMost, below with atLeast"
NOT_RISING = "spec.steps must rise: give each step a greater weight than the one before"
NOT_100 = "spec.steps must end with weight 100: add a last step with weight 100"
NO_DURATION = "in body should match '^([0-9]{1,5}(h|m|s|ms)){1,4}$'"

REFUSALS: dict[str, tuple[Object, str]] = {
    "wrong kind": (target(kind="StatefulSet"), NOT_DEPLOYMENT),
    "wrong API version": (target(apiVersion="apps/v2"), NOT_DEPLOYMENT),
    "target name too long": (target(name="n" * 56), "may not be more than 55"),
    "target name empty": (target(name=""), "spec.targetRef.name in body should be at least 1"),
    "target name not a DNS label": (target(name="My.Shop"), "spec.targetRef.name in body should"),
    "no target name": ({"targetRef": {}}, "spec.targetRef.name: Required value"),
    "no target": ({"targetRef": None}, "spec.targetRef: Required value"),
    "no traffic": ({"traffic": None}, "spec.traffic: Required value"),
    "no route": ({"traffic": {}}, "spec.traffic.httpRoute: Required value"),
    "no steps": ({"steps": []}, "spec.steps in body should have at least 1 items"),
    "too many steps": (steps(*range(80, 101)), "spec.steps: Too many: 21: must have at most 20"),
    "last step not 100": (steps(5, 50), NOT_100),
    "steps fall": (steps(50, 10, 100), NOT_RISING),
    "steps repeat": (steps(50, 50, 100), NOT_RISING),
    "weight 0": (
        steps(0, 100),
        "spec.steps[0].weight in body should be greater than or equal to 1",
    ),
    "weight 101": (
        steps(5, 101),
        "spec.steps[1].weight in body should be less than or equal to 100",
    ),
    "weight not whole": (steps(2.5, 100), "spec.steps[0].weight in body must be of type integer"),
    "no weight": ({"steps": [{"hold": "1m"}]}, "spec.steps[0].weight: Required value"),
    "duration in words": ({"analysis": {"interval": "30 seconds"}}, NO_DURATION),
    "duration in ISO 8601": ({"canary": {"drainPeriod": "PT30S"}}, NO_DURATION),
    "duration below zero": ({"canary": {"drainPeriod": "-1s"}}, NO_DURATION),
    "duration without unit": ({"promotion": {"progressDeadline": "30"}}, NO_DURATION),
    "duration a number": (
        {"analysis": {"window": 30}},
        "spec.analysis.window in body must be of type string",
    ),
    "interval too short": (
        {"analysis": {"interval": "999ms"}},
        "spec.analysis.interval must be at least 1s",
    ),
    "window too short": (
        {"analysis": {"window": "0s"}},
        "spec.analysis.window must be at least 1s: it should cover several scrapes",
    ),
    "both use and query": (query(use="cpu", rollback={"above": 1}), USE_OR_QUERY),
    "neither use nor query": (metrics({"name": "own", "rollback": {"above": 1}}), USE_OR_QUERY),
    "query without name": (
        metrics({"query": "up", "rollback": {"below": 1}}),
        "a metric with a query needs a name: set metrics[].name",
    ),
    "query without limit": (query(), NO_LIMIT),
    "query with an empty limit": (query(rollback={"consecutive": 2}), NO_LIMIT),
    "query too long": (query(query="x" * 4097, rollback={"above": 1}), "may not be more than 4096"),
    "above and below": (
        query(rollback={"above": 2, "below": 1}),
        "rollback takes either above or below, not both: remove one",
    ),
    "at most and at least": (
        metrics({"use": "cpu", "advance": {"atMost": 1, "atLeast": 1}}),
        "advance takes either atMost or atLeast, not both: remove one",
    ),
    "advance looser than rollback above": (
        query(rollback={"above": 1}, advance={"atMost": 1.5}),
        "advance.atMost must not exceed rollback.above: lower advance.atMost",
    ),
    "advance looser than rollback below": (
        query(rollback={"below": 99.5}, advance={"atLeast": 99}),
        "advance.atLeast must not be less than rollback.below: raise advance.atLeast",
    ),
    "above with at least": (query(rollback={"above": 1}, advance={"atLeast": 1}), OPPOSITE),
    "below with at most": (query(rollback={"below": 1}, advance={"atMost": 1}), OPPOSITE),
    "unknown ready-made check": (
        metrics({"use": "latencyP99"}),
        'Unsupported value: "latencyP99": supported values: "errorRate", "latencyP95"',
    ),
    "unknown profile": (
        {"analysis": {"profile": "Loose"}},
        'Unsupported value: "Loose": supported values: "Standard", "Strict"',
    ),
    "unknown no-data policy": (
        metrics({"use": "cpu", "noData": "Pass"}),
        'Unsupported value: "Pass": supported values: "Hold", "Rollback", "Ignore"',
    ),
    "unknown end of a hold": (
        {"analysis": {"onHoldDeadline": "Promote"}},
        'Unsupported value: "Promote": supported values: "Rollback", "Wait"',
    ),
    "no samples": ({"analysis": {"minSamples": 0}}, "should be greater than or equal to 1"),
    "no replicas": ({"canary": {"minReplicas": 0}}, "should be greater than or equal to 1"),
    "no breaches in a row": (
        metrics({"use": "cpu", "rollback": {"consecutive": 0}}),
        "rollback.consecutive in body should be greater than or equal to 1",
    ),
    "too many metrics": (metrics(*[{"use": "cpu"}] * 21), "Too many: 21: must have at most 20"),
    "the same check twice": (
        metrics({"use": "cpu"}, {"use": "cpu", "rollback": {"above": 90}}),
        "spec.analysis.metrics must have different names: set metrics[].name",
    ),
    "a name that another check goes by": (
        metrics({"use": "cpu"}, {"use": "memory", "name": "cpu"}),
        "spec.analysis.metrics must have different names: set metrics[].name",
    ),
    "metric name not a word": (metrics({"use": "cpu", "name": "5xx rate"}), "metrics[0].name in"),
    "unknown field": ({"step": []}, 'unknown field "spec.step"'),
}


@pytest.mark.parametrize(("change", "message"), REFUSALS.values(), ids=REFUSALS.keys())
def test_refuses(apiserver: ApiServer, change: Object, message: str) -> None:
    with pytest.raises(KubectlError) as refusal:
        dry_run(apiserver, MINIMAL | change)
    assert message in str(refusal.value)


def test_refuses_a_release_without_spec(apiserver: ApiServer) -> None:
    manifest = release({})
    del manifest["spec"]
    with pytest.raises(KubectlError, match="spec: Required value"):
        apiserver.kubectl("create", "--dry-run=server", "-f", "-", input=manifest)


def test_refuses_a_name_too_long_for_a_label(apiserver: ApiServer) -> None:
    manifest = release(MINIMAL)
    manifest["metadata"]["name"] = "a" * 64
    with pytest.raises(KubectlError, match=r"metadata\.name may have at most 63 characters"):
        apiserver.kubectl("create", "--dry-run=server", "-f", "-", input=manifest)


def test_traffic_is_fixed(apiserver: ApiServer, namespace: str) -> None:
    apply = ("apply", "-n", namespace, "-f", "-")
    apiserver.kubectl(*apply, input=release(MINIMAL))
    with pytest.raises(KubectlError, match=r"spec\.traffic can't be changed: delete the Canary"):
        apiserver.kubectl(*apply, input=release(MINIMAL | {"traffic": {"httpRoute": "other"}}))


def test_target_name_is_fixed(apiserver: ApiServer, namespace: str) -> None:
    apply = ("apply", "-n", namespace, "-f", "-")
    apiserver.kubectl(*apply, input=release(MINIMAL))
    apiserver.kubectl(*apply, input=release(MINIMAL | {"suspend": True}))
    with pytest.raises(KubectlError) as refusal:
        apiserver.kubectl(*apply, input=release(MINIMAL | target(name="other")))
    remedy = "spec.targetRef.name can't be changed: delete the CanaryRelease and create another"
    assert remedy in str(refusal.value)
