"""The chart of recochat, installed by helm on a real API server."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml

from hack.cluster.tools import tool
from linnet.core.pinned import share, split
from linnet.core.route import Backends
from linnet.core.service import divided
from linnet.core.sticky import CookiePins, HeaderPins, Pins
from tests.support.apiserver import ApiServer

CHART = Path(__file__).resolve().parents[2] / "charts" / "recochat"
GATEWAY = "gateway.enabled=true,gateway.parentRef.name=public"
FAULTS = ("errorShare=0.05", "latencyMs=300", "leakMbPerS=1", "crashAfterS=0")

Helm = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def helm(apiserver: ApiServer, namespace: str, tmp_path: Path) -> Helm:
    """Run helm in the test's namespace. Restricted pods only, as a careful cluster has it."""
    label = "pod-security.kubernetes.io/enforce=restricted"
    apiserver.kubectl("label", "namespace", namespace, label)

    def run(*args: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(tool("helm")), f"--kubeconfig={apiserver.kubeconfig}", "-n", namespace, *args],
            env={"HOME": str(tmp_path), "PATH": os.environ["PATH"]},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


def install(helm: Helm, *sets: str) -> subprocess.CompletedProcess[str]:
    values = [argument for value in sets for argument in ("--set", value)]
    return helm("upgrade", "--install", "recochat", str(CHART), *values)


def environment(deployment: dict[str, Any]) -> dict[str, str | None]:
    [container] = deployment["spec"]["template"]["spec"]["containers"]
    return {entry["name"]: entry.get("value") for entry in container["env"]}


def test_lint_is_strict() -> None:
    lint = subprocess.run(
        [str(tool("helm")), "lint", "--strict", str(CHART)], capture_output=True, text=True
    )
    assert lint.returncode == 0, lint.stdout


def test_the_defaults_install(helm: Helm, apiserver: ApiServer, namespace: str) -> None:
    installed = install(helm)
    assert installed.returncode == 0, installed.stderr
    # A warning would be one of pod security, as the namespace enforces "restricted".
    assert "violate" not in installed.stderr

    deployment = apiserver.get("deployment/recochat", "-n", namespace)
    assert "paused" not in deployment["spec"]
    assert environment(deployment) == {"RECOCHAT_VERSION": "0.1.0", "RECOCHAT_TRACK": None}
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "pod"},
        "spec": {**deployment["spec"]["template"]["spec"], "serviceAccountName": "recochat"},
    }
    apiserver.kubectl("-n", namespace, "create", "--dry-run=server", "-f", "-", input=pod)
    smoke = helm("get", "hooks", "recochat").stdout
    assert "recochat.smoke" in smoke
    apiserver.kubectl("-n", namespace, "create", "--dry-run=server", "-f", "-", input=smoke)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_needs_the_demo(
    helm: Helm, apiserver: ApiServer, namespace: str, fault: str
) -> None:
    refused = install(helm, f"demo.faults.{fault}")
    assert refused.returncode != 0
    assert "Set demo.enabled=true" in refused.stderr

    allowed = install(helm, f"demo.faults.{fault}", "demo.enabled=true")
    assert allowed.returncode == 0, allowed.stderr
    variables = environment(apiserver.get("deployment/recochat", "-n", namespace))
    assert variables["RECOCHAT_DEMO_ENABLED"] == "true"
    [name] = [name for name in variables if name.startswith("RECOCHAT_FAULT_")]
    assert variables[name] == fault.partition("=")[2]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("gateway.enabled=true", "gateway.parentRef.name"),
        ("canaryRelease.enabled=true", "set gateway.enabled=true"),
        ("replica=3", "'replica' not allowed"),
        ("redis.url=r:1", "/redis/url"),
        ("settings.data.LOG_LEVEL=INFO", "'/settings/data': additional properties"),
        ("settings.data.RECOCHAT_FAULT_LATENCY_MS=1", "Set demo.enabled=true"),
        ("settings.data.RECOCHAT_LOG_LEVEL=INFO,settings.tracked=true", "canaryRelease.enabled"),
    ],
)
def test_wrong_values_are_refused_by_name(helm: Helm, value: str, said: str) -> None:
    refused = install(helm, value)
    assert refused.returncode != 0
    assert said in refused.stderr


@pytest.mark.usefixtures("gateway_api")
@pytest.mark.parametrize(
    "weights",
    [
        pytest.param({"recochat": 90, "recochat-canary": 10}, id="split"),
        pytest.param({"recochat": 100}, id="at-rest"),
    ],
)
def test_an_upgrade_leaves_the_rules_to_linnet(
    helm: Helm, apiserver: ApiServer, namespace: str, weights: dict[str, int]
) -> None:
    """Linnet took the rules over by server-side apply; then the chart is upgraded."""
    installed = install(helm, GATEWAY, "canaryRelease.enabled=true")
    assert installed.returncode == 0, installed.stderr
    route = apiserver.get("httproute/recochat", "-n", namespace)
    [rule] = route["spec"]["rules"]
    assert [(ref["name"], ref["weight"]) for ref in rule["backendRefs"]] == [("recochat", 100)]

    # One that came first: the chart's rule is then no longer Helm's.
    for taken in ({"recochat": 95, "recochat-canary": 5}, weights):
        refs = [{"name": name, "port": 80, "weight": weight} for name, weight in taken.items()]
        taken_over = {
            "apiVersion": route["apiVersion"],
            "kind": route["kind"],
            "metadata": {"name": "recochat", "namespace": namespace},
            "spec": {"rules": [{**rule, "backendRefs": refs}]},
        }
        apply = ("apply", "--server-side", "--force-conflicts", "--field-manager=linnet")
        apiserver.kubectl(*apply, "-f", "-", input=taken_over)

    for version in ("version=2", "version=3"):
        upgraded = install(helm, GATEWAY, "canaryRelease.enabled=true", version)
        assert upgraded.returncode == 0, upgraded.stderr
    [rule] = apiserver.get("httproute/recochat", "-n", namespace)["spec"]["rules"]
    assert {ref["name"]: ref["weight"] for ref in rule["backendRefs"]} == weights
    deployment = apiserver.get("deployment/recochat", "-n", namespace)
    assert environment(deployment)["RECOCHAT_VERSION"] == "3"


def test_settings_are_read_from_a_config_map_and_a_change_rolls_the_pods(
    helm: Helm, apiserver: ApiServer, namespace: str
) -> None:
    checksums = set()
    for level in ("INFO", "DEBUG"):
        assert install(helm, f"settings.data.RECOCHAT_LOG_LEVEL={level}").returncode == 0
        template = apiserver.get("deployment/recochat", "-n", namespace)["spec"]["template"]
        [container] = template["spec"]["containers"]
        assert container["envFrom"] == [{"configMapRef": {"name": "recochat-settings"}}]
        checksums.add(template["metadata"]["annotations"]["checksum/settings"])
        found = apiserver.get("configmap/recochat-settings", "-n", namespace)
        assert found["data"] == {"RECOCHAT_LOG_LEVEL": level}
    assert len(checksums) == 2


@pytest.mark.usefixtures("gateway_api")
def test_tracked_settings_leave_the_template_as_it_is(
    helm: Helm, apiserver: ApiServer, namespace: str
) -> None:
    templates = []
    guarded = (GATEWAY, "canaryRelease.enabled=true", "settings.tracked=true")
    for level in ("INFO", "DEBUG"):
        done = install(helm, *guarded, f"settings.data.RECOCHAT_LOG_LEVEL={level}")
        assert done.returncode == 0, done.stderr
        deployment = apiserver.get("deployment/recochat", "-n", namespace)
        templates.append(deployment["spec"]["template"])
    assert templates[0] == templates[1]
    release = apiserver.get("canaryrelease/recochat", "-n", namespace)
    [tracked] = release["spec"]["trackedConfig"]
    [container] = templates[0]["spec"]["containers"]
    assert container["envFrom"] == [{"configMapRef": {"name": tracked["mountedAs"]}}]
    source = apiserver.get(f"configmap/{tracked['name']}", "-n", namespace)
    assert source["metadata"]["labels"]["linnet.dev/tracked"] == "true"
    assert source["data"] == {"RECOCHAT_LOG_LEVEL": "DEBUG"}


@pytest.mark.usefixtures("gateway_api")
@pytest.mark.parametrize(
    "pins",
    [
        CookiePins("linnet-shop", 3600, "7e8a1b-1767225600", (5, 50, 100)),
        HeaderPins("X-User-Bucket", True, (5, 50, 100)),
    ],
    ids=["cookie", "header"],
)
def test_an_upgrade_in_mid_release_leaves_users_on_their_version(
    helm: Helm, apiserver: ApiServer, namespace: str, pins: Pins
) -> None:
    """Linnet's rules are several then, with filters and regular expressions in them."""
    sticky = "canaryRelease.enabled=true,canaryRelease.spec.traffic.sticky.header.name=X-Bucket"
    assert install(helm, GATEWAY, sticky).returncode == 0
    release = apiserver.get("canaryrelease/recochat", "-n", namespace)
    assert release["spec"]["traffic"] == {
        "provider": "GatewayAPI",
        "httpRoute": "recochat",
        "service": "recochat",
        "sticky": {"header": {"name": "X-Bucket", "type": "Exact"}},
    }
    route = apiserver.get("httproute/recochat", "-n", namespace)
    shop = Backends(namespace, "recochat", "recochat-canary")
    for weight in (5, 50):
        rules = split(route["spec"]["rules"], shop, weight, pins)
        taken_over = {
            "apiVersion": route["apiVersion"],
            "kind": route["kind"],
            "metadata": {"name": "recochat", "namespace": namespace},
            "spec": {"rules": rules},
        }
        apply = ("apply", "--server-side", "--force-conflicts", "--field-manager=linnet")
        apiserver.kubectl(*apply, "-f", "-", input=taken_over)
        upgraded = install(helm, GATEWAY, sticky, f"version={weight}")
        assert upgraded.returncode == 0, upgraded.stderr
        found = apiserver.get("httproute/recochat", "-n", namespace)["spec"]["rules"]
        assert found == rules
        assert share(found, shop, pins) == weight


def test_without_a_gateway_an_upgrade_in_mid_release_leaves_the_selector_alone(
    helm: Helm, apiserver: ApiServer, namespace: str
) -> None:
    by_pods = ("canaryRelease.enabled=true", "canaryRelease.spec.traffic.provider=Replicas")
    assert install(helm, *by_pods).returncode == 0
    release = apiserver.get("canaryrelease/recochat", "-n", namespace)
    assert release["spec"]["traffic"] == {"provider": "Replicas", "service": "recochat"}
    before = apiserver.get("service/recochat", "-n", namespace)
    for weight in (0, 100):
        split_off = {
            "apiVersion": "v1",
            "kind": "Service",
            **divided(before, "recochat", weight, "5d9c"),
        }
        split_off["metadata"] |= {"name": "recochat", "namespace": namespace}
        apply = ("apply", "--server-side", "--force-conflicts", "--field-manager=linnet-traffic")
        apiserver.kubectl(*apply, "-f", "-", input=split_off)
        upgraded = install(helm, *by_pods, f"version={weight}")
        assert upgraded.returncode == 0, upgraded.stderr
        found = apiserver.get("service/recochat", "-n", namespace)
        assert found["spec"]["selector"] == split_off["spec"]["selector"]


@pytest.mark.usefixtures("gateway_api")
def test_with_a_route_beside_it_the_weights_are_still_pods(
    helm: Helm, apiserver: ApiServer, namespace: str
) -> None:
    by_pods = ("canaryRelease.enabled=true", "canaryRelease.spec.traffic.provider=Replicas")
    assert install(helm, GATEWAY, *by_pods).returncode == 0
    release = apiserver.get("canaryrelease/recochat", "-n", namespace)
    assert release["spec"]["traffic"] == {"provider": "Replicas", "service": "recochat"}


@pytest.mark.usefixtures("gateway_api")
def test_another_port_reaches_a_route_that_is_not_split(
    helm: Helm, apiserver: ApiServer, namespace: str
) -> None:
    for port in (80, 8000):
        installed = install(helm, GATEWAY, f"service.port={port}")
        assert installed.returncode == 0, installed.stderr
    [rule] = apiserver.get("httproute/recochat", "-n", namespace)["spec"]["rules"]
    assert [ref["port"] for ref in rule["backendRefs"]] == [8000]


@pytest.mark.usefixtures("gateway_api")
def test_everything_optional_is_accepted_at_once(
    helm: Helm, apiserver: ApiServer, namespace: str
) -> None:
    installed = install(
        helm,
        GATEWAY,
        "gateway.parentRef.namespace=infra",
        "gateway.hostnames={shop.example}",
        "canaryRelease.enabled=true",
        "podDisruptionBudget.enabled=true",
        "topologySpread.enabled=true",
        "redis.existingSecret.name=redis",
        "extraEnv[0].name=RECOCHAT_LOG_LEVEL",
        "extraEnv[0].value=DEBUG",
    )
    assert installed.returncode == 0, installed.stderr
    release = apiserver.get("canaryrelease/recochat", "-n", namespace)
    assert release["spec"]["targetRef"]["name"] == "recochat"
    assert release["spec"]["traffic"]["httpRoute"] == "recochat"
    assert [step["weight"] for step in release["spec"]["steps"]] == [5, 10, 50, 100]
    apiserver.get("poddisruptionbudget/recochat", "-n", namespace)


def test_an_autoscaler_may_own_the_replicas(
    helm: Helm, apiserver: ApiServer, namespace: str
) -> None:
    assert install(helm, "replicas=null").returncode == 0
    rendered = helm("get", "manifest", "recochat").stdout
    assert "replicas:" not in rendered


def test_the_autoscaler_of_the_chart_owns_the_replicas(
    helm: Helm, apiserver: ApiServer, namespace: str
) -> None:
    assert install(helm, "autoscaling.enabled=true,autoscaling.maxReplicas=7").returncode == 0
    scaler = apiserver.get("horizontalpodautoscaler/recochat", "-n", namespace)
    assert scaler["spec"]["scaleTargetRef"]["name"] == "recochat"
    assert scaler["spec"]["maxReplicas"] == 7
    documents = list(yaml.safe_load_all(helm("get", "manifest", "recochat").stdout))
    [deployment] = [each for each in documents if each["kind"] == "Deployment"]
    assert "replicas" not in deployment["spec"]


def test_a_redis_of_its_own_is_restricted_and_used(
    helm: Helm, apiserver: ApiServer, namespace: str
) -> None:
    installed = install(helm, "redis.enabled=true", "redis.volumeSize=1Gi")
    assert installed.returncode == 0, installed.stderr
    assert "violate" not in installed.stderr
    deployment = apiserver.get("deployment/recochat", "-n", namespace)
    assert environment(deployment)["RECOCHAT_REDIS_URL"] == "redis://recochat-redis:6379/0"
    redis = apiserver.get("statefulset/recochat-redis", "-n", namespace)
    service = apiserver.get("service/recochat-redis", "-n", namespace)
    labels = redis["spec"]["template"]["metadata"]["labels"]
    assert service["spec"]["selector"].items() <= labels.items()
    # The Service of recochat must not send requests to it.
    selector = apiserver.get("service/recochat", "-n", namespace)["spec"]["selector"]
    assert not selector.items() <= labels.items()

    refused = install(helm, "redis.enabled=true", "redis.url=redis://other")
    assert "remove redis.url" in refused.stderr


def test_the_daily_load_test_has_the_script(
    helm: Helm, apiserver: ApiServer, namespace: str
) -> None:
    installed = install(helm, "loadTest.enabled=true", "loadTest.rate=50")
    assert installed.returncode == 0, installed.stderr
    assert "violate" not in installed.stderr
    script = apiserver.get("configmap/recochat-load", "-n", namespace)["data"]["recochat.js"]
    assert script.strip() == (CHART / "files/load/recochat.js").read_text().strip()
    job = apiserver.get("cronjob/recochat-load", "-n", namespace)["spec"]["jobTemplate"]["spec"]
    [k6] = job["template"]["spec"]["containers"]
    assert {"name": "RATE", "value": "50"} in k6["env"]
    assert {"name": "BASE_URL", "value": "http://recochat:80"} in k6["env"]


def test_a_network_policy_covers_both_tracks(
    helm: Helm, apiserver: ApiServer, namespace: str
) -> None:
    closed = "networkPolicy.enabled=true,networkPolicy.ingressFrom[0].podSelector.matchLabels.a=b"
    installed = install(helm, closed)
    assert installed.returncode == 0, installed.stderr
    policy = apiserver.get("networkpolicy/recochat", "-n", namespace)["spec"]
    values = [each["values"] for each in policy["podSelector"]["matchExpressions"]]
    assert values == [["recochat", "recochat-canary"]] * 2
    assert policy["policyTypes"] == ["Ingress"]
    assert len(policy["ingress"][0]["from"]) == 2


def test_monitoring_is_left_out_where_nobody_understands_it(helm: Helm) -> None:
    asked = "monitoring.podMonitor.enabled=true,monitoring.prometheusRule.enabled=true"
    template = ("template", "recochat", str(CHART), "--set", asked)
    without = helm(*template)
    assert without.returncode == 0, without.stderr
    assert "monitoring.coreos.com" not in without.stdout
    documents = yaml.safe_load_all(
        helm(*template, "--api-versions", "monitoring.coreos.com/v1").stdout
    )
    found = {each["kind"]: each.get("spec", {}) for each in documents if each}
    assert found["PodMonitor"]["podMetricsEndpoints"] == [{"port": "http", "path": "/metrics"}]
    rules = [rule for group in found["PrometheusRule"]["groups"] for rule in group["rules"]]
    assert len(rules) == 3
    for rule in rules:
        promql_parser.parse(rule["expr"])
