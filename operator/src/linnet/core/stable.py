"""The user's Deployment and its ReplicaSets, read as a `StableObserved`."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from linnet.core.observed import StableObserved
from linnet.core.revision import template_revision

Object = Mapping[str, Any]

LIMITED = ("memory", "cpu")


def stable_observed(deployment: Object, replicasets: Iterable[Object]) -> StableObserved:
    """What the Deployment asks for and what it runs; foreign ReplicaSets don't count."""
    spec, status = deployment["spec"], deployment.get("status") or {}
    revision = template_revision(spec["template"])
    serving = _serving(deployment["metadata"]["uid"], replicasets)
    replicas = spec.get("replicas", 1)
    counts = ("replicas", "updatedReplicas", "availableReplicas")
    # The counts speak of this template only once the controller has seen this generation: a
    # resumed Deployment would otherwise look rolled out for a moment.
    rolled_out = (
        (status.get("observedGeneration") or 0) >= deployment["metadata"]["generation"]
        and all((status.get(count) or 0) == replicas for count in counts)
        and set(serving) == {revision}
    )
    return StableObserved(
        template_revision=revision,
        serving=serving,
        replicas=replicas,
        ready=status.get("availableReplicas") or 0,
        rolled_out=rolled_out,
        paused=bool(spec.get("paused")),
        limits=_limits(spec["template"]),
    )


def _serving(uid: str, replicasets: Iterable[Object]) -> dict[str, int]:
    """Revision -> pods, of the sets that have pods or are asked to have some."""
    serving: Counter[str] = Counter()
    for each in replicasets:
        owners = each["metadata"].get("ownerReferences") or ()
        if any(owner["uid"] == uid and owner.get("controller") for owner in owners):
            asked = each["spec"].get("replicas", 1)
            there = (each.get("status") or {}).get("replicas") or 0
            serving[template_revision(each["spec"]["template"])] += max(asked, there)
    return {revision: pods for revision, pods in serving.items() if pods}


def _limits(template: Object) -> frozenset[str]:
    return frozenset(
        resource
        for container in template["spec"]["containers"]
        for resource in LIMITED
        if resource in ((container.get("resources") or {}).get("limits") or {})
    )
