"""A real cluster whose alerts reach the operator, as docs/alerts.md and the drill say."""

import json
import secrets
import urllib.parse
from pathlib import Path
from typing import Any

import yaml

from hack.cluster.cluster import Cluster
from hack.demo.install import OPERATOR_NAMESPACE, install_operator
from hack.panels.prometheus import Span, ask
from tests.support.alert_way import notified_at
from tests.support.api_proxy import read

FILES = Path("charts/linnet-operator/files/alerts")
ALERT = "LinnetCanaryErrors"
TOKEN = "linnet-alerts"
MONITORING = "monitoring"
STEP_S = 0.1
"""How exactly it is told when the rule's expression first held."""


def install(cluster: Cluster) -> None:
    """Install the operator, the shipped routing tree and the shipped rules, all as they are."""
    token = f"--from-literal=token={secrets.token_hex(16)}"
    for namespace in (OPERATOR_NAMESPACE, MONITORING):
        _put(cluster, namespace, "secret", "generic", TOKEN, token)
    values = {"alerts": {"tokenSecret": {"name": TOKEN}}}
    install_operator(cluster, cluster.images["operator"], values)
    tree, rules = FILES / "alertmanager.yaml", FILES / "rules.yaml"
    _put(cluster, MONITORING, "configmap", "alertmanager", f"--from-file=alertmanager.yml={tree}")
    _put(cluster, MONITORING, "configmap", "prometheus-rules", f"--from-file=rules.yml={rules}")
    _let_alertmanager_tell(cluster)
    for name in ("alertmanager", "prometheus"):
        target = ("-n", MONITORING, f"deployment/{name}")
        cluster.kubectl("rollout", "restart", *target)
        cluster.kubectl("rollout", "status", *target, "--timeout=180s", timeout=200)


def notified(cluster: Cluster, namespace: str, release: str) -> float:
    """When Alertmanager began to tell the operator of a release's alert, in unix seconds."""
    log = cluster.kubectl("-n", MONITORING, "logs", "deployment/alertmanager", "--since=10m")
    return notified_at(log.splitlines(), ALERT, namespace, release)


def first_bad_sample(cluster: Cluster, namespace: str, until: float) -> float:
    """When Prometheus first scraped a failure of the canary, in unix seconds."""
    selector = f'namespace="{namespace}",pod=~".+-canary-.+",status=~"5.."'
    asked = {"query": f"http_requests_total{{{selector}}}[5m]", "time": until}
    found = read(f"{cluster.prometheus}/api/v1/query?{urllib.parse.urlencode(asked)}")
    rows: list[dict[str, Any]] = found["data"]["result"]
    return min(float(at) for row in rows for at, value in row["values"] if float(value) > 0)


def held_since(cluster: Cluster, namespace: str, since: float, until: float) -> float:
    """When the alert's expression first held for a namespace; until: when it was found to."""
    for series in ask(cluster.prometheus, expression(), Span(since, until, STEP_S)):
        if series.labels.get("namespace") == namespace:
            return series.points[0][0]
    return until


def expression() -> str:
    """What the shipped rule asks."""
    groups = yaml.safe_load((FILES / "rules.yaml").read_text())["groups"]
    rules = (rule for group in groups for rule in group["rules"])
    return next(str(rule["expr"]) for rule in rules if rule["alert"] == ALERT)


def _put(cluster: Cluster, namespace: str, *what: str) -> None:
    """Make an object, or replace it."""
    dry = ("--dry-run=client", "-o", "yaml")
    manifest = cluster.kubectl("-n", namespace, "create", *what, *dry)
    cluster.kubectl("-n", namespace, "apply", "-f", "-", stdin=manifest)


def _let_alertmanager_tell(cluster: Cluster) -> None:
    """Give it the token, and let it log when it begins to notify.

    What is added has names of its own, so that the cluster's parts can be applied again.
    """
    target = ("-n", MONITORING, "deployment", "alertmanager")
    found = json.loads(cluster.kubectl("get", *target, "-o", "json"))
    (container,) = found["spec"]["template"]["spec"]["containers"]
    kept = [each for each in container["args"] if not each.startswith("--log.level")]
    mount = {"name": TOKEN, "mountPath": "/etc/alertmanager/linnet", "readOnly": True}
    changed = {
        "name": container["name"],
        "args": [*kept, "--log.level=debug"],
        "volumeMounts": [mount],
    }
    pod = {
        "containers": [changed],
        "volumes": [{"name": TOKEN, "secret": {"secretName": TOKEN}}],
    }
    patch = {"spec": {"template": {"spec": pod}}}
    cluster.kubectl("patch", *target, "--type=strategic", "-p", json.dumps(patch))
