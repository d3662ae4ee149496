"""Use a cluster that somebody else made, such as kind on Docker with published images."""

from __future__ import annotations

import json

from hack.cluster import kind, parts, paths, tools
from hack.cluster.cluster import Cluster, known, load
from hack.cluster.local_images import PARTS
from hack.cluster.run import ClusterError, sh
from hack.cluster.steps import Step
from hack.cluster.versions import PUBLISHED

_IMAGES = {part: PUBLISHED[part] for part in PARTS}


def steps(name: str) -> list[Step]:
    """List what it takes to install the parts into the cluster of the current context."""
    return [
        Step("kubectl", tools.KUBE.what, tools.KUBE.estimate, tools.KUBE.artifact.exists,
             tools.KUBE.ensure),
        Step("context", "Cluster of the current context", 2, lambda: False,
             lambda: describe(name)),
        Step("definitions", "Gateway API", 5, lambda: False,
             lambda: parts.apply_definitions(load(name))),
        Step("parts", parts.WHAT, 60, lambda: False,
             lambda: parts.apply(load(name), _IMAGES)),
        Step("answers", "Every part answers", 2, lambda: False,
             lambda: parts.verify(load(name))),
    ]  # fmt: skip


def describe(name: str) -> Cluster:
    """Write the description of the cluster that kubectl's current context points at."""
    before = known(name)
    if before and not before.existing:
        raise ClusterError(f"{name!r} is a cluster of our own: give the other one another --name")
    kubectl = tools.tool("kubectl")
    config = sh(kubectl, "config", "view", "--minify", "--raw", "--flatten")
    file = paths.cluster_dir(name) / "kubeconfig"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(config)
    file.chmod(0o600)
    cluster = Cluster(name, str(file), "", "", "", published=True, existing=True)
    if not cluster.answers():
        raise ClusterError("the cluster of the current context doesn't answer")
    address = _node_address(cluster)
    urls = {service: f"http://{address}:{port}" for service, port in kind.NODE_PORTS.items()}
    return cluster.save(**urls)


def _node_address(cluster: Cluster) -> str:
    nodes = json.loads(cluster.kubectl("get", "nodes", "-o", "json"))["items"]
    for address in nodes[0]["status"]["addresses"]:
        if address["type"] == "InternalIP":
            return str(address["address"])
    raise ClusterError("the first node has no InternalIP to reach its ports at")
