"""Pods that the API server refuses to make: a quota, a limit range, pod security, a webhook."""

from collections.abc import Mapping
from typing import Any

from linnet.core.decision import Situation, Trouble

Object = Mapping[str, Any]

QUOTA, OTHER = "QuotaExceeded", "PodsRefused"
REASONS = frozenset({QUOTA, OTHER})


def refused(deployment: Object) -> str:
    """Why the API server refuses a Deployment's pods, in its own words; '' if it doesn't.

    It counts once the controller has seen this generation: before, it speaks of another template.
    """
    status = deployment.get("status") or {}
    if (status.get("observedGeneration") or 0) < deployment["metadata"].get("generation", 0):
        return ""
    for condition in status.get("conditions") or ():
        kind = (condition["type"], condition["status"], condition.get("reason"))
        if kind == ("ReplicaFailure", "True", "FailedCreate"):
            return str(condition.get("message") or "FailedCreate")
    return ""


def of_canary(situation: Situation) -> Trouble | None:
    """Why the canary lacks pods that it is asked to have."""
    canary = situation.observed.canary
    if canary is None or not canary.refused or canary.ready >= canary.replicas:
        return None
    have = f"{canary.ready} of {canary.replicas} canary pods are ready"
    return _trouble(have, canary.refused)


def of_stable(situation: Situation) -> Trouble | None:
    """Why stable can't have the new version's pods, while the canary serves.

    What is said of a paused Deployment is left from an earlier roll-out.
    """
    stable = situation.observed.stable
    if stable is None or stable.paused or not stable.refused:
        return None
    have = f"Stable takes over the new version, {stable.ready} of {stable.replicas} pods available"
    return _trouble(f"{have}, traffic stays on what works", stable.refused)


def _trouble(have: str, why: str) -> Trouble:
    if "exceeded quota" in why:
        return Trouble(QUOTA, f"{have}: {why}: raise the ResourceQuota, or make room in it")
    return Trouble(OTHER, f"{have}: {why}: change the template, or what refuses its pods")
