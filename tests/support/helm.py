"""The operator's chart, installed by helm on the API server of a test."""

import os
import subprocess
from pathlib import Path

from hack.cluster.tools import tool
from tests.support.apiserver import ApiServer

CHART = Path(__file__).resolve().parents[2] / "charts" / "linnet-operator"
ACCOUNT = "linnet-operator"
"""The service account's name where the release is called `linnet`, and the Lease's."""


def helm(server: ApiServer, namespace: str, *args: str) -> str:
    """Run helm in a namespace and return its output."""
    done = subprocess.run(
        [str(tool("helm")), f"--kubeconfig={server.kubeconfig}", "-n", namespace, *args],
        env={"HOME": str(server.folder), "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "violate" not in done.stderr  # a warning of pod security
    return done.stdout


def install(server: ApiServer, namespace: str, *sets: str) -> str:
    """Install, or upgrade, as `linnet`. The server has the definition already."""
    values = [argument for value in ("crds.install=false", *sets) for argument in ("--set", value)]
    return helm(server, namespace, "upgrade", "--install", "linnet", str(CHART), *values)
