"""The canary's Deployment and Service, made from stable's as they are at that moment."""

from collections.abc import Iterator
from typing import Any

from linnet.core.labels import (
    CANARY,
    MANAGED_BY,
    MANAGER,
    RELEASE,
    REVISION,
    TRACK,
    Labels,
    Object,
    canary_name,
    label_value,
    labels_of,
    matches,
    selects,
)

Manifest = dict[str, Any]

PROGRESS_DEADLINE_SECONDS = 600
PORT_FIELDS = ("name", "port", "targetPort", "protocol", "appProtocol")


def problem(
    deployment: Object, service: Object, *, one_service: bool = False
) -> tuple[str, str] | None:
    """Why no canary can be made, as (reason, message with the field and the remedy).

    one_service: the canary's pods are to stand behind the same Service.
    """
    name, spec = service["metadata"]["name"], service["spec"]
    target, template = deployment["metadata"]["name"], deployment["spec"]["template"]
    if spec.get("type") == "ExternalName" or spec.get("clusterIP") == "None":
        return (
            "ServiceNotSplittable",
            f"Service {name} is headless or of type ExternalName and has no address that a route "
            "can split: set spec.traffic.service to a Service with a cluster IP",
        )
    if not spec.get("selector"):
        return (
            "ServiceWithoutSelector",
            f"Service {name} has no spec.selector, so its canary would have no pods: set "
            "spec.selector to the labels of the Deployment's pods",
        )
    if not matches(spec["selector"], labels_of(template)):
        return (
            "ServiceSelectsOthers",
            f"Service {name} does not select the pods of Deployment {target}: make its "
            "spec.selector match spec.template.metadata.labels, or set spec.traffic.service to "
            "the Service that does",
        )
    if one_service:
        return None
    canary = {**labels_of(template), **_changed(deployment, service), TRACK: CANARY}
    if selects(deployment["spec"]["selector"], canary) or matches(spec["selector"], canary):
        return (
            "SelectorTooWide",
            f"the selector of Deployment {target} or Service {name} would match the canary's pods "
            f"as well: select by matchLabels, and by other labels than {TRACK}",
        )
    return None


def canary_manifests(
    deployment: Object,
    service: Object,
    release: str,
    revision: str,
    replicas: int,
    *,
    one_service: bool = False,
) -> list[Manifest]:
    """The canary's [Deployment, Service], for server-side apply; with one Service no other.

    Its pods carry stable's labels, but those that the Deployment or the Service selects by have
    another value: the user's Deployment, Service, HPA and PDB never take them for their own.
    With one Service its pods keep the values that this selects by. The user's ReplicaSets leave
    them alone even so: each selects by a hash of its own.

    There are no ownerReferences on purpose: with the CanaryRelease deleted, garbage collection
    would take the canary's pods away while the route still points at them. The operator removes
    them once traffic is back on stable.

    Expects that `problem` found nothing.
    """
    changed = _changed(deployment, service)
    if one_service:
        changed |= {key: str(value) for key, value in service["spec"]["selector"].items()}
    selector = {**changed, TRACK: CANARY}
    ours = {RELEASE: label_value(release), TRACK: CANARY}

    def manifest(api_version: str, kind: str, name: str, spec: Manifest) -> Manifest:
        # None of the user's own labels: a tool that tracks objects by label would prune these.
        metadata = {
            "name": canary_name(name),
            "namespace": deployment["metadata"]["namespace"],
            "labels": {MANAGED_BY: MANAGER, **ours},
            "annotations": {REVISION: revision},
        }
        return {"apiVersion": api_version, "kind": kind, "metadata": metadata, "spec": spec}

    pods: Manifest = {
        "replicas": replicas,
        "progressDeadlineSeconds": PROGRESS_DEADLINE_SECONDS,
        "revisionHistoryLimit": 1,
        "selector": {"matchLabels": selector},
        "template": _template(deployment["spec"]["template"], changed, ours),
    }
    if wait := deployment["spec"].get("minReadySeconds"):
        pods["minReadySeconds"] = wait
    stable = manifest("apps/v1", "Deployment", deployment["metadata"]["name"], pods)
    if one_service:
        return [stable]
    ports = [
        {field: port[field] for field in PORT_FIELDS if field in port}
        for port in service["spec"]["ports"]
    ]
    access = {"type": "ClusterIP", "selector": selector, "ports": ports}
    return [stable, manifest("v1", "Service", service["metadata"]["name"], access)]


def _changed(deployment: Object, service: Object) -> dict[str, str]:
    """Another value for each of the template's labels that stable is selected by."""
    labels = labels_of(deployment["spec"]["template"])
    keys = {*_keys(deployment["spec"]["selector"]), *(service["spec"].get("selector") or {})}
    return {
        key: canary_name(labels[key]) if labels[key] else CANARY
        for key in sorted(keys)
        if key in labels
    }


def _keys(selector: Object) -> Iterator[str]:
    yield from selector.get("matchLabels") or {}
    yield from (term["key"] for term in selector.get("matchExpressions") or ())


def _template(template: Object, changed: Labels, ours: Labels) -> Manifest:
    old = labels_of(template)
    metadata = {k: v for k, v in (template.get("metadata") or {}).items() if v is not None}
    metadata["labels"] = {**old, **changed, **ours}
    spec = dict(template["spec"])
    if constraints := spec.get("topologySpreadConstraints"):
        # The canary spreads among its own pods. Affinities stay: they may well mean stable.
        spec["topologySpreadConstraints"] = [_spread(each, old, changed) for each in constraints]
    return {"metadata": metadata, "spec": spec}


def _spread(constraint: Object, old: Labels, changed: Labels) -> Manifest:
    selector = constraint.get("labelSelector")
    if not selector:
        return dict(constraint)

    def renamed(key: str, value: str) -> str:
        return changed[key] if key in changed and value == old[key] else value

    result = dict(selector)
    if labels := selector.get("matchLabels"):
        result["matchLabels"] = {key: renamed(key, value) for key, value in labels.items()}
    if terms := selector.get("matchExpressions"):
        result["matchExpressions"] = [
            {**term, "values": [renamed(term["key"], value) for value in term["values"]]}
            if term.get("values")
            else dict(term)
            for term in terms
        ]
    return {**constraint, "labelSelector": result}
