"""Create and delete clusters with kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml

from hack.cluster import audit, paths, tools
from hack.cluster.cluster import Cluster
from hack.cluster.engine import Engine
from hack.cluster.run import sh
from hack.ports import free_ports

NODE_PORTS: Mapping[str, int] = {"gateway": 30080, "prometheus": 30090, "alertmanager": 30093}
"""Where each service listens on the node; on the host each gets a free port."""
_KUBEADM = "kubeadm.k8s.io/v1beta3"
"""The version that kind itself writes before Kubernetes 1.36; another isn't merged."""


def create(engine: Engine, name: str, image: str, *, published: bool) -> Cluster:
    """Make a cluster of one node and wait until it is Ready (tens of seconds).

    What an interrupted run left under the same name is deleted first.
    """
    delete(engine, name)
    ports = dict(zip(NODE_PORTS, free_ports(len(NODE_PORTS)), strict=True))
    folder = paths.cluster_dir(name)
    folder.mkdir(parents=True, exist_ok=True)
    audit.prepare(name)
    kubeconfig, config = folder / "kubeconfig", folder / "kind.yaml"
    config.write_text(yaml.safe_dump(configuration(name, image, ports, published=published)))
    _kind(engine, "create", "cluster", "--config", config, "--kubeconfig", kubeconfig,
          "--wait", "180s", "--retain")  # fmt: skip
    urls = {service: f"http://127.0.0.1:{port}" for service, port in ports.items()}
    return Cluster(name, str(kubeconfig), "", "", "", published=published).save(**urls)


def delete(engine: Engine, name: str) -> None:
    """Delete a cluster; nothing happens if there is none of that name."""
    scratch = paths.cluster_dir(name) / "kubeconfig"
    scratch.parent.mkdir(parents=True, exist_ok=True)
    _kind(engine, "delete", "cluster", "--name", name, "--kubeconfig", scratch)
    scratch.unlink(missing_ok=True)


def nodes(engine: Engine, name: str) -> list[str]:
    """Return the names of a cluster's node containers, an empty list if there is none."""
    answer = _kind(engine, "get", "nodes", "--name", name)
    return answer.split()


def load_archive(engine: Engine, name: str, archive: Path) -> None:
    """Import an image archive into every node."""
    _kind(engine, "load", "image-archive", archive, "--name", name)


def load_images(engine: Engine, name: str, refs: Sequence[str]) -> None:
    """Copy images of the engine into every node of a kind cluster that we didn't make."""
    _kind(engine, "load", "docker-image", *refs, "--name", name)


def configuration(
    name: str, image: str, ports: Mapping[str, int], *, published: bool
) -> dict[str, object]:
    """Describe the cluster in kind's own format."""
    kubelet = {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "nodeStatusUpdateFrequency": "5s",
        "serializeImagePulls": False,
    }
    if not published:
        kubelet |= {"cgroupDriver": "cgroupfs", "failCgroupV1": False}
    flags = {
        "apiVersion": _KUBEADM,
        "kind": "InitConfiguration",
        "nodeRegistration": {
            # cAdvisor looks every 10 s by default: too late for a canary of a minute
            "kubeletExtraArgs": {"housekeeping-interval": "2s"}
        },
    }
    control_plane = {
        "apiVersion": _KUBEADM,
        "kind": "ClusterConfiguration",
        "apiServer": audit.api_server(),
    }
    mappings = [
        {"containerPort": NODE_PORTS[service], "hostPort": port, "listenAddress": "127.0.0.1"}
        for service, port in ports.items()
    ]
    return {
        "kind": "Cluster",
        "apiVersion": "kind.x-k8s.io/v1alpha4",
        "name": name,
        # the local node image brings its own network for one node
        "networking": {"disableDefaultCNI": not published, "apiServerAddress": "127.0.0.1"},
        "kubeadmConfigPatches": [yaml.safe_dump(each) for each in (kubelet, flags, control_plane)],
        "nodes": [
            {
                "role": "control-plane",
                "image": image,
                "extraPortMappings": mappings,
                "extraMounts": [audit.mount(name)],
            }
        ],
    }


def _kind(engine: Engine, *argv: str | Path) -> str:
    return sh(tools.tool("kind"), *argv, env=engine.env, timeout=600)
