"""The shipped alert rules and routing tree, as Prometheus and Alertmanager themselves see them."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from hack.cluster.tools import tool

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "charts" / "linnet-operator" / "files" / "alerts"
RULES, ROUTES = FOLDER / "rules.yaml", FOLDER / "alertmanager.yaml"
ALERTS = [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]
POD = 'namespace="shops",pod="shop-canary-5d9c7b8f6-x2x4z"'
STABLE = 'namespace="shops",pod="shop-5d9c7b8f6-x2x4z"'
STORY: dict[str, dict[str, str]] = {
    "LinnetCanaryErrors": {
        f'http_requests_total{{{POD},status="200"}}': "0+90x60",
        f'http_requests_total{{{POD},status="500"}}': "0+10x60",
    },
    "LinnetReleaseStalled": {
        'linnet_release_stalled{namespace="shops",name="shop",reason="RouteMissing"}': "1x300",
    },
    "LinnetRolledBack": {
        # The first one of its reason: nothing was counted before.
        'linnet_decisions_total{decision="RolledBack",reason="AlertFired"}': "_x3 1x300",
    },
    "LinnetNoLeader": {"linnet_leader": "0x300"},
    "LinnetLooksFail": {'linnet_reconcile_errors_total{kind="Forbidden"}': "0+3x300"},
    "LinnetAlertsUndecided": {'linnet_alerts_total{outcome="undecided"}': "0+1x300"},
    "LinnetNotificationsLost": {
        'linnet_notifications_total{receiver="chat",outcome="given_up"}': "0+1x300"
    },
    "LinnetAlertsRefused": {'linnet_alert_requests_total{code="401"}': "0+1x300"},
}
"""Series, a sample each ten seconds, that make each alert fire."""
CALM: dict[str, str] = {
    f'http_requests_total{{{POD},status="200"}}': "0+100x300",
    f'http_requests_total{{{POD},status="500"}}': "0+1x300",
    f'http_requests_total{{{STABLE},status="500"}}': "0+50x300",
    'linnet_release_stalled{namespace="shops",name="shop",reason="RolledBack"}': "1x300",
    'linnet_decisions_total{decision="Promoted",reason="Promoted"}': "0+1x300",
    "linnet_leader": "1x300",
    'linnet_reconcile_errors_total{kind="Conflict"}': "0x300",
    'linnet_alerts_total{outcome="decided"}': "0+1x300",
    'linnet_alert_requests_total{code="200"}': "0+1x300",
    'linnet_notifications_total{receiver="chat",outcome="delivered"}': "0+1x300",
}


def run(program: str, *args: str) -> str:
    done = subprocess.run(
        [str(tool(program)), *args], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def fires(alert: str, at: str, labels: dict[str, str]) -> dict[str, Any]:
    rule = next(rule for rule in ALERTS if rule["alert"] == alert)
    expected = [{"exp_labels": {**rule["labels"], **labels}}] if labels is not NOT else []
    return {"eval_time": at, "alertname": alert, "exp_alerts": expected}


NOT: dict[str, str] = {}
LABELS: dict[str, dict[str, str]] = {
    "LinnetCanaryErrors": {"namespace": "shops", "linnet_release": "shop"},
    "LinnetReleaseStalled": {"namespace": "shops", "name": "shop", "reason": "RouteMissing"},
    "LinnetRolledBack": {"reason": "AlertFired"},
    "LinnetNoLeader": {"severity": "critical"},
    "LinnetLooksFail": {"kind": "Forbidden"},
    "LinnetAlertsUndecided": {"severity": "warning"},
    "LinnetAlertsRefused": {"code": "401"},
    "LinnetNotificationsLost": {"receiver": "chat", "outcome": "given_up"},
}
WHEN = {"LinnetRolledBack": "2m", "LinnetCanaryErrors": "1m"}


def test_prometheus_takes_the_rules() -> None:
    assert "SUCCESS" in run("promtool", "check", "rules", str(RULES))


@pytest.mark.parametrize("alert", [rule["alert"] for rule in ALERTS])
def test_each_alert_fires_for_what_it_is_about_and_not_otherwise(
    alert: str, tmp_path: Path
) -> None:
    rule = next(rule for rule in ALERTS if rule["alert"] == alert)
    story = [{"series": name, "values": values} for name, values in STORY[alert].items()]
    calm = [{"series": name, "values": values} for name, values in CALM.items()]
    seen = {**fires(alert, WHEN.get(alert, "40m"), LABELS[alert])}
    seen["exp_alerts"][0]["exp_annotations"] = _annotations(rule, LABELS[alert])
    tests = {
        "rule_files": [str(RULES)],
        "evaluation_interval": "10s",
        "tests": [
            {"interval": "10s", "input_series": story, "alert_rule_test": [seen]},
            {
                "interval": "10s",
                "input_series": calm,
                "alert_rule_test": [fires(alert, at, NOT) for at in ("1m", "10m", "40m")],
            },
        ],
    }
    file = tmp_path / "tests.yaml"
    file.write_text(yaml.safe_dump(tests))
    assert "SUCCESS" in run("promtool", "test", "rules", str(file))


def _annotations(rule: dict[str, Any], labels: dict[str, str]) -> dict[str, str]:
    """An alert's annotations with its labels and, for errors, its value of 10 % put in."""
    text = re.sub(
        r"\{\{ \$labels\.(\w+) \}\}", lambda m: labels[m[1]], rule["annotations"]["summary"]
    )
    text = text.replace('{{ $value | printf "%.1f" }}', "10.0")
    return {**rule["annotations"], "summary": text}


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: rule["alert"])
def test_each_alert_leads_to_a_heading_of_the_runbook(rule: dict[str, Any]) -> None:
    page, _, anchor = rule["annotations"]["runbook_url"].partition("#")
    path = ROOT / page.partition("linnet.dev/")[2]
    headings = re.findall(r"^#+ (.+)$", path.read_text(), re.MULTILINE)
    assert anchor in {heading.lower().replace(" ", "-") for heading in headings}
    assert anchor == rule["alert"].lower()


def test_alertmanager_takes_the_routing_tree() -> None:
    assert "SUCCESS" in run("amtool", "check-config", str(ROUTES))


@pytest.mark.parametrize(
    ("labels", "receivers"),
    [
        (["namespace=shops", "linnet_release=shop", "severity=critical"], "linnet,people"),
        (["namespace=shops", "severity=critical"], "people"),
        (["linnet_release=shop"], "people"),
    ],
)
def test_what_names_a_release_goes_to_the_operator_and_on_to_people(
    labels: list[str], receivers: str
) -> None:
    args = ("config", "routes", "test", f"--config.file={ROUTES}", "--verify.receivers", receivers)
    assert receivers in run("amtool", *args, *labels)
