"""The user's Deployment and its ReplicaSets, read as a `StableObserved`."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from linnet.core.observed import StableObserved
from linnet.core.references import references
from linnet.core.refusal import refused
from linnet.core.revision import config_annotation, revision, template_revision

Object = Mapping[str, Any]

LIMITED = ("memory", "cpu")


def stable_observed(
    deployment: Object, replicasets: Iterable[Object], *, tracked: bool = False
) -> StableObserved:
    """What the Deployment asks for and what it runs; foreign ReplicaSets don't count.

    tracked: config is part of the version, so that the operator's annotation counts too.
    """
    spec, status = deployment["spec"], deployment.get("status") or {}
    template = spec["template"]
    pods = _pods(deployment["metadata"]["uid"], replicasets, tracked)
    serving = {name: count for name, count in pods.items() if count}
    version = version_of(template, tracked=tracked)
    return StableObserved(
        template_revision=template_revision(template),
        serving=serving,
        replicas=spec.get("replicas", 1),
        ready=status.get("availableReplicas") or 0,
        rolled_out=counts_say_rolled_out(deployment) and set(serving) == {version},
        paused=bool(spec.get("paused")),
        limits=_limits(template),
        config=config_annotation(template) if tracked else "",
        reads=references(template),
        versions=frozenset(pods),
        refused=refused(deployment),
    )


def counts_say_rolled_out(deployment: Object) -> bool:
    """Whether every pod is of the present template and available, by the Deployment's counts.

    They speak of this template only once the controller has seen this generation: a resumed
    Deployment would otherwise look rolled out for a moment.
    """
    status = deployment.get("status") or {}
    replicas = deployment["spec"].get("replicas", 1)
    counts = ("replicas", "updatedReplicas", "availableReplicas")
    return (status.get("observedGeneration") or 0) >= deployment["metadata"]["generation"] and all(
        (status.get(count) or 0) == replicas for count in counts
    )


def version_of(template: Object, *, tracked: bool) -> str:
    """The version that a pod template makes; `tracked` as in `stable_observed`."""
    return revision(template_revision(template), config_annotation(template) if tracked else "")


def _pods(uid: str, replicasets: Iterable[Object], tracked: bool) -> Counter[str]:
    """Revision -> pods that its sets have or are asked to have."""
    pods: Counter[str] = Counter()
    for each in replicasets:
        owners = each["metadata"].get("ownerReferences") or ()
        if any(owner["uid"] == uid and owner.get("controller") for owner in owners):
            asked = each["spec"].get("replicas", 1)
            there = (each.get("status") or {}).get("replicas") or 0
            pods[version_of(each["spec"]["template"], tracked=tracked)] += max(asked, there)
    return pods


def _limits(template: Object) -> frozenset[str]:
    return frozenset(
        resource
        for container in template["spec"]["containers"]
        for resource in LIMITED
        if resource in ((container.get("resources") or {}).get("limits") or {})
    )
