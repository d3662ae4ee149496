"""Checks before anything is started: each failure says what to do about it."""

from __future__ import annotations

import os
import platform
import re
import shutil

from hack.cluster import engine, paths
from hack.cluster.run import ClusterError, CommandFailed, sh

BUILD_GIGABYTES = 15
RUN_GIGABYTES = 3
GO = (1, 26)


def check(*, building: bool) -> None:
    """Check this machine, for a run that has something to build or not.

    Raises one ClusterError that names every problem, each with its remedy.
    """
    found = problems(building=building)
    if found:
        raise ClusterError("this machine isn't ready:\n" + "\n".join(f"- {each}" for each in found))


def problems(*, building: bool) -> list[str]:
    """Return every problem found, each with its remedy."""
    if platform.system() != "Linux":
        return ["the cluster needs Linux: use a Linux machine or VM, or --existing"]
    checks = (_root(), _engine(), _go() if building else "", _disk(building=building))
    return [problem for problem in checks if problem]


def _root() -> str:
    if os.geteuid() == 0:
        return ""
    return "root is needed for nodes and for Debian root folders: run again with sudo"


def _engine() -> str:
    if engine.present() or shutil.which("apt-get"):
        return ""
    return "no container engine, and no apt-get to get one with: install Docker, or podman and runc"


def _go() -> str:
    wanted = ".".join(map(str, GO))
    remedy = f"install Go {wanted} or later and put `go` on the PATH"
    if not shutil.which("go"):
        return f"Go is missing: {remedy}"
    try:
        found = sh("go", "env", "GOVERSION").strip()
    except CommandFailed as error:
        return f"Go doesn't run ({error}): {remedy}"
    numbers = re.match(r"go(\d+)\.(\d+)", found)
    if numbers and (int(numbers[1]), int(numbers[2])) >= GO:
        return ""
    return f"{found} is too old: {remedy}"


def _disk(*, building: bool) -> str:
    wanted = BUILD_GIGABYTES if building else RUN_GIGABYTES
    folder = paths.cache()
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free / 1e9
    if free >= wanted:
        return ""
    return (
        f"{free:.0f} GB free at {folder}, {wanted} GB are needed: make room there, "
        "or point LINNET_CACHE elsewhere"
    )
