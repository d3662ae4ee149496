"""The plugin, built, unpacked as Krew does it, and called through kubectl."""

import os
import shutil
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from hack.cluster.tools import tool
from hack.plugin import COMMAND, built, here, sha256
from hack.version import version

SYSTEM = os.pathsep.join(("/usr/local/bin", "/usr/bin", "/bin"))
PYTHON = shutil.which("python3", path=SYSTEM)

Kubectl = Callable[..., subprocess.CompletedProcess[str]]

pytestmark = pytest.mark.skipif(PYTHON is None, reason="the system has no Python of its own")


def minor() -> str:
    words = [str(PYTHON), "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The archive for this machine, with the compiled packages of one Python."""
    return built(here(), (minor(),), tmp_path_factory.mktemp("plugin") / "one.tar.gz")


@pytest.fixture(scope="module")
def kubectl(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Kubectl:
    """kubectl with the plugin where Krew puts it: unpacked in a store, a link on the PATH."""
    home = tmp_path_factory.mktemp("home")
    store, links = home / "store" / "linnet", home / "bin"
    with tarfile.open(archive) as packed:
        packed.extractall(store, filter="data")
    links.mkdir()
    (links / COMMAND).symlink_to(store / COMMAND)
    path = os.pathsep.join((str(links), str(tool("kubectl").parent), SYSTEM))

    def call(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(tool("kubectl")), *words],
            env={"PATH": path, "HOME": str(home)},
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )

    return call


def test_kubectl_finds_it_and_it_knows_its_version(kubectl: Kubectl) -> None:
    done = kubectl("linnet", "version", "--client")
    assert (done.returncode, done.stdout) == (0, f"client    {version()}\n"), done.stderr


def test_it_calls_itself_as_it_is_called(kubectl: Kubectl) -> None:
    assert "Usage: kubectl linnet" in kubectl("linnet", "--help").stdout


def test_what_is_compiled_works_without_a_cluster(kubectl: Kubectl) -> None:
    done = kubectl("linnet", "simulate", "--world", "errors-5", "--expect", "rolledBack")
    assert done.returncode == 0, done.stderr


def test_what_asks_a_cluster_is_complete_too(kubectl: Kubectl) -> None:
    done = kubectl("linnet", "get")
    assert done.returncode == 3
    assert "name a cluster by" in done.stderr


def test_it_is_built_to_the_same_bytes_again(archive: Path, tmp_path: Path) -> None:
    assert sha256(built(here(), (minor(),), tmp_path / "again.tar.gz")) == sha256(archive)
