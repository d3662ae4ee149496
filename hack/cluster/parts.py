"""What runs in the cluster beside Kubernetes: gateway, Prometheus, Alertmanager, Redis."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Mapping
from string import Template

from hack.cluster import paths, tools
from hack.cluster.cache import digest
from hack.cluster.cluster import Cluster
from hack.cluster.run import ClusterError, wait_until

WHAT = "Traefik, Prometheus, Alertmanager, Redis"
FIELD_MANAGER = "linnet-cluster"
_DEPLOYMENTS = (
    ("traefik", "traefik"),
    ("monitoring", "prometheus"),
    ("monitoring", "alertmanager"),
    ("redis", "redis"),
)


def render(images: Mapping[str, str]) -> str:
    """Put image names into the manifests and join them, in the order of their names."""
    names = {f"{part}_image": ref for part, ref in images.items()}
    return "\n---\n".join(
        # safe: Prometheus' own $1 in a relabelling stays as it is
        Template(file.read_text()).safe_substitute(names, file_digest=digest(file))
        for file in sorted(paths.MANIFESTS.glob("*.yaml"))
    )


def definitions_key() -> str:
    """Name the wanted state of the Gateway API's definitions."""
    return tools.GATEWAY_API.artifact.key


def apply_definitions(cluster: Cluster) -> Cluster:
    """Install the Gateway API's resource definitions and wait until they are served."""
    _apply(cluster, "--filename", str(tools.GATEWAY_API.ensure()))
    cluster.kubectl("wait", "--for=condition=Established", "--timeout=60s", "crd", "--all")
    return cluster.save(applied={**cluster.applied, "definitions": definitions_key()})


def manifests_key(images: Mapping[str, str]) -> str:
    """Name the wanted state of the parts."""
    return digest(render(images))


def apply(cluster: Cluster, images: Mapping[str, str]) -> Cluster:
    """Install the parts and wait until each of them is ready."""
    _apply(cluster, "--filename", "-", stdin=render(images))
    for namespace, name in _DEPLOYMENTS:
        target = ("--namespace", namespace, f"deployment/{name}")
        cluster.kubectl("rollout", "status", *target, "--timeout=180s", timeout=200)
    gateway = ("--namespace", "gateway", "gateway/public")
    cluster.kubectl("wait", "--for=condition=Programmed", *gateway, "--timeout=60s")
    return cluster.save(applied={**cluster.applied, "parts": manifests_key(images)})


def answers(cluster: Cluster) -> dict[str, bool]:
    """Ask every part that is reached from this machine, and tell which answer."""
    return {
        # any answer will do: which one depends on the routes that there are
        "gateway": status_of(cluster.gateway + "/") > 0,
        "Prometheus": status_of(cluster.prometheus + "/-/ready") == 200,
        "Alertmanager": status_of(cluster.alertmanager + "/-/ready") == 200,
    }


def verify(cluster: Cluster) -> None:
    """Wait until every part answers; ClusterError if one gives no answer within a minute."""
    wait_until("every part answers", lambda: all(answers(cluster).values()), 60)


def status_of(url: str) -> int:
    """Return the HTTP status of a GET, 0 if there was no answer within 3 s."""
    if not url.startswith("http://"):
        raise ClusterError(f"not an address of a cluster: {url}")
    try:
        with urllib.request.urlopen(url, timeout=3) as answer:  # noqa: S310
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


def _apply(cluster: Cluster, *what: str, stdin: str | None = None) -> None:
    options = ("--server-side", "--force-conflicts", "--field-manager", FIELD_MANAGER)
    cluster.kubectl("apply", *options, *what, stdin=stdin)
