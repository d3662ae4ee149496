"""`linnet` acts on a release that a real operator carries out, on a simulated cluster."""

import json
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from linnet.cli.app import app
from tests.support.apiserver import ApiServer
from tests.support.operator_process import run_operator
from tests.support.prometheus_stub import run_prometheus_stub
from tests.support.workload_manifests import deployment, http_route, service

SPEC: dict[str, Any] = {
    "targetRef": {"name": "shop"},
    "traffic": {"httpRoute": "shop"},
    "steps": [{"weight": 10, "hold": "1h"}, {"weight": 50, "hold": "1h"}, {"weight": 100}],
    "analysis": {"interval": "5s", "window": "15s", "metrics": [{"use": "errorRate"}]},
    "canary": {"drainPeriod": "1s"},
}
PATIENCE = "300s"
WATCH = "60s"
"""All of it passes, so it is short; the weight has to be reached in it."""


class Person:
    """Somebody with a namespace of their own, whose release is under way at 10 %."""

    def __init__(self, server: ApiServer, namespace: str) -> None:
        self.server, self.namespace = server, namespace
        self.name = f"system:serviceaccount:{namespace}:ann"
        self.kubectl("create", "serviceaccount", "ann")
        role = "--clusterrole=cluster-admin"  # in this namespace, as it is bound there
        self.kubectl("create", "rolebinding", "ann", role, f"--user={self.name}")
        self.kubeconfig = server.kubeconfig_of("ann", namespace)

    def kubectl(self, *args: str, **more: Any) -> str:
        return self.server.kubectl("-n", self.namespace, *args, **more)

    def applies(self, manifest: dict[str, Any]) -> None:
        manifest["metadata"]["namespace"] = self.namespace
        self.kubectl("apply", "-f", "-", input=manifest)

    def types(self, *words: str) -> Result:
        where = ["-n", self.namespace, "--kubeconfig", str(self.kubeconfig)]
        return CliRunner().invoke(app, [*words, *where])

    def waits(self, wanted: str) -> None:
        result = self.types("wait", "shop", "--for", wanted, "--timeout", PATIENCE)
        assert result.exit_code == 0, result.stderr

    def writes(self) -> list[dict[str, Any]]:
        """What the API server has got of this person that changes anything."""
        lines = map(json.loads, self.server.audit_log.read_text().splitlines())
        return [
            line
            for line in lines
            if line["user"]["username"] == self.name
            and line["verb"] not in ("get", "list", "watch")
            and line["objectRef"]["resource"] != "selfsubjectreviews"
        ]


@pytest.fixture
def person(simulated: ApiServer, tmp_path: Path) -> Iterator[Person]:
    namespace = f"test-{secrets.token_hex(4)}"
    simulated.kubectl("create", "namespace", namespace)
    ann = Person(simulated, namespace)
    ann.applies(service())
    ann.applies(http_route())
    ann.applies(deployment("shop:1"))
    ann.applies(
        {
            "apiVersion": "linnet.dev/v1alpha1",
            "kind": "CanaryRelease",
            "metadata": {"name": "shop"},
            "spec": SPEC,
        }
    )
    operator = run_operator(
        tmp_path, simulated.kubeconfig, namespace=namespace, lease_namespace=namespace
    )
    with operator:
        ann.waits("ended")  # adopted: stable runs what is asked for
        ann.applies(deployment("shop:2"))
        ann.waits("weight=10")
        yield ann


def test_a_rollback_is_foreseen_without_a_write_and_then_done(person: Person) -> None:
    before = len(person.writes())
    foreseen = person.types(
        "rollback", "shop", "--dry-run", "--reason", "wrong prices", "-o", "json"
    )
    assert foreseen.exit_code == 0, foreseen.stderr
    assert len(person.writes()) == before == 0

    looks = json.loads(foreseen.stdout)
    assert looks[0]["phase"] == "RollingBack"
    assert looks[0]["calls"][0]["path"].endswith("/httproutes/shop")
    assert looks[-1]["phase"] == "RolledBack"
    removed = [c["path"] for look in looks for c in look["calls"] if c["method"] == "DELETE"]
    assert any(path.endswith("/deployments/shop-canary") for path in removed)

    done = person.types("rollback", "shop", "--reason", "wrong prices")
    assert done.exit_code == 0, done.stderr
    person.waits("rolledback")
    told = person.types("explain", "shop", "RolledBack").stdout
    assert person.name in told.replace("\n", "").replace(" ", "")
    assert "wrong prices" in told
    (write,) = person.writes()
    assert write["objectRef"]["resource"] == "canaryreleases"

    again = person.types("rollback", "shop", "--dry-run")
    assert again.exit_code == 1
    assert "nothing is being released" in again.stderr


def test_what_was_rolled_back_is_tried_again_and_promoted(person: Person) -> None:
    assert person.types("rollback", "shop").exit_code == 0
    person.waits("rolledback")
    assert person.types("promote", "shop").exit_code == 1
    assert person.types("retry", "shop").exit_code == 0
    person.waits("weight=10")
    done = person.types("promote", "shop", "--full", "--by", "jane")
    assert done.exit_code == 0, done.stderr
    person.waits("promoted")
    assert "jane" in person.types("history", "shop").stdout


def test_a_paused_release_stays_and_a_resumed_one_goes_on(person: Person) -> None:
    assert "paused" in person.types("pause", "shop").stdout
    assert "already" in person.types("pause", "shop").stdout
    assert "suspended" in person.types("promote", "shop").stderr
    assert "resumed" in person.types("resume", "shop").stdout
    assert "isn't paused" in person.types("resume", "shop").stdout


def test_an_image_is_deployed_and_watched_at_a_weight(person: Person) -> None:
    words = ("deploy", "shop", "--image", "shop:3", "--weight", "10", "--watch", WATCH)
    assert person.types("rollback", "shop").exit_code == 0
    person.waits("rolledback")
    watched = person.types(*words)
    assert watched.exit_code == 0, watched.stderr
    assert "the route has 10 %" in watched.stdout
    assert "linnet resume shop goes on" in watched.stdout
    assert "nothing has been measured" not in person.types("metrics", "shop").stdout


def test_what_is_wrong_is_found(person: Person) -> None:
    findings = json.loads(person.types("doctor", "-o", "json").stdout)
    states = {each["what"].partition(" ")[0]: each["state"] for each in findings}
    # No chart is installed here, and somebody who may only act in a namespace may not see more.
    assert states["clock"] == states["release"] == states["route"] == "ok"
    assert states["operator"] == states["CRD"] == "unknown"


def test_a_doctor_who_may_look_finds_what_runs(person: Person) -> None:
    operator = deployment("linnet:1")
    operator["metadata"]["name"] = "linnet-operator"
    operator["metadata"]["labels"] = {
        "app.kubernetes.io/part-of": "linnet",
        "app.kubernetes.io/component": "operator",
    }
    operator["spec"]["template"]["spec"]["serviceAccountName"] = "ann"
    containers = operator["spec"]["template"]["spec"]["containers"]
    containers[0]["env"] = [{"name": "LINNET_NAMESPACE", "value": person.namespace}]
    person.applies(operator)
    person.kubectl("rollout", "status", "deployment/linnet-operator", "--timeout=60s")
    with run_prometheus_stub() as prometheus:
        prometheus.measure([(person.namespace, "shop-canary")])
        words = ["doctor", "-n", person.namespace, "--prometheus", prometheus.url, "-o", "json"]
        result = CliRunner().invoke(app, [*words, "--kubeconfig", str(person.server.kubeconfig)])
    states = {each["what"]: (each["state"], each["said"]) for each in json.loads(result.stdout)}
    assert states["operator"][0] == "ok"
    assert states["leader"][0] == "ok"
    assert states["RBAC"][0] == "ok", states["RBAC"]
    assert states["CRD"][0] == "ok"
    assert states["Prometheus"][0] == "ok", states["Prometheus"]
    assert states[f"scrapes {person.namespace}/shop-canary"][0] == "ok"
    person.kubectl("delete", "deployment", "linnet-operator")


def test_without_an_operator_a_request_waits(apiserver: ApiServer, namespace: str) -> None:
    manifest = {
        "apiVersion": "linnet.dev/v1alpha1",
        "kind": "CanaryRelease",
        "metadata": {"name": "shop", "namespace": namespace},
        "spec": SPEC,
    }
    apiserver.kubectl("apply", "-f", "-", input=manifest)
    result = CliRunner().invoke(
        app,
        [
            *("rollback", "shop", "--timeout", "1s", "-n", namespace),
            *("--kubeconfig", str(apiserver.kubeconfig)),
        ],
    )
    assert result.exit_code == 4
    assert "has not answered yet" in result.stderr
