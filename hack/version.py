"""The version that a release has, and each place that says it."""

import re
import tomllib
from pathlib import Path

import yaml

from hack.cluster.run import ClusterError

PROJECT = "operator/pyproject.toml"
WORKLOAD = "workload/src/recochat/__init__.py"
CHARTS = ("charts/linnet-operator", "charts/recochat")
CHANGES = "CHANGELOG.md"


def places(root: Path = Path()) -> dict[str, str]:
    """Every place with the version that it says."""
    found = {PROJECT: tomllib.loads((root / PROJECT).read_text())["project"]["version"]}
    found[WORKLOAD] = _matched(r'^__version__ = "(.+)"', root / WORKLOAD)
    for chart in CHARTS:
        about = yaml.safe_load((root / chart / "Chart.yaml").read_text())
        found[f"{chart} version"] = about["version"]
        found[f"{chart} appVersion"] = about["appVersion"]
    found[CHANGES] = _matched(r"^## (\S+)", root / CHANGES)
    return found


def _matched(pattern: str, file: Path) -> str:
    found = re.search(pattern, file.read_text(), re.MULTILINE)
    return found[1] if found else "none"


def version(root: Path = Path()) -> str:
    """The version, if all places agree.

    Raises:
        ClusterError: they don't.
    """
    said = places(root)
    if len(set(said.values())) != 1:
        lines = (f"  {version} in {place}" for place, version in said.items())
        raise ClusterError("\n".join(["the places don't agree on the version:", *lines]))
    return said[PROJECT]
