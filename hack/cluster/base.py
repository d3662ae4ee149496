"""The two root folders that every local image starts from."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from hack.cluster import debian
from hack.cluster.cache import Artifact, digest
from hack.cluster.engine import Engine
from hack.cluster.run import sh
from hack.cluster.versions import DEBIAN, PYTHON

_RECIPE = "2"  # raise to build anew from the same packages


@dataclass(frozen=True)
class Base:
    """A minimal Debian with packages, kept as an archive and as an image."""

    name: str
    tag: str
    packages: tuple[str, ...]
    changes: tuple[str, ...] = ()

    @property
    def artifact(self) -> Artifact:
        """The root folder's archive in the cache."""
        return Artifact(f"root-{self.name}", digest(_RECIPE, DEBIAN, *self.packages))

    @property
    def image(self) -> str:
        """The image's full name."""
        key = digest(self.artifact.key, *self.changes)
        return f"localhost/linnet/{self.name}:{self.tag}-{key}"

    def ensure(self, engine: Engine) -> str:
        """Return the image's name, made first if it isn't in the engine's storage."""
        if not engine.has(self.image):
            archive = self.artifact.ensure(self._build) / "root.tar"
            engine.import_root(self.image, archive, self.changes)
        return self.image

    def _build(self, target: Path) -> None:
        root = target / "root"
        debian.bootstrap(self.packages, root)
        # devices and kernel views come from the engine when a container starts
        skip = [f"--exclude=./{folder}/*" for folder in ("dev", "proc", "sys", "run", "tmp")]
        sh("tar", "--create", "--numeric-owner", "--file", target / "root.tar",
           "--directory", root, *skip, ".")  # fmt: skip
        shutil.rmtree(root)


PYTHON_BASE = Base(
    "python",
    PYTHON,
    ("ca-certificates", "tzdata", "media-types", "python3", "libpython3-stdlib"),
    ("ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1", 'CMD ["python3"]'),
)
NODE_BASE = Base(
    "node-base",
    DEBIAN,
    (
        "systemd",
        "systemd-sysv",
        "dbus",
        "iptables",
        "iproute2",
        "ethtool",
        "socat",
        "conntrack",
        "mount",
        "kmod",
        "procps",
        "jq",
        "ca-certificates",
        "containerd",
        "runc",
        "containernetworking-plugins",
    ),
)
