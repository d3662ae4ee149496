"""From the decision to roll back to the last request on the canary, as a client sees it.

Beside it, in the same run, the floor: the same for a bare change of the route's weights.
"""

import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from hack.cluster.cluster import load
from hack.cluster.images import project_images
from hack.cluster.up import up
from hack.demo.install import install_operator
from hack.load import now
from hack.load_process import LoadProcess
from linnet.api.status import Phase
from tests.support.shop import NAME, Shop, decided

CLUSTER = os.environ.get("LINNET_TEST_CLUSTER", "linnet-bench")
ROLLBACKS = 20
RATE = 200.0
WEIGHT = 50
QUIET_S = 2.0
POLICY: dict[str, Any] = {
    "steps": [{"weight": WEIGHT, "hold": "60s"}, {"weight": 100, "hold": "60s"}],
    "analysis": {"interval": "1s", "window": "6s", "metrics": [{"use": "errorRate"}]},
    "canary": {"drainPeriod": "3s"},
}


def main() -> dict[str, Any]:
    """Measure; the figures are in seconds."""
    up(CLUSTER)
    project_images(load(CLUSTER))
    cluster = load(CLUSTER)
    install_operator(cluster, cluster.images["operator"])
    rollbacks, floors = _measure(Shop(cluster, "bench-rollback", cluster.images["recochat"]))
    figures: dict[str, Any] = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),  # noqa: TID251 - a report's date
        "rollback_s": _summary(rollbacks),
        "bare_patch_s": _summary(floors),
        "ratio_of_medians": round(statistics.median(rollbacks) / statistics.median(floors), 2),
        "resolution_s": round(100 / WEIGHT / RATE, 4),
    }
    for what, text in (
        ("rollback_s", "decision -> last request on the canary"),
        ("bare_patch_s", "bare patch -> last request on the canary"),
    ):
        seen = figures[what]
        sys.stdout.write(
            f"{text}: median {seen['median']:.3f} s, worst {seen['worst']:.3f} s, n={seen['n']}\n"
        )
    return figures


def _measure(shop: Shop) -> tuple[list[float], list[float]]:
    rollbacks, floors = [], []
    shop.deploy("v1", guarded=False)
    with shop.load(RATE) as client:
        shop.deploy("v1", spec=POLICY)
        shop.wait(lambda status: status.phase in (Phase.IDLE, Phase.ROLLED_BACK), 60)
        for number in range(ROLLBACKS):
            shop.deploy(f"bad-{number}", {"errorShare": 0.5}, spec=POLICY)
            shop.wait_for_weight(WEIGHT)
            status = shop.wait_for(Phase.ROLLED_BACK)
            decision = decided(status, "RolledBack").at.timestamp()
            rollbacks.append(_last_on_canary(client, decision))
            sys.stdout.write(f"  rollback {number + 1}/{ROLLBACKS}: {rollbacks[-1]:.3f} s\n")
            sys.stdout.flush()
        shop.kubectl("delete", "crel", NAME, "--timeout=60s")
        _make_twin(shop)
        floors = [_bare_patch(shop, client) for _ in range(ROLLBACKS)]
    shop.cluster.kubectl("delete", "namespace", shop.namespace, "--wait=false")
    return rollbacks, floors


def _last_on_canary(client: LoadProcess, since: float) -> float:
    """Seconds from a moment to the last request sent that the canary answered; 0 if none."""
    time.sleep(QUIET_S)
    last = client.answers.last_on("canary", since)
    return 0.0 if last is None else last.sent - since


def _summary(seconds: list[float]) -> dict[str, Any]:
    return {
        "n": len(seconds),
        "median": round(statistics.median(seconds), 4),
        "worst": round(max(seconds), 4),
        "all": [round(value, 4) for value in seconds],
    }


def _bare_patch(shop: Shop, client: LoadProcess) -> float:
    """Give the twin half of the traffic, take it away, and see how long that takes."""
    give, take = _weights(shop, 100 - WEIGHT, WEIGHT), _weights(shop, 100, 0)
    give()
    time.sleep(1)
    start = now()
    take()
    return _last_on_canary(client, start)


def _make_twin(shop: Shop) -> None:
    """A second Deployment and Service beside the first, whose pods call themselves canary."""
    labels = {"app.kubernetes.io/name": f"{NAME}-twin", "linnet.dev/track": "canary"}
    deployment, service = shop.get("deployment", NAME), shop.get("service", NAME)
    template = deployment["spec"]["template"]
    template["metadata"]["labels"] = labels
    port = {key: service["spec"]["ports"][0][key] for key in ("port", "targetPort")}
    for kind, version, spec in (
        ("Deployment", "apps/v1", {"selector": {"matchLabels": labels}, "template": template}),
        ("Service", "v1", {"selector": labels, "ports": [port]}),
    ):
        metadata = {"name": f"{NAME}-twin", "namespace": shop.namespace}
        manifest = {"apiVersion": version, "kind": kind, "metadata": metadata, "spec": spec}
        shop.cluster.kubectl("apply", "-f", "-", stdin=json.dumps(manifest))
    shop.kubectl("rollout", "status", f"deployment/{NAME}-twin", "--timeout=60s")


def _weights(shop: Shop, stable: int, twin: int) -> Callable[[], str]:
    """A call that patches the route, made ready beforehand so that only the patch is timed."""
    port = shop.get("service", NAME)["spec"]["ports"][0]["port"]
    backends = [
        {"name": NAME, "port": port, "weight": stable},
        {"name": f"{NAME}-twin", "port": port, "weight": twin},
    ]
    patch = [{"op": "replace", "path": "/spec/rules/0/backendRefs", "value": backends}]
    words = ("patch", "httproute", NAME, "--type=json", "-p", json.dumps(patch))
    return lambda: shop.kubectl(*words)
