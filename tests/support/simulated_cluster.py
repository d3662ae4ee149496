"""A cluster in memory with the one app `shop`: rolling updates, a gateway, and its metrics.

The objects are those of `FakeKubernetes`, read and written by the operator's real providers. The
controllers act when `pass_time` is called. After every write and every change it is checked that
each share of traffic goes to where a pod is ready.
"""

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

from linnet.api.spec import CanaryReleaseSpec
from linnet.api.status import CanaryReleaseStatus
from linnet.controller.asked import Asked
from linnet.controller.inbox import Inbox
from linnet.controller.notify import Notifier
from linnet.controller.observe import Providers
from linnet.controller.reconcile import Reconciler
from linnet.controller.release import Key, read_status
from linnet.core.labels import labels_of
from linnet.core.observed import Table
from linnet.core.queries import questions
from linnet.core.references import references
from linnet.core.revision import HASH_LABEL, config_annotation, revision, template_revision
from linnet.providers.config import ConfigCopies
from linnet.providers.kubernetes import (
    CANARYRELEASES,
    CONFIGMAPS,
    DEPLOYMENTS,
    HTTPROUTES,
    REPLICASETS,
    SERVICES,
    Manifest,
)
from linnet.providers.metrics.shared import SharedMetrics
from linnet.providers.traffic.gateway_api import FIELD_MANAGER
from linnet.providers.traffic.registry import EveryTraffic
from linnet.providers.workloads import Workloads
from tests.support.builders import SECOND, START
from tests.support.fake_kubernetes import Cluster, FakeKubernetes
from tests.support.fake_metrics import FakeMetrics
from tests.support.workload_manifests import config_map, deployment, http_route, service

NAMESPACE = "default"
ROW = (NAMESPACE, "shop-canary")
"""The canary's row in an answer of Prometheus."""
KEY = Key(NAMESPACE, "shop")
POD_STARTS = 4 * SECOND
GATEWAY_LAGS = 2 * SECOND
SPEC: Manifest = {
    "targetRef": {"name": "shop"},
    "traffic": {"httpRoute": "shop"},
    "steps": [{"weight": 50, "hold": "10s"}, {"weight": 100, "hold": "10s"}],
    "analysis": {
        "interval": "5s",
        "window": "5s",
        "minSamples": 2,
        "metrics": [{"use": "errorRate"}],
    },
    "canary": {"drainPeriod": "5s"},
}


TRACKED: Manifest = {
    **SPEC,
    "trackedConfig": [{"name": "settings", "mountedAs": "settings-live"}],
}


class LostRequests(AssertionError):
    """Traffic went to where no pod is ready."""


class SimulatedCluster:
    """The app, its CanaryRelease, and an operator that can be killed."""

    def __init__(self, spec: Manifest | None = None) -> None:
        self.spec = spec or SPEC
        self.now = START
        self.client = FakeKubernetes(Cluster(now=lambda: self.now))
        self.metrics = FakeMetrics()
        self.client.add(DEPLOYMENTS, self._written("shop:1"))
        self.client.add(SERVICES, service())
        self.client.add(CONFIGMAPS, config_map())
        self.client.add(HTTPROUTES, http_route())
        self.client.add(CANARYRELEASES, self._release(self.spec))
        self.measure(errorRate=0.1)
        self.started_with: dict[str, list[Any]] = {}
        self._route_changed: dict[int, datetime] = {}
        self._served: Counter[str] = Counter()
        self.weights: list[int] = []
        self.tried: list[str] = []
        for _ in range(3):
            self.pass_time(POD_STARTS)
        self.client.cluster.after_write = self._check_traffic
        self.notifier: Notifier | None = None
        self.start_operator()

    def start_operator(self) -> None:
        """A new process: it remembers nothing."""
        client = self.client.fenced(lambda: None)
        metrics = SharedMetrics(self.metrics, lambda: self.now)
        config = ConfigCopies(client)
        providers = Providers(Workloads(client), EveryTraffic(client), metrics, config)
        self.inbox = Inbox(lambda _: None)
        self.asked = Asked()
        self.reconciler = Reconciler(
            client,
            providers,
            identity="one",
            now=lambda: self.now,
            inbox=self.inbox,
            notifier=self.notifier,
            asked=self.asked,
        )

    def measure(self, **values: float) -> None:
        """What Prometheus answers, by the check's name."""
        spec = CanaryReleaseSpec.model_validate(SPEC)
        asked = questions(spec, NAMESPACE, "shop")
        self.metrics.tables = {
            asked[name].promql: Table({ROW: value}) for name, value in values.items()
        }

    def push(self, image: str) -> None:
        """The user changes the template."""
        template = self._written(image)["spec"]["template"]
        self.client.edit(DEPLOYMENTS, NAMESPACE, "shop", {"spec": {"template": template}})

    def edit_config(self, **data: str) -> None:
        """The user changes the ConfigMap that is tracked."""
        self.client.edit(CONFIGMAPS, NAMESPACE, "settings", {"data": data})

    def read(self, name: str = "settings-live") -> Any:
        """The content of a ConfigMap; None if there is none."""
        found = self.client.see(CONFIGMAPS, NAMESPACE, name)
        return found and found["data"]

    @property
    def configs(self) -> list[str]:
        """The names of all ConfigMaps."""
        return sorted(name for kind, _, name in self.client.cluster.objects if kind == CONFIGMAPS)

    def _written(self, image: str) -> Manifest:
        """The Deployment as the user writes it; one that is tracked reads the live ConfigMap."""
        manifest = deployment(image)
        if self.spec.get("trackedConfig"):
            [container] = manifest["spec"]["template"]["spec"]["containers"]
            container["envFrom"] = [{"configMapRef": {"name": "settings-live"}}]
        return manifest

    @property
    def release(self) -> Manifest | None:
        return self.client.see(CANARYRELEASES, NAMESPACE, "shop")

    @property
    def status(self) -> CanaryReleaseStatus:
        return read_status(self.release or {})

    @property
    def rules(self) -> list[Manifest]:
        """The rules of the route."""
        route = self.client.see(HTTPROUTES, NAMESPACE, "shop")
        assert route is not None
        return list(route["spec"]["rules"])

    @property
    def image(self) -> str:
        """What the user's Deployment asks for."""
        return str(_image(self._deployment("shop")))

    def as_written(self) -> bool:
        """Whether what splits traffic reads as its user wrote it."""
        refs = [(ref["name"], ref["weight"]) for rule in self.rules for ref in rule["backendRefs"]]
        place = (HTTPROUTES, NAMESPACE, "shop")
        owned = self.client.cluster.owners.get(place, {})
        marked = labels_of(self.client.see(*place) or {"metadata": {}})
        return refs == [("shop", 1)] and FIELD_MANAGER not in owned and not marked

    async def run(self, phase: str, looks: int = 200) -> None:
        """Look until a phase is reached; time passes in between."""
        for _ in range(looks):
            wake = await self.reconciler.reconcile(KEY)
            if self.status.phase == phase:
                return
            self.pass_time(timedelta(seconds=min(5.0, max(1.0, 5.0 if wake is None else wake))))
        raise AssertionError(f"not {phase}: {self.status.phase}: {self.status.message}")

    def pass_time(self, span: timedelta) -> None:
        """Let the cluster's own controllers work."""
        self.now += span
        for name in ("shop", "shop-canary"):
            if found := self.client.see(DEPLOYMENTS, NAMESPACE, name):
                self._roll(found)
        self._collect_garbage()
        self._accept_route()
        self._check_traffic()

    def _roll(self, found: Manifest) -> None:
        """Kubernetes' rolling update, in two steps: the new pods first, then the old ones go."""
        spec, uid, name = found["spec"], found["metadata"]["uid"], found["metadata"]["name"]
        version = _version(spec["template"])
        sets = self._sets(uid)
        if version not in sets and not (spec.get("paused") and sets):
            sets[version] = self.client.add(
                REPLICASETS, _replicaset(found, f"{name}-{version}", self.now)
            )
        ready = {rev: self._ready(each) for rev, each in sets.items()}
        if ready.get(version) and not spec.get("paused"):
            for old in sets.keys() - {version}:
                self._scale(sets[old], 0)
        sets = self._sets(uid)
        for each in sets.values():
            self._scale(each, each["spec"]["replicas"])
        active = [each for each in sets.values() if each["spec"]["replicas"]]
        current = sets.get(version)
        if spec.get("paused"):
            current = active[0] if len(active) == 1 else None
        if current is not None:
            self._scale(current, spec["replicas"])
        available = sum(self._ready(each) for each in self._sets(uid).values())
        updated = ready.get(version, 0)
        counts = dict.fromkeys(("availableReplicas", "readyReplicas"), available)
        done = {"replicas": available, "updatedReplicas": updated, **counts}
        status = {"observedGeneration": found["metadata"]["generation"], **done}
        self.client.edit(DEPLOYMENTS, NAMESPACE, name, {"status": status})

    def _sets(self, uid: str) -> dict[str, Manifest]:
        return {
            _version(each["spec"]["template"]): each
            for (resource, *_), each in list(self.client.cluster.objects.items())
            if resource == REPLICASETS and each["metadata"]["ownerReferences"][0]["uid"] == uid
        }

    def _scale(self, found: Manifest, replicas: int) -> None:
        patch = {"spec": {"replicas": replicas}, "status": {"replicas": replicas}}
        self.client.edit(REPLICASETS, NAMESPACE, found["metadata"]["name"], patch)

    def _ready(self, found: Manifest) -> int:
        started = datetime.fromisoformat(found["metadata"]["annotations"]["started"])
        reads = [self.read(each.name) for each in references(found["spec"]["template"])]
        fails = "broken" in _image(found) or None in reads
        ready = 0 if fails or self.now < started + POD_STARTS else int(found["spec"]["replicas"])
        if ready:
            self.started_with.setdefault(found["metadata"]["name"], reads)
        return ready

    def _collect_garbage(self) -> None:
        objects = self.client.cluster.objects
        alive = {found["metadata"]["uid"] for found in objects.values()}
        for place, found in list(objects.items()):
            owners = found["metadata"].get("ownerReferences", [])
            if any(owner["uid"] not in alive for owner in owners):
                self.client.cluster.remove(place)

    def _accept_route(self) -> None:
        """The gateway: reports a generation some time after it has seen it, and serves it."""
        route = self.client.see(HTTPROUTES, NAMESPACE, "shop")
        if route is None:
            return
        generation = route["metadata"]["generation"]
        seen = self._route_changed.setdefault(generation, self.now)
        if self.now < seen + GATEWAY_LAGS:
            return
        # The last rule is the user's own; any before it are for users who have been seen.
        refs = route["spec"]["rules"][-1]["backendRefs"]
        missing = [r["name"] for r in refs if not self.client.see(SERVICES, NAMESPACE, r["name"])]
        self._served = Counter()
        for ref in refs:
            self._served[ref["name"]] += ref.get("weight", 1)
        answers = {"Accepted": "True", "ResolvedRefs": "False" if missing else "True"}
        conditions = [
            {"type": kind, "status": answer, "observedGeneration": generation, "reason": "Told"}
            for kind, answer in answers.items()
        ]
        parents = [{"parentRef": {"name": "gateway"}, "conditions": conditions}]
        self.client.edit(HTTPROUTES, NAMESPACE, "shop", {"status": {"parents": parents}})
        share = 100 * self._served.get("shop-canary", 0) // sum(self._served.values())
        if self.weights[-1:] != [share]:
            self.weights.append(share)

    def _check_traffic(self) -> None:
        if not self.started_with:
            return  # an installation that waits for its first pods
        for name, weight in self._served.items():
            if weight and not (self._pods_ready(name) and self._has_service(name)):
                raise LostRequests(f"{self.now:%H:%M:%S} {name} takes {self._served}")

    def _pods_ready(self, name: str) -> int:
        found = self.client.see(DEPLOYMENTS, NAMESPACE, name)
        sets = self._sets(found["metadata"]["uid"]) if found else {}
        return sum(self._ready(each) for each in sets.values())

    def _has_service(self, name: str) -> bool:
        return self.client.see(SERVICES, NAMESPACE, name) is not None

    def _deployment(self, name: str) -> Manifest:
        found = self.client.see(DEPLOYMENTS, NAMESPACE, name)
        assert found is not None
        return found

    @staticmethod
    def _release(spec: Manifest) -> Manifest:
        return {
            "apiVersion": CANARYRELEASES.api_version,
            "kind": CANARYRELEASES.kind,
            "metadata": {"name": "shop", "namespace": NAMESPACE},
            "spec": spec,
        }


def _version(template: Manifest) -> str:
    """What Kubernetes tells templates apart by: here also the operator's annotation counts."""
    return revision(template_revision(template), config_annotation(template))


def _image(found: Manifest) -> Any:
    return found["spec"]["template"]["spec"]["containers"][0]["image"]


def _replicaset(owner: Manifest, name: str, now: datetime) -> Manifest:
    replicas, template = owner["spec"]["replicas"], owner["spec"]["template"]
    labels = {**template["metadata"]["labels"], HASH_LABEL: name.rpartition("-")[2]}
    template = {**template, "metadata": {**template["metadata"], "labels": labels}}
    metadata = {
        "name": name,
        "namespace": NAMESPACE,
        "labels": labels,
        "annotations": {"started": now.isoformat()},
        "ownerReferences": [{"uid": owner["metadata"]["uid"], "controller": True}],
    }
    return {
        "apiVersion": REPLICASETS.api_version,
        "kind": REPLICASETS.kind,
        "metadata": metadata,
        "spec": {"replicas": replicas, "template": template},
        "status": {"replicas": replicas},
    }
