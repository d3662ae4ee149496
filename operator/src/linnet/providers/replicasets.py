"""The ReplicaSets of a Deployment, read only when they can be settled and may have changed.

They carry no label to select them by across Deployments, so watching them would mean all of a
cluster's. But whenever one has more or fewer pods its Deployment's status tells.
"""

import json
from dataclasses import dataclass
from typing import Any

from linnet.core.labels import selector_text
from linnet.core.stable import counts_say_rolled_out
from linnet.providers.kubernetes import REPLICASETS, KubernetesClient, Manifest

ROLLOUTS = "deployment.kubernetes.io/revision"
"""The annotation in which Kubernetes counts the ReplicaSets that a Deployment was rolled out to."""


@dataclass(frozen=True)
class _Read:
    """The sets with pods as they were read, as text, at a state of the Deployment."""

    state: tuple[Any, ...]
    text: str


class ReplicaSets:
    """Reads them. Remembers one small text for each Deployment."""

    def __init__(self, client: KubernetesClient) -> None:
        self._client = client
        self._read: dict[tuple[str, str], _Read] = {}

    async def of(self, deployment: Manifest, *, whole: bool = False) -> list[Manifest]:
        """The Deployment's own; those without pods may be left out unless `whole`.

        None in the middle of a rollout: what they serve then changes from moment to moment.
        """
        metadata = deployment["metadata"]
        if not deployment["spec"].get("paused") and not counts_say_rolled_out(deployment):
            return []
        place, state = (metadata["namespace"], metadata["name"]), _state(deployment)
        known = self._read.get(place)
        if known is not None and known.state == state and not whole:
            found: list[Manifest] = json.loads(known.text)
            return found
        sets = await self.read(deployment)
        busy = [each for each in sets if _pods(each)]
        self._read.pop(place, None)
        if len(busy) == 1:
            self._read[place] = _Read(state, json.dumps([_trimmed(each) for each in busy]))
        return sets

    async def read(self, deployment: Manifest) -> list[Manifest]:
        """The Deployment's own, as they are now."""
        metadata = deployment["metadata"]
        selector = selector_text(deployment["spec"]["selector"])
        # A canary behind stable's own Service has ReplicaSets that the selector matches too.
        return [
            each
            for each in await self._client.list(REPLICASETS, metadata["namespace"], selector)
            if _is_owned(each, metadata["uid"])
        ]


def _state(deployment: Manifest) -> tuple[Any, ...]:
    """What is another whenever a set has other pods. A paused Deployment makes no new set.

    It counts its rollouts: it may have been resumed and paused again while nobody looked.
    """
    metadata, spec = deployment["metadata"], deployment["spec"]
    status = deployment.get("status") or {}
    generation = None if spec.get("paused") else metadata.get("generation")
    rollouts = (metadata.get("annotations") or {}).get(ROLLOUTS)
    return metadata["uid"], generation, rollouts, status.get("replicas")


def _is_owned(found: Manifest, uid: str) -> bool:
    owners = found["metadata"].get("ownerReferences") or ()
    return any(owner["uid"] == uid and owner.get("controller") for owner in owners)


def _pods(found: Manifest) -> int:
    asked: int = found["spec"].get("replicas", 1)
    there: int = (found.get("status") or {}).get("replicas") or 0
    return max(asked, there)


def _trimmed(found: Manifest) -> Manifest:
    owners = found["metadata"].get("ownerReferences") or []
    return {
        "metadata": {"name": found["metadata"]["name"], "ownerReferences": owners},
        "spec": found["spec"],
        "status": {"replicas": (found.get("status") or {}).get("replicas") or 0},
    }
