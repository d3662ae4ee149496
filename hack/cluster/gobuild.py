"""Go programs, built from modules that the Go checksum database vouches for."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

from hack.cluster import paths
from hack.cluster.run import ClusterError, sh
from hack.cluster.versions import KUBERNETES

SOURCES = paths.HERE / "go"
KUBE_PROGRAMS = (
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kube-proxy",
    "kubelet",
    "kubeadm",
    "kubectl",
    "etcd",
)


def environment() -> dict[str, str]:
    """Go's settings: caches of the project, static binaries."""
    root = paths.cache() / "go"
    return {
        "GOMODCACHE": str(root / "mod"),
        "GOCACHE": str(root / "build"),
        "CGO_ENABLED": "0",
        "GOWORK": "off",
        "GOFLAGS": "-buildvcs=false",
    }


def build_kube(target: Path) -> None:
    """Build Kubernetes and etcd as one file, with a link per program beside it."""
    major, minor, _ = KUBERNETES.split(".")
    package = "k8s.io/component-base/version"
    # kubeadm refuses to work with a binary that doesn't know its own version
    stamps = {"gitVersion": f"v{KUBERNETES}", "gitMajor": major, "gitMinor": minor}
    flags = " ".join(["-s -w", *(f"-X {package}.{key}={value}" for key, value in stamps.items())])
    _go("build", "-trimpath", "-ldflags", flags, "-o", target / "kube", "./kube", cwd=SOURCES)
    for program in KUBE_PROGRAMS:
        (target / program).symlink_to("kube")


def build_pause(target: Path) -> None:
    """Build the program that keeps a pod's namespaces open."""
    flags = ("-trimpath", "-ldflags", "-s -w")
    _go("build", *flags, "-o", target / "pause", "./pause", cwd=SOURCES)


def install(package: str, version: str, target: Path) -> None:
    """Build a published command as it is, at exactly `version`, into `target`."""
    argv = ("install", "-trimpath", "-ldflags", "-s -w", f"{package}@v{version}")
    _go(*argv, cwd=target, bin_dir=target)


def build_in_module(
    module: str, version: str, packages: Sequence[str], tags: str, stamp: str, target: Path
) -> None:
    """Build commands of a module that `install` refuses because its go.mod replaces others.

    `tags` choose what is compiled in; `stamp` is a -X assignment of the version.
    """
    source = _download(module, version, target)
    flags = ("-trimpath", "-tags", tags, "-ldflags", f"-s -w -X {stamp}")
    _go("build", *flags, "-o", f"{target}/", *packages, cwd=source)


def copy_from_module(
    module: str, version: str, folder: str, target: Path, pattern: str = "*"
) -> None:
    """Copy a folder's files out of a Go module's published archive into `target`."""
    source = _download(module, version, target) / folder
    for file in sorted(source.glob(pattern)):
        # the module cache is read-only; a plain copy of the content isn't
        shutil.copyfile(file, target / file.name)


def _download(module: str, version: str, cwd: Path) -> Path:
    answer = _go("mod", "download", "-json", f"{module}@v{version}", cwd=cwd)
    return Path(json.loads(answer)["Dir"])


def _go(*argv: str | Path, cwd: Path, bin_dir: Path | None = None) -> str:
    if not shutil.which("go"):
        raise ClusterError("Go is missing: install Go 1.24 or later and put `go` on the PATH")
    env = environment() | ({"GOBIN": str(bin_dir)} if bin_dir else {})
    return sh("go", *argv, cwd=cwd, env=env, timeout=3600)
