"""Where files live: the repository, the cache, and what a cluster leaves behind."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).resolve().parent
REPO: Final = HERE.parents[1]
MANIFESTS: Final = HERE / "manifests"


def cache() -> Path:
    """The folder that keeps every download and build; LINNET_CACHE moves it."""
    return Path(os.environ.get("LINNET_CACHE", "~/.cache/linnet")).expanduser()


def cluster_dir(name: str) -> Path:
    """The folder with the description, kubeconfig and logs of cluster `name`."""
    return REPO / "out" / "clusters" / name


def log_dir(name: str) -> Path:
    """The folder with one log per step of the latest run for cluster `name`."""
    return cluster_dir(name) / "logs"
