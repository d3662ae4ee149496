"""The name of a version: a short hash of a pod template."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

HASH_LABEL = "pod-template-hash"
LENGTH = 10


def template_revision(template: Mapping[str, Any]) -> str:
    """Hash a pod template, the same for a Deployment and for the ReplicaSet made from it.

    Only what Kubernetes itself adds to the ReplicaSet's copy is ignored: the label
    `pod-template-hash` and an empty `creationTimestamp`. Everything else counts, also the
    annotation of `kubectl rollout restart`: it asks for new pods, so it is a new version.
    """
    metadata = dict(template.get("metadata") or {})
    labels = {k: v for k, v in (metadata.pop("labels", None) or {}).items() if k != HASH_LABEL}
    if metadata.get("creationTimestamp", "") is None:
        del metadata["creationTimestamp"]
    if labels:
        metadata["labels"] = labels
    text = json.dumps(
        {**template, "metadata": metadata}, sort_keys=True, separators=(",", ":"), ensure_ascii=True
    )
    return hashlib.sha256(text.encode()).hexdigest()[:LENGTH]
