"""Where the cluster is named: a kubeconfig, or the pod that this runs in."""

import os
from pathlib import Path
from typing import Any

from kubernetes.aio import config
from kubernetes.aio.config import ConfigException

__all__ = ["ConfigException", "in_pod", "namespace_of"]

KUBECONFIG = "~/.kube/config"
POD_NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")


def in_pod(kubeconfig: str, context: str) -> bool:
    """Whether the cluster is the one that this runs in, as nobody has named another."""
    return not (kubeconfig or context) and "KUBERNETES_SERVICE_HOST" in os.environ


def namespace_of(kubeconfig: str = "", context: str = "") -> str:
    """The namespace that a kubeconfig's context names, or the pod's own; `default` without one.

    Raises:
        ConfigException: there is no such file, it is no kubeconfig, or has no such context.
    """
    if in_pod(kubeconfig, context):
        return POD_NAMESPACE.read_text() if POD_NAMESPACE.exists() else "default"
    files = (kubeconfig or KUBECONFIG).split(os.pathsep)
    if not any(Path(file).expanduser().exists() for file in files):
        raise ConfigException(f"there is no file {kubeconfig or KUBECONFIG}")
    contexts, current = _contexts(kubeconfig)
    if not context:
        return str(current["context"].get("namespace") or "default")
    for each in contexts:
        if each["name"] == context:
            return str(each["context"].get("namespace") or "default")
    there = ", ".join(each["name"] for each in contexts)
    raise ConfigException(f"there is no context {context}: there are {there}")


def _contexts(kubeconfig: str) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """All contexts, and the current one."""
    try:
        contexts, current = config.list_kube_config_contexts(  # type: ignore[no-untyped-call]
            kubeconfig or None
        )
    except ConfigException:
        raise
    except Exception as error:
        # The boundary of the client: what isn't YAML, or no kubeconfig, breaks it anywhere.
        raise ConfigException(f"{kubeconfig or KUBECONFIG} is no kubeconfig: {error}") from error
    return contexts, current
