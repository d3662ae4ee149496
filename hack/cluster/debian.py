"""Debian as a source: packages on this machine, single packages, whole root folders.

Every mirror is the one that the machine's own apt is set up with.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from hack.cluster.run import ClusterError, sh
from hack.cluster.versions import DEBIAN

_QUIET = {"DEBIAN_FRONTEND": "noninteractive"}
_NOT_IN_IMAGES = ("usr/share/doc", "usr/share/man", "usr/share/locale", "usr/share/info",
                  "var/lib/apt/lists", "var/cache/apt", "var/log")  # fmt: skip


@cache
def refresh() -> None:
    """Fetch the lists of packages, once a run: a fresh machine has none, an old one stale ones."""
    _as_root("fetch Debian's package lists")
    sh("apt-get", "update", env=_QUIET)


def install(*packages: str) -> None:
    """Install packages on this machine, without what they only recommend."""
    _as_root(f"install {' '.join(packages)}")
    refresh()
    sh("apt-get", "install", "-y", "--no-install-recommends", *packages, env=_QUIET)


def unpack(packages: Sequence[str], target: Path) -> None:
    """Download packages (`name` or `name=version*`) and unpack them, without installing."""
    refresh()
    sh("apt-get", "download", *packages, cwd=target, env=_QUIET)
    for archive in sorted(target.glob("*.deb")):
        sh("dpkg-deb", "-x", archive, target)
        archive.unlink()
    _merge_usr(target)
    prune(target)


def _merge_usr(root: Path) -> None:
    """Move /bin, /lib and the like below /usr, as an installation would do.

    Copied into an image as they are, they'd replace the links of these names.
    """
    for folder in ("bin", "sbin", "lib", "lib64"):
        if (root / folder).is_dir():
            shutil.copytree(root / folder, root / "usr" / folder, symlinks=True, dirs_exist_ok=True)
            shutil.rmtree(root / folder)


def bootstrap(packages: Sequence[str], target: Path) -> None:
    """Make a minimal Debian root folder with `packages` in it (needs root)."""
    _as_root("make a Debian root folder")
    if not shutil.which("debootstrap"):
        install("debootstrap")
    refresh()
    names = ",".join(packages)
    sh("debootstrap", "--variant=minbase", f"--include={names}", DEBIAN, target, mirror())
    prune(target)


def prune(root: Path) -> None:
    """Drop what no container reads: manuals, translations, package lists, logs."""
    for folder in _NOT_IN_IMAGES:
        shutil.rmtree(root / folder, ignore_errors=True)
        if folder.startswith("var/"):
            (root / folder).mkdir(parents=True, exist_ok=True)


def mirror() -> str:
    """Read the archive's address from the machine's apt configuration."""
    answer = sh("apt-get", "indextargets", "--format", "$(REPO_URI)",
                "Origin: Debian", "Label: Debian", f"Codename: {DEBIAN}")  # fmt: skip
    if not answer.strip():
        raise ClusterError(f"apt on this machine has no Debian {DEBIAN} archive to take from")
    return answer.split()[0]


def _as_root(purpose: str) -> None:
    if os.geteuid() != 0:
        raise ClusterError(f"root is needed to {purpose}: run again with sudo")
