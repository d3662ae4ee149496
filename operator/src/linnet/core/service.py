"""A Service as data: its selector narrowed to the pods of one track, open to both, and put back.

The user's selector picks the pods of both tracks. One label more narrows it: `pod-template-hash`
has another value in each of stable's ReplicaSets, and only the canary's pods carry
`linnet.dev/track`. Without these labels it is the user's own again, so nothing has to be
remembered elsewhere, and what the user changes of the rest stays changed.

The EndpointSlices of a Service carry a copy of its labels, made by the controller that fills them.
So a label that changes with the selector tells which selector the endpoints are made from.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from linnet.core import shares
from linnet.core.labels import (
    BOTH,
    CANARY,
    SPLIT,
    STABLE,
    TRACK,
    TRACKS,
    WEIGHT,
    label_value,
    labels_of,
    matches,
)
from linnet.core.observed import RouteObserved
from linnet.core.revision import HASH_LABEL, template_revision
from linnet.core.route import WHOLE

Object = Mapping[str, Any]

NARROWING = (HASH_LABEL, TRACK)
"""The labels that the operator adds to a selector."""


@dataclass(frozen=True)
class Endpoints:
    """What stands behind a Service.

    canary, stable: numbers of ready pods. current: they are made from the present selector.
    """

    canary: int
    stable: int
    current: bool


def own_selector(service: Object) -> dict[str, str]:
    """The selector as the user wrote it."""
    selector = service["spec"].get("selector") or {}
    return {key: value for key, value in selector.items() if key not in NARROWING}


def as_written(service: Object) -> dict[str, Any]:
    """The Service with the user's selector."""
    return {**service, "spec": {**service["spec"], "selector": own_selector(service)}}


def split_by(service: Object) -> str:
    """The release that splits the Service, as a label value; '' if none does."""
    return labels_of(service).get(SPLIT, "")


def divided(service: Object, release: str, weight: int, stable_hash: str) -> dict[str, Any]:
    """What is to be applied to a Service for a weight: labels, annotations, selector.

    stable_hash: `pod-template-hash` of the pods that serve as stable, '' for all pods of the
    user's selector, where nothing else can be told of them.
    """
    selector = own_selector(service)
    tracks = BOTH
    if weight == WHOLE:
        selector[TRACK], tracks = CANARY, CANARY
    elif weight == 0 and stable_hash:
        selector[HASH_LABEL], tracks = stable_hash, STABLE
    return {
        "metadata": {
            "labels": {SPLIT: label_value(release), TRACKS: tracks},
            "annotations": {WEIGHT: str(weight)},
        },
        "spec": {"selector": selector},
    }


def is_like(service: Object, asked: Object) -> bool:
    """Whether a Service has what `divided` asks for already."""
    annotations = service["metadata"].get("annotations") or {}
    return (
        matches(asked["metadata"]["labels"], labels_of(service))
        and matches(asked["metadata"]["annotations"], annotations)
        and service["spec"].get("selector") == asked["spec"]["selector"]
    )


def asked_weight(service: Object) -> int | None:
    """The weight that the Service was last given; None where that can't be read."""
    text = (service["metadata"].get("annotations") or {}).get(WEIGHT, "")
    return int(text) if text.isdecimal() and int(text) <= WHOLE else None


def serving_hash(replicasets: Iterable[Object], revision: str) -> str:
    """`pod-template-hash` of the ReplicaSet that serves as stable, '' if there is none.

    That of the revision if it has ready pods; or else one that has, because traffic goes to what
    works. replicasets: those of the user's Deployment.
    """

    def rank(found: Object) -> tuple[bool, bool, bool, int]:
        ready = (found.get("status") or {}).get("readyReplicas") or 0
        asked = found["spec"].get("replicas", 1)
        same = template_revision(found["spec"]["template"]) == revision
        return ready > 0, asked > 0, same, ready

    best = max(replicasets, key=rank, default=None)
    return "" if best is None else labels_of(best["spec"]["template"]).get(HASH_LABEL, "")


def endpoints(slices: Iterable[Object], canary: Collection[str], tracks: str) -> Endpoints:
    """Count what is ready behind a Service; a pod with two addresses counts once.

    canary: names of the canary's pods. tracks: the Service's label of that name.
    """
    slices = list(slices)
    ready = {
        (each.get("targetRef") or {}).get("name", "")
        for found in slices
        for each in found.get("endpoints") or ()
        # Kubernetes says that an unknown state is to be taken as ready.
        if (each.get("conditions") or {}).get("ready") is not False
    }
    ours = sum(1 for name in ready if name in canary)
    told = bool(slices) and all(labels_of(found).get(TRACKS) == tracks for found in slices)
    return Endpoints(ours, len(ready) - ours, told)


def observed(weight: int | None, replicas: int, behind: Endpoints, pods: int) -> RouteObserved:
    """A Service that is split, as a decision looks at it.

    weight: what was asked for, None if the Service isn't set like that. replicas: pods that stable
    is to have. pods: pods of the canary that are there and aren't ending.
    """
    ready = behind.canary + behind.stable
    accepted = _fits(weight, replicas, behind)
    missing = f"{behind.canary} of {ready} ready pods are the canary's"
    if not behind.current:
        missing = "the Service's endpoints don't follow its selector yet"
    return RouteObserved(
        weight=weight,
        canary_listed=True,
        accepted=accepted,
        message="" if accepted else missing,
        share=shares.share(behind.canary, behind.stable) if ready and behind.current else None,
        near=_fits(weight, replicas, behind, shares.KEPT),
        pods=pods,
    )


def _fits(weight: int | None, replicas: int, behind: Endpoints, percent: int = WHOLE) -> bool:
    """Whether the endpoints are as the weight asks, or give that part of its share."""
    if weight is None or not behind.current:
        return False
    if weight == 0:
        return behind.canary == 0
    if weight == WHOLE:
        return behind.stable == 0 and behind.canary > 0
    return shares.reached(weight, replicas, behind.canary, behind.stable, percent)


def lasts(pod: Object) -> bool:
    """Whether a pod may serve: it has not ended and isn't about to."""
    phase = (pod.get("status") or {}).get("phase")
    return not pod["metadata"].get("deletionTimestamp") and phase not in ("Succeeded", "Failed")


def problem(
    service: Object, target: str, replicasets: Iterable[Object], pods: Iterable[Object]
) -> tuple[str, str] | None:
    """Why a Service that nobody splits can't be, as (reason, message with field and remedy).

    target: the Deployment's name. replicasets: its own. pods: those that the selector picks.
    """
    name = service["metadata"]["name"]
    narrowed = [key for key in NARROWING if key in (service["spec"].get("selector") or {})]
    if narrowed:
        return (
            "ServiceNarrowed",
            f"Service {name} selects by {narrowed[0]}, which is how traffic is moved: remove it "
            "from spec.selector",
        )
    if service["spec"].get("publishNotReadyAddresses"):
        return (
            "ServicePublishesUnready",
            f"Service {name} sends traffic to pods that aren't ready, so a canary would get some "
            "at its start: set spec.publishNotReadyAddresses to false",
        )
    replicasets = list(replicasets)
    own = own_selector(service)
    templates = [labels_of(found["spec"]["template"]) for found in replicasets]
    if templates and not any(matches(own, labels) for labels in templates):
        return (
            "NoStableBackend",
            f"Service {name} does not select the pods of Deployment {target}: make spec.selector "
            "match them, or set spec.traffic.service to the Service that does",
        )
    sets = {found["metadata"]["name"] for found in replicasets}
    for pod in pods:
        owners = pod["metadata"].get("ownerReferences") or ()
        if lasts(pod) and not any(owner["name"] in sets for owner in owners):
            return (
                "ServiceSelectsOthers",
                f"Service {name} also selects pod {pod['metadata']['name']}, which isn't of "
                f"Deployment {target} and would lose its traffic: make spec.selector match the "
                "pods of that Deployment alone",
            )
    return None
