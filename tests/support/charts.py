"""Both charts as helm renders them: no cluster, only what would be sent to one."""

import os
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from hack.cluster.tools import tool

CHARTS = Path(__file__).resolve().parents[2] / "charts"
OPERATOR, WORKLOAD = "linnet-operator", "recochat"

Object = dict[str, Any]


def run_helm(*args: str) -> subprocess.CompletedProcess[str]:
    """Run helm without a kubeconfig: nothing here may depend on a cluster."""
    return subprocess.run(
        [str(tool("helm")), *args],
        env={**os.environ, "KUBECONFIG": os.devnull},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def template(chart: str, *sets: str, release: str = "linnet") -> subprocess.CompletedProcess[str]:
    """Render a chart with these values, or be refused."""
    values = [argument for value in sets for argument in ("--set", value)]
    kinds = ("ServiceMonitor", "PrometheusRule")
    known = [f"--api-versions=monitoring.coreos.com/v1/{kind}" for kind in kinds]
    where = ("--namespace", "linnet-system", "--kube-version", "1.34.0")
    return run_helm("template", release, str(CHARTS / chart), *where, *known, *values)


@cache
def rendered(chart: str, *sets: str, release: str = "linnet") -> tuple[Object, ...]:
    """The objects of a chart with these values."""
    done = template(chart, *sets, release=release)
    assert done.returncode == 0, done.stderr
    return tuple(each for each in yaml.safe_load_all(done.stdout) if each)


def of_kind(objects: tuple[Object, ...], *kinds: str) -> list[Object]:
    """Those of some kinds."""
    return [each for each in objects if each["kind"] in kinds]


def only(objects: tuple[Object, ...], kind: str) -> Object:
    """The one of a kind."""
    [found] = of_kind(objects, kind)
    return found
