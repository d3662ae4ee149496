"""One version, said in many places."""

import shutil
from pathlib import Path

import pytest

from hack.cluster.run import ClusterError
from hack.version import CHANGES, CHARTS, PROJECT, WORKLOAD, places, version

ROOT = Path(__file__).resolve().parents[3]


def copy(target: Path) -> None:
    for name in (PROJECT, WORKLOAD, CHANGES, *(f"{chart}/Chart.yaml" for chart in CHARTS)):
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, target / name)


def test_all_places_agree() -> None:
    assert set(places(ROOT).values()) == {version(ROOT)}
    assert len(places(ROOT)) == 7


def test_a_place_that_was_forgotten_is_named(tmp_path: Path) -> None:
    copy(tmp_path)
    (tmp_path / CHANGES).write_text("# Changes\n\n## 9.9.9\n")
    with pytest.raises(ClusterError, match=r"9\.9\.9 in CHANGELOG\.md"):
        version(tmp_path)


def test_a_place_without_a_version_is_named(tmp_path: Path) -> None:
    copy(tmp_path)
    (tmp_path / WORKLOAD).write_text("")
    with pytest.raises(ClusterError, match="none in workload"):
        version(tmp_path)
