"""The operator's image: nothing to run in it but the operator, and nothing to write to."""

import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from hack.cluster import engine as engines
from hack.cluster.cluster import Cluster
from hack.cluster.engine import Engine
from hack.cluster.run import CommandFailed

OTHERS_MAY_WRITE, SETS_USER_OR_GROUP, MAY_BE_RUN = 0o002, 0o6000, 0o111
ENGINES_OWN = ("dev", "etc/hostname", "etc/hosts", "etc/resolv.conf", "etc/mtab", "proc", "sys")
"""What the engine puts into every container."""


@pytest.fixture(scope="module")
def engine() -> Engine:
    return engines.find()


@pytest.fixture(scope="module")
def image(cluster: Cluster) -> str:
    return cluster.images["operator"]


@pytest.fixture(scope="module")
def files(
    engine: Engine, image: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[tarfile.TarInfo]]:
    """All that the image has, as the engine hands it out."""
    archive = tmp_path_factory.mktemp("image") / "root.tar"
    container = engine("create", image).strip()
    try:
        engine("export", "--output", archive, container)
    finally:
        engine("rm", container)
    with tarfile.open(archive) as root:
        yield [each for each in root.getmembers() if not each.name.startswith(ENGINES_OWN)]
    archive.unlink()


def test_python_is_the_only_program(files: list[tarfile.TarInfo]) -> None:
    """No shell, no package manager, nothing to fetch with: nothing else can be run at all."""
    runnable = {
        each.name
        for each in files
        if each.isreg() and each.mode & MAY_BE_RUN and not is_library(Path(each.name))
    }
    assert {Path(name).name for name in runnable} == {"python3"}
    links = {each.name: each.linkname for each in files if each.issym() or each.islnk()}
    assert not [name for name, to in links.items() if Path(to).name in ("python3", "busybox")]


def is_library(path: Path) -> bool:
    """A shared library or a module of Python, which are marked as if they could be run."""
    return ".so" in path.suffixes or path.suffix == ".py"


def test_python_brings_no_package_manager(files: list[tarfile.TarInfo]) -> None:
    folders = {part for each in files for part in Path(each.name).parts[:-1]}
    assert folders.isdisjoint({"pip", "ensurepip", "setuptools", "apt", "dpkg", "perl5"})


def test_nobody_can_gain_rights_or_write(files: list[tarfile.TarInfo]) -> None:
    assert not [each.name for each in files if each.mode & SETS_USER_OR_GROUP]
    open_to_all = [each.name for each in files if each.mode & OTHERS_MAY_WRITE and not each.issym()]
    assert open_to_all == ["tmp"]


@pytest.mark.parametrize("program", ["/bin/sh", "/bin/bash", "/usr/bin/env", "/bin/ls"])
def test_there_is_no_other_program_to_start(engine: Engine, image: str, program: str) -> None:
    with pytest.raises(CommandFailed, match="no such file"):
        engine("run", "--rm", "--network", "none", "--entrypoint", program, image)


def test_it_runs_as_nobody_without_rights_or_a_place_to_write(engine: Engine, image: str) -> None:
    assert engine("image", "inspect", "--format", "{{.Config.User}}", image).strip() == (
        "65532:65532"
    )
    locked = ("--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges")
    told = engine("run", "--rm", "--network", "none", *locked, image, "run", "--help")
    assert "--lease-name" in told
