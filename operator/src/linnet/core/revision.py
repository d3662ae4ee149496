"""The name of a version: a short hash of a pod template, and one of its tracked config if any."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from linnet.core.labels import CONFIG

HASH_LABEL = "pod-template-hash"
LENGTH = 10
SEPARATOR = "-"


def template_revision(template: Mapping[str, Any]) -> str:
    """Hash a pod template, the same for a Deployment and for the ReplicaSet made from it.

    What is not the user's is ignored: the label `pod-template-hash` and an empty
    `creationTimestamp`, which Kubernetes adds to the ReplicaSet's copy, and the operator's own
    annotation `linnet.dev/config`. Everything else counts, also the annotation of
    `kubectl rollout restart`: it asks for new pods, so it is a new version.
    """
    metadata = dict(template.get("metadata") or {})
    for part, ignored in (("labels", HASH_LABEL), ("annotations", CONFIG)):
        kept = {k: v for k, v in (metadata.pop(part, None) or {}).items() if k != ignored}
        if kept:
            metadata[part] = kept
    if metadata.get("creationTimestamp", "") is None:
        del metadata["creationTimestamp"]
    text = json.dumps(
        {**template, "metadata": metadata}, sort_keys=True, separators=(",", ":"), ensure_ascii=True
    )
    return hashlib.sha256(text.encode()).hexdigest()[:LENGTH]


def revision(template: str, config: str) -> str:
    """The name of a version: the template's hash alone, or with that of its tracked config."""
    return f"{template}{SEPARATOR}{config}" if config else template


def template_part(named: str) -> str:
    """The hash of the template in a version's name."""
    return named.partition(SEPARATOR)[0]


def config_part(named: str) -> str:
    """The hash of the tracked config in a version's name; '' where there is none."""
    return named.partition(SEPARATOR)[2]


def config_annotation(template: Mapping[str, Any]) -> str:
    """The hash of the config that a pod template was last promoted with; '' if it never was."""
    annotations = (template.get("metadata") or {}).get("annotations") or {}
    return str(annotations.get(CONFIG, ""))
