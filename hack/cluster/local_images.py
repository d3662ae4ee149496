"""Images of the cluster's parts, made here where no registry hands them out."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from hack.cluster import debian, tools, versions
from hack.cluster.base import PYTHON_BASE
from hack.cluster.cache import digest
from hack.cluster.engine import Engine
from hack.cluster.tools import Tool

_IPTABLES = (
    "iptables", "conntrack", "libip4tc2", "libip6tc2", "libxtables12", "libmnl0",
    "libnftnl11", "libnetfilter-conntrack3", "libnfnetlink0",
)  # fmt: skip
_IPTABLES_NAMES = [
    f"{family}{suffix}"
    for family in ("iptables", "ip6tables")
    for suffix in ("", "-save", "-restore")
]


def _unpack_iptables(target: Path) -> None:
    debian.unpack(_IPTABLES, target)
    for name in _IPTABLES_NAMES:
        # an installed package would get these from update-alternatives
        (target / "usr/sbin" / name).symlink_to("xtables-nft-multi")


IPTABLES = Tool("iptables", "iptables (Debian package)", 5, _IPTABLES, _unpack_iptables)


@dataclass(frozen=True)
class LocalImage:
    """An image put together from files of tools: where each goes, and what starts."""

    part: str
    version: str
    files: Mapping[str, tuple[Tool, str]]
    base: str = "scratch"
    lines: tuple[str, ...] = field(default=())

    @property
    def recipe(self) -> str:
        """The Containerfile."""
        return "\n".join([f"FROM {self.base}", "COPY root/ /", *self.lines, ""])

    @property
    def ref(self) -> str:
        """The full name, with a tag that changes with the content."""
        sources = [f"{tool.name}:{tool.artifact.key}:{path}:{to}"
                   for to, (tool, path) in self.files.items()]  # fmt: skip
        return f"localhost/linnet/{self.part}:{self.version}-{digest(self.recipe, *sources)}"

    def ensure(self, engine: Engine) -> str:
        """Return the full name, built first if the engine doesn't have it."""
        if not engine.has(self.ref):
            with tempfile.TemporaryDirectory() as folder:
                context = Path(folder)
                self._fill(context / "root")
                (context / "Containerfile").write_text(self.recipe)
                engine.build(self.ref, context, context / "Containerfile", {})
        return self.ref

    def _fill(self, root: Path) -> None:
        for to, (tool, path) in self.files.items():
            source = tool.artifact.ensure(tool.build) / path
            target = root / to.lstrip("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True)
            else:
                link_or_copy(source, target)


def link_or_copy(source: Path, target: Path) -> None:
    """Put a file into a build context, without a copy where the file system allows."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


CONTROL_PLANE = LocalImage(
    "kubernetes",
    versions.KUBERNETES,
    {"/usr/local/bin": (tools.KUBE, ""), "/": (IPTABLES, "")},
    base=PYTHON_BASE.image,
)
COREDNS = LocalImage(
    "coredns",
    versions.COREDNS,
    {"/coredns": (tools.COREDNS, "coredns")},
    lines=('ENTRYPOINT ["/coredns"]',),
)
PAUSE = LocalImage(
    "pause",
    versions.KUBERNETES,
    {"/pause": (tools.PAUSE, "pause")},
    lines=("USER 65535:65535", 'ENTRYPOINT ["/pause"]'),
)

PARTS: Mapping[str, LocalImage] = {
    "traefik": LocalImage(
        "traefik",
        versions.TRAEFIK,
        {"/usr/local/bin/traefik": (tools.TRAEFIK, "traefik")},
        lines=("USER 65532:65532", 'ENTRYPOINT ["/usr/local/bin/traefik"]'),
    ),
    "prometheus": LocalImage(
        "prometheus",
        versions.PROMETHEUS,
        {
            "/usr/bin/prometheus": (tools.PROMETHEUS, "prometheus"),
            "/usr/bin/promtool": (tools.PROMETHEUS, "promtool"),
        },
        base=PYTHON_BASE.image,
        lines=("USER 65534:65534", 'ENTRYPOINT ["/usr/bin/prometheus"]'),
    ),
    "alertmanager": LocalImage(
        "alertmanager",
        versions.ALERTMANAGER,
        {
            "/usr/bin/alertmanager": (tools.ALERTMANAGER, "usr/bin/prometheus-alertmanager"),
            "/usr/share/prometheus": (tools.ALERTMANAGER, "usr/share/prometheus"),
        },
        base=PYTHON_BASE.image,
        lines=("USER 65534:65534", 'ENTRYPOINT ["/usr/bin/alertmanager"]'),
    ),
    "redis": LocalImage(
        "redis",
        versions.REDIS,
        {"/usr": (tools.REDIS, "usr")},
        base=PYTHON_BASE.image,
        lines=("USER 65532:65532", 'CMD ["redis-server"]'),
    ),
}
"""What runs in the cluster beside Kubernetes itself."""

LOCAL_TOOLS = (tools.PAUSE, tools.COREDNS, tools.REDIS, IPTABLES)
"""What only images need."""
