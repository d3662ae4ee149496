"""Logs for the checks themselves: what an API server would have noted of one release."""

import copy
import json
from datetime import UTC, datetime
from typing import Any, Self

from linnet.core.labels import MANAGED_BY, MANAGER, RELEASE, REVISION, SPLIT
from linnet.core.revision import template_revision
from tests.support.rig.shops import Shop
from tests.support.rules.audit import Event
from tests.support.rules.evidence import Measured

Object = dict[str, Any]

BEGIN = 1_900_000_000.0
SHOP = Shop("default", "shop")
STEPS = (10, 50, 100)


def revision(version: int) -> str:
    """The revision of a version of the shop."""
    return template_revision(SHOP.template(version))


class Story:
    """Writes, one after the other; `events` are these. Time passes by `wait` alone.

    Every method but `wait` is one write, by whom its name says: `writes` are the operator's.
    """

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.measured: list[Measured] = []
        self.now = BEGIN
        self.leader = "op-1"
        self._version = 100
        self._objects: dict[tuple[str, str], Object] = {}
        for resource, manifest in SHOP.manifests():
            self._put("admin", "users", "create", resource.plural, manifest)
        self._put("admin", "users", "create", "canaryreleases", SHOP.release())
        self.lease("op-1").rolled_out(1)
        self.accepted()
        self.holds()
        self.status("Idle", stableRevision=revision(1), decision="Adopted")

    def wait(self, seconds: float) -> Self:
        """Let time pass."""
        self.now += seconds
        return self

    # What others do.

    def template(self, version: int) -> Self:
        """A user changes the template."""
        return self.user(
            "deployments", "shop", lambda d: d["spec"].update(template=SHOP.template(version))
        )

    def user(self, resource: str, name: str, change: Any) -> Self:
        """A user changes an object."""
        return self._change("admin", "users", resource, name, change)

    def another_release(self) -> Self:
        """A user makes a second CanaryRelease for the same Deployment."""
        manifest = SHOP.release()
        manifest["metadata"]["name"] = "second"
        self._put("admin", "users", "create", "canaryreleases", manifest)
        return self

    def lease(self, holder: str) -> Self:
        """Somebody takes the lease."""
        manifest = {
            "metadata": {"namespace": "default", "name": "linnet-operator"},
            "spec": {"holderIdentity": holder},
        }
        self._put(holder, "linnet", "update", "leases", manifest)
        return self

    def accepted(self) -> Self:
        """The gateway accepts the route as it stands."""
        route = self.object("httproutes", "shop")
        conditions = [
            {"type": kind, "status": "True", "observedGeneration": route["metadata"]["generation"]}
            for kind in ("Accepted", "ResolvedRefs")
        ]
        report = {"parents": [{"conditions": conditions}]}
        return self._status("gateway", "httproutes", "shop", report)

    def rolled_out(self, version: int) -> Self:
        """All of stable's pods run a version."""
        deployment = self.object("deployments", "shop")
        assert template_revision(deployment["spec"]["template"]) == revision(version)
        return self._status("kube-controller-manager", "deployments", "shop", _ready(deployment, 2))

    def canary_ready(self, ready: int = 1) -> Self:
        """So many of the canary's pods are ready."""
        deployment = self.object("deployments", "shop-canary")
        status = _ready(deployment, ready)
        return self._status("kube-controller-manager", "deployments", "shop-canary", status)

    def crash(self) -> Self:
        """A pod of the canary crashes."""
        waiting = {"state": {"waiting": {"reason": "CrashLoopBackOff"}}}
        request = {"status": {"containerStatuses": [waiting]}}
        self._note("kwok", "kwok", "patch", "pods", "shop-canary-abc12-xyz34", None, request)
        return self

    def measures(self, value: float = 0.1, times: int = 1) -> Self:
        """Prometheus answers, a second apart."""
        for _ in range(times):
            self.now += 1
            self.measured.append(Measured(self.now, "default", "shop-canary", value))
        return self

    # What the operator does.

    def status(self, phase: str, wanted: int = 0, decision: str = "", **fields: Any) -> Self:
        """The operator writes the status; decision: what the history gains, if anything."""
        before = self.object("canaryreleases", "shop").get("status") or {}
        history = list(before.get("history") or [])
        if decision:
            kind, _, reason = decision.partition(" ")
            entry = {"at": self.now, "decision": kind, "reason": reason or kind, "message": "why"}
            history.append(entry)
        since = datetime.fromtimestamp(self.now, UTC).isoformat()
        if before.get("phase") == phase:
            since = before["phaseSince"]
        status = {
            **{key: before[key] for key in ("stableRevision", "canaryRevision") if key in before},
            "phase": phase,
            "phaseSince": since,
            "weight": {"wanted": wanted},
            "history": history,
            **fields,
        }
        return self._status(self.leader, "canaryreleases", "shop", status, agent="linnet")

    def weight(self, weight: int, change: Any = None) -> Self:
        """The operator gives the canary so much; change: what it does to the route beside."""

        def split(route: Object) -> None:
            own = {"name": "shop", "port": 80}
            refs = [
                {**own, "weight": 100 - weight},
                {**own, "name": "shop-canary", "weight": weight},
            ]
            route["spec"]["rules"][0]["backendRefs"] = refs
            if change:
                change(route)

        return self.writes("httproutes", "shop", split)

    def restores(self) -> Self:
        """The operator takes the canary out of the route."""
        refs = [{"name": "shop", "port": 80, "weight": 1}]

        def own(route: Object) -> None:
            route["spec"]["rules"][0].update(backendRefs=refs)
            route["metadata"]["labels"] = {SPLIT: "shop"}

        self.writes("httproutes", "shop", own)
        return self.writes("httproutes", "shop", lambda route: route["metadata"].pop("labels"))

    def holds(self, paused: bool = True) -> Self:
        """The operator pauses the Deployment, or resumes it."""

        def own(deployment: Object) -> None:
            deployment["spec"]["paused"] = paused
            deployment["metadata"]["labels"] = {RELEASE: "shop"}

        return self.writes("deployments", "shop", own)

    def canary(self, version: int, replicas: int = 1) -> Self:
        """The operator has a canary, its Service first."""
        metadata = {
            "namespace": "default",
            "name": "shop-canary",
            "labels": {MANAGED_BY: MANAGER},
            "annotations": {REVISION: revision(version)},
        }
        spec = {"replicas": replicas, "template": SHOP.template(version)}
        for resource, body in (("services", {}), ("deployments", spec)):
            manifest = {"metadata": copy.deepcopy(metadata), "spec": body}
            self._put(self.leader, "linnet", "patch", resource, manifest)
        return self

    def removes(self, *resources: str) -> Self:
        """The operator deletes the canary."""
        for resource in resources or ("services", "deployments"):
            self._note(self.leader, "linnet", "delete", resource, "shop-canary", None)
            self._objects.pop((resource, "shop-canary"), None)
        return self

    def writes(self, resource: str, name: str, change: Any) -> Self:
        """The operator changes an object."""
        return self._change(self.leader, "linnet", resource, name, change)

    # Whole parts of a release.

    def starts(self, version: int = 2) -> Self:
        """A release up to its first weight."""
        self.template(version)
        self.status("Starting", decision="Started", canaryRevision=revision(version))
        self.canary(version).canary_ready().weight(0).accepted().wait(0.1)
        return self.weight(10).status("Progressing", 10, "Advanced")

    def proves(self, weight: int, passes: int = 1, seconds: float = 1.5) -> Self:
        """The present weight is accepted, and shows its evidence."""
        self.accepted().wait(seconds).measures(times=2)
        metrics = [{"name": "errorRate", "verdict": "Pass", "passes": passes}]
        return self.status("Progressing", weight, metrics=metrics)

    def climbs(self) -> Self:
        """All steps up to the last one's evidence."""
        for before, after in ((10, 50), (50, 100)):
            self.proves(before).weight(after).status("Progressing", after, "Advanced")
        return self.proves(100)

    def promotes(self, version: int = 2) -> Self:
        """The whole end of a good release."""
        self.holds(False).status("Promoting", 100, "Promoting").wait(1).rolled_out(version)
        self.weight(0).holds()
        self.status("Returning", 0, "Returned", stableRevision=revision(version))
        self.withdraws()
        return self.status("Promoted", decision="Promoted")

    def withdraws(self) -> Self:
        """The canary drains, leaves the route, and goes."""
        return self.accepted().wait(1.1).restores().accepted().removes()

    def rolls_back(self, reason: str = "CanaryFailing") -> Self:
        """The whole end of a bad release."""
        self.weight(0).status("RollingBack", 0, f"RolledBack {reason}")
        return self.withdraws().status("RolledBack", 0)

    def object(self, resource: str, name: str) -> Object:
        """An object as it stands."""
        return self._objects[resource, name]

    def _change(self, writer: str, agent: str, resource: str, name: str, change: Any) -> Self:
        manifest = copy.deepcopy(self.object(resource, name))
        before = json.dumps(manifest["spec"])
        change(manifest)
        if json.dumps(manifest["spec"]) != before:
            manifest["metadata"]["generation"] += 1
        sub = "status" if resource == "canaryreleases" and agent == "linnet" else ""
        self._put(writer, agent, "patch", resource, manifest, sub)
        return self

    def _status(
        self, writer: str, resource: str, name: str, status: Object, agent: str = ""
    ) -> Self:
        manifest = {**copy.deepcopy(self.object(resource, name)), "status": status}
        self._put(writer, agent or writer, "patch", resource, manifest, "status")
        return self

    def _put(
        self, writer: str, agent: str, verb: str, resource: str, manifest: Object, sub: str = ""
    ) -> None:
        metadata = manifest["metadata"]
        metadata.setdefault("generation", 1)
        self._version += 1
        metadata["resourceVersion"] = str(self._version)
        metadata.setdefault("uid", f"uid-{self._version}")
        self._objects[resource, metadata["name"]] = manifest
        found = copy.deepcopy(manifest)
        self._note(writer, agent, verb, resource, metadata["name"], found, sub=sub)

    def _note(
        self,
        writer: str,
        agent: str,
        verb: str,
        resource: str,
        name: str,
        response: Object | None,
        request: Any = None,
        sub: str = "",
    ) -> None:
        self.now += 0.01
        self.events.append(
            Event(
                id=str(len(self.events)),
                received=self.now,
                finished=self.now + 0.005,
                writer=writer,
                agent=agent,
                verb=verb,
                resource=resource,
                subresource=sub,
                namespace="default",
                name=name,
                request=request,
                response=response,
                version=self._version if response is not None else None,
            )
        )


def _ready(deployment: Object, ready: int) -> Object:
    counts = ("replicas", "updatedReplicas", "availableReplicas", "readyReplicas")
    generation = deployment["metadata"]["generation"]
    return {"observedGeneration": generation, **dict.fromkeys(counts, ready)}
