"""recochat in a namespace of its own on a real cluster, guarded by Linnet, reached by a client."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from hack.cluster.cluster import Cluster
from hack.demo.install import helm
from hack.demo.releases import PATH, REQUEST, image_values
from hack.load import Plan
from hack.load_process import LoadProcess
from linnet.api.status import CanaryReleaseStatus, HistoryEntry, Phase
from tests.support.api_proxy import read, write

NAME = "recochat"
CANARY = f"{NAME}-canary"
RELEASES = "linnet.dev/v1alpha1/canaryreleases"
ROUTES = "gateway.networking.k8s.io/v1/httproutes"
DEPLOYMENTS = "apps/v1/deployments"
SHARD = "linnet.dev/shard"

QUICK: Mapping[str, Any] = {
    "steps": [{"weight": weight, "hold": "5s"} for weight in (5, 50, 100)],
    "analysis": {"interval": "2s", "window": "10s", "minSamples": 3, "holdDeadline": "2m"},
    "canary": {"readyDeadline": "90s", "drainPeriod": "5s"},
}
"""Limits of the defaults, in seconds instead of minutes."""


@dataclass(frozen=True)
class Shop:
    """One installation of recochat. `deploy` is what its user does.

    api: the API server on loopback, for the many reads of a wait; kubectl does them if empty.
    """

    cluster: Cluster
    namespace: str
    image: str
    api: str = ""
    replicas: int = 2

    @property
    def host(self) -> str:
        """The host name that its route listens to."""
        return f"{self.namespace}.example"

    def deploy(
        self,
        version: str,
        faults: Mapping[str, float] | None = None,
        *,
        spec: Mapping[str, Any] = QUICK,
        guarded: bool = True,
        settings: Mapping[str, str] | None = None,
        more: Mapping[str, Any] = MappingProxyType({}),
    ) -> None:
        """Install or upgrade the chart; with faults for a version that is to misbehave.

        settings: environment variables in a ConfigMap that the CanaryRelease tracks. more: other
        values of the chart.
        """
        values = {
            "version": version,
            "replicas": self.replicas,
            "image": image_values(self.image),
            "gateway": {
                "enabled": True,
                "parentRef": {"name": "public", "namespace": "gateway"},
                "hostnames": [self.host],
            },
            "canaryRelease": {"enabled": guarded, "spec": dict(spec)},
            "demo": {"enabled": bool(faults or settings), "faults": dict(faults or {})},
            "settings": {"data": dict(settings or {}), "tracked": bool(settings)},
            **more,
        }
        helm(self.cluster, NAME, self.namespace, values, wait=not guarded)

    def change(self, version: str) -> None:
        """Change the Deployment alone, as one does while a release runs."""
        words = ("set", "env", f"deployment/{NAME}", f"RECOCHAT_VERSION={version}")
        self.kubectl(*words)

    def guard(self, shard: str, spec: Mapping[str, Any]) -> None:
        """Put the Deployment under guard by the operator of a shard."""
        traffic = {**spec.get("traffic", {}), "httpRoute": NAME, "service": NAME}
        manifest = {
            "apiVersion": "linnet.dev/v1alpha1",
            "kind": "CanaryRelease",
            "metadata": {"name": NAME, "labels": {SHARD: shard}},
            "spec": {**spec, "targetRef": {"name": NAME}, "traffic": traffic},
        }
        self.cluster.kubectl("apply", "-n", self.namespace, "-f", "-", stdin=json.dumps(manifest))

    def template(self) -> dict[str, Any]:
        """The Deployment's pod template."""
        return dict(self.get("deployment", NAME)["spec"]["template"])

    def put_back(self, template: Mapping[str, Any]) -> None:
        """Give the Deployment an earlier pod template again."""
        patch = [{"op": "replace", "path": "/spec/template", "value": template}]
        self.kubectl("patch", "deployment", NAME, "--type=json", "-p", json.dumps(patch))

    def load(self, rate: float = 40) -> LoadProcess:
        """A client that asks for recommendations at a constant rate, in requests a second."""
        headers = {"Host": self.host}
        return LoadProcess(Plan(self.cluster.gateway + PATH, REQUEST, headers, rate=rate))

    def kubectl(self, *words: str) -> str:
        """kubectl in the shop's namespace."""
        return self.cluster.kubectl("-n", self.namespace, *words)

    def get(self, kind: str, *words: str) -> Any:
        """What kubectl gets, parsed."""
        return json.loads(self.kubectl("get", kind, *words, "-o", "json"))

    def status(self) -> CanaryReleaseStatus:
        """The CanaryRelease's status."""
        found = read(self.address(RELEASES, NAME)) if self.api else self.get("crel", NAME)
        return CanaryReleaseStatus.model_validate(found.get("status", {}))

    def address(self, group: str, name: str) -> str:
        """Where the API server has an object. group: with version and plural, as in a path."""
        version, _, plural = group.rpartition("/")
        return f"{self.api}/apis/{version}/namespaces/{self.namespace}/{plural}/{name}"

    def amend(self, patch: Mapping[str, Any]) -> None:
        """Merge a patch into the CanaryRelease's spec."""
        words = ("--type=merge", "-p", json.dumps({"spec": patch}))
        self.kubectl("patch", "crel", NAME, *words)

    def route_weight(self) -> float | None:
        """The canary's share in the HTTPRoute, in percent; None where it isn't a backend."""
        (rule,) = read(self.address(ROUTES, NAME))["spec"]["rules"]
        weights = {each["name"]: each.get("weight", 1) for each in rule["backendRefs"]}
        if CANARY not in weights:
            return None
        return float(100 * weights[CANARY] / (sum(weights.values()) or 1))

    def put_weight(self, percent: int, agent: str) -> None:
        """Write the canary's share into the HTTPRoute, as a client of this name."""
        (rule,) = read(self.address(ROUTES, NAME))["spec"]["rules"]
        for each in rule["backendRefs"]:
            each["weight"] = percent if each["name"] == CANARY else 100 - percent
        write(self.address(ROUTES, NAME), {"spec": {"rules": [rule]}}, agent)

    def pods(self) -> set[str]:
        """The uids of the stable pods."""
        listed = self.get("pods", "-l", f"app.kubernetes.io/name={NAME}")["items"]
        return {pod["metadata"]["uid"] for pod in listed}

    def restarts(self) -> int:
        """Restarts of all containers of the stable pods."""
        listed = self.get("pods", "-l", f"app.kubernetes.io/name={NAME}")["items"]
        return sum(
            container["restartCount"]
            for pod in listed
            for container in pod["status"].get("containerStatuses", ())
        )

    def wait(
        self, reached: Callable[[CanaryReleaseStatus], bool], seconds: float
    ) -> CanaryReleaseStatus:
        """Look at the status until it is as wanted.

        Raises:
            AssertionError: it wasn't in time; the message tells where the release was.
        """
        deadline = time.monotonic() + seconds
        while True:
            status = self.status()
            if reached(status):
                return status
            if time.monotonic() > deadline:
                told = "\n".join(f"{e.at} {e.decision} {e.message}" for e in status.history)
                raise AssertionError(f"still {status.phase}: {status.message}\n{told}")
            time.sleep(0.25)

    def wait_for(self, phase: Phase, seconds: float = 240) -> CanaryReleaseStatus:
        """Wait for a phase that is not the one of an earlier release."""
        return self.wait(lambda status: status.phase is phase, seconds)

    def wait_for_weight(self, weight: int, seconds: float = 90) -> CanaryReleaseStatus:
        """Wait until the route reports a weight that is wanted."""
        return self.wait(
            lambda status: status.weight.seen == status.weight.wanted == weight, seconds
        )


def decided(status: CanaryReleaseStatus, kind: str) -> HistoryEntry:
    """The last decision of a kind.

    Raises:
        AssertionError: there is none.
    """
    for entry in reversed(status.history):
        if entry.decision == kind:
            return entry
    raise AssertionError(f"no {kind} among {[str(entry.decision) for entry in status.history]}")
