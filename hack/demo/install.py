"""Putting charts into the cluster with helm, and looking at what they made."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

import httpx

from hack.cluster import tools
from hack.cluster.cluster import Cluster
from hack.cluster.run import ClusterError, CommandFailed, sh, wait_until
from hack.demo import ROOT
from hack.demo.releases import HOST, NAME, NAMESPACE, PATH, REQUEST, image_values

OPERATOR, OPERATOR_NAMESPACE = "linnet-operator", "linnet-system"
PROMETHEUS_INSIDE = "http://prometheus.monitoring:9090"
CLEAN_UP_S = 120


def helm(
    cluster: Cluster, chart: str, namespace: str, values: Mapping[str, Any], *, wait: bool = True
) -> None:
    """Install or upgrade a chart of this repository under its own name.

    Raises:
        CommandFailed: helm refused; its last lines are in the message.
    """
    sh(
        tools.tool("helm"), "upgrade", chart, ROOT / "charts" / chart, "--install",
        "--namespace", namespace, "--create-namespace", "--reset-values", "--values", "-",
        *(("--wait", "--timeout", "180s") if wait else ()),
        env={"KUBECONFIG": cluster.kubeconfig}, stdin=json.dumps(values), timeout=240,
    )  # fmt: skip


def install_operator(
    cluster: Cluster, image: str, more: Mapping[str, Any] = MappingProxyType({})
) -> None:
    """Install or upgrade Linnet, and wait until it is ready. more: values of its chart."""
    values = {"image": image_values(image), "prometheus": {"url": PROMETHEUS_INSIDE}, **more}
    try:
        helm(cluster, OPERATOR, OPERATOR_NAMESPACE, values)
    except CommandFailed as error:
        selector = f"app.kubernetes.io/name={OPERATOR}"
        try:
            said = cluster.kubectl("logs", "-n", OPERATOR_NAMESPACE, "-l", selector, "--tail=5")
        except CommandFailed as silent:
            said = str(silent)
        raise ClusterError(f"{error}\n\nThe operator said last:\n{said}") from error


def clean(cluster: Cluster) -> None:
    """Remove what an earlier demonstration left, and wait until it is gone."""
    if not cluster.kubectl("get", "namespace", NAMESPACE, "--ignore-not-found"):
        return
    # The chart first: a namespace with pods in it takes half a minute to go.
    sh(
        tools.tool("helm"), "uninstall", NAME, "--namespace", NAMESPACE, "--ignore-not-found",
        "--wait", "--timeout", f"{CLEAN_UP_S}s",
        env={"KUBECONFIG": cluster.kubeconfig}, timeout=CLEAN_UP_S + 30,
    )  # fmt: skip
    gone = ("wait", "--for=delete", "pods", "--all", "--namespace", NAMESPACE)
    cluster.kubectl(*gone, f"--timeout={CLEAN_UP_S}s", timeout=CLEAN_UP_S + 30)
    cluster.kubectl(
        "delete", "namespace", NAMESPACE, f"--timeout={CLEAN_UP_S}s", timeout=CLEAN_UP_S + 30
    )


def pods(cluster: Cluster) -> dict[str, int]:
    """The workload's pods: uid -> number of restarts."""
    selector = f"app.kubernetes.io/instance={NAME}"
    listed = cluster.kubectl("get", "pods", "-n", NAMESPACE, "-l", selector, "-o", "json")
    return {
        pod["metadata"]["uid"]: sum(
            status["restartCount"] for status in pod["status"].get("containerStatuses") or ()
        )
        for pod in json.loads(listed)["items"]
    }


def wait_for_version(gateway: str, version: str, seconds: float = 60) -> None:
    """Wait until the gateway hands requests to a version."""

    def serves() -> bool:
        try:
            answer = httpx.post(
                gateway + PATH, json=REQUEST, headers={"Host": HOST}, timeout=2, trust_env=False
            )
        except httpx.HTTPError:
            return False
        return answer.headers.get("X-Recochat-Version") == version and answer.status_code == 200

    wait_until(f"{version} answers through the gateway", serves, seconds, every=0.2)


@contextmanager
def gateway_on_loopback(cluster: Cluster) -> Iterator[str]:
    """The gateway's address; of a cluster elsewhere it is forwarded to this machine's loopback."""
    if urlsplit(cluster.gateway).hostname in ("127.0.0.1", "localhost"):
        yield cluster.gateway
        return
    process = subprocess.Popen(
        [tools.tool("kubectl"), "port-forward", "-n", "traefik", "service/traefik", ":80"],
        env={"KUBECONFIG": cluster.kubeconfig, "PATH": "/usr/bin:/bin"},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    try:
        assert process.stdout is not None
        found = re.search(r"127\.0\.0\.1:(\d+)", process.stdout.readline())
        if found is None:
            raise ClusterError("`kubectl port-forward -n traefik service/traefik` gave no port")
        yield f"http://127.0.0.1:{found[1]}"
    finally:
        process.terminate()
        process.wait()
