"""The node image: Debian with systemd, containerd and Kubernetes, its images inside."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from hack.cluster import paths, tools
from hack.cluster.base import NODE_BASE
from hack.cluster.cache import digest
from hack.cluster.engine import Engine
from hack.cluster.local_images import CONTROL_PLANE, COREDNS, PARTS, PAUSE, LocalImage, link_or_copy
from hack.cluster.run import sh
from hack.cluster.versions import KUBERNETES

_SOURCES = paths.HERE / "node"
_PROGRAMS = ("kubelet", "kubeadm", "kubectl")
_INSIDE = (CONTROL_PLANE, COREDNS, PAUSE, *PARTS.values())
_START = '["/usr/local/bin/entrypoint", "/sbin/init"]'


def image() -> str:
    """Return the full name of the node image; its tag changes with its content."""
    key = digest(_SOURCES, Path(__file__), NODE_BASE.image, *(each.ref for each in _INSIDE))
    return f"localhost/linnet/node:v{KUBERNETES}-{key}"


def build(engine: Engine) -> None:
    """Build the node image, with every image that it will run already imported."""
    plain = image() + "-plain"
    with tempfile.TemporaryDirectory(dir=_scratch()) as folder:
        context = Path(folder)
        names = _component_images()
        _fill(context, names)
        arguments = {"BASE": NODE_BASE.ensure(engine)}
        engine.build(plain, context, _SOURCES / "Containerfile", arguments)
        archives = context / "images"
        archives.mkdir()
        for each in _INSIDE:
            engine.save(each.ensure(engine), archives / f"{each.part}.tar")
        (archives / "load").write_text(_load_script(names))
        _commit(engine, plain, archives)
    engine("image", "rm", plain)


def _scratch() -> Path:
    folder = paths.cache() / "tmp"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _component_images() -> list[str]:
    """Ask kubeadm which image names it will start the control plane with."""
    kubeadm = tools.tool("kubeadm")
    answer = sh(kubeadm, "config", "images", "list", "--kubernetes-version", f"v{KUBERNETES}")
    return answer.split()


def _fill(context: Path, names: list[str]) -> None:
    files, programs = context / "files", context / "programs"
    shutil.copytree(_SOURCES / "files", files)
    containerd = files / "etc/containerd/config.toml"
    (pause,) = (name for name in names if "/pause:" in name)
    containerd.write_text(containerd.read_text().replace("@PAUSE@", pause))
    (files / "kind").mkdir(exist_ok=True)
    (files / "kind/version").write_text(f"v{KUBERNETES}\n")
    programs.mkdir()
    link_or_copy(tools.KUBE.ensure() / "kube", programs / "kube")
    for program in _PROGRAMS:
        (programs / program).symlink_to("kube")


def _stands_in(name: str) -> LocalImage:
    """Choose the local image for a name that kubeadm uses."""
    special = {"coredns": COREDNS, "pause": PAUSE}
    return special.get(name.rpartition("/")[2].partition(":")[0], CONTROL_PLANE)


def _load_script(names: list[str]) -> str:
    # layers stay packed: an overlay can't be unpacked on top of the builder's own
    lines = [
        "set -o errexit",
        "containerd & daemon=$!",
        "for try in $(seq 100); do ctr version >/dev/null 2>&1 && break; sleep 0.1; done",
        "for file in /images/*.tar; do ctr -n k8s.io images import --no-unpack $file; done",
        *(f"ctr -n k8s.io images tag {_stands_in(name).ref} {name}" for name in names),
        "kill $daemon; wait $daemon || true",
    ]
    return "\n".join(lines) + "\n"


def _commit(engine: Engine, plain: str, archives: Path) -> None:
    container = f"linnet-node-build-{os.getpid()}"
    mount = f"{archives}:/images:ro"
    try:
        engine("run", "--name", container, "--privileged", "--network", "none",
               "--volume", mount, "--entrypoint", "/bin/bash", plain, "/images/load")  # fmt: skip
        engine("commit", "--change", f"ENTRYPOINT {_START}", "--change", "CMD []",
               container, image())  # fmt: skip
    finally:
        engine("rm", "--force", container)
