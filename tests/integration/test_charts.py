"""Both charts as helm renders them: no cluster, only what would be sent to one."""

import json
from collections.abc import Iterator

import pytest
import yaml

from linnet.api.notifications import Receiver
from tests.support.charts import (
    CHARTS,
    OPERATOR,
    WORKLOAD,
    Object,
    of_kind,
    only,
    rendered,
    run_helm,
    template,
)

ALL_ON = (
    "image.digest=sha256:" + "0" * 64,
    "global.imageRegistry=localhost:5000/mirror",
    "imagePullSecrets[0].name=pull",
    "prometheus.tokenSecret.name=token",
    "prometheus.caSecret.name=ca",
    "priorityClassName=system-cluster-critical",
    "nodeSelector.pool=system",
    "tolerations[0].operator=Exists",
    "extraEnv[0].name=HTTPS_PROXY",
    "extraEnv[0].value=http://proxy:3128",
    "serviceAccount.annotations.team=platform",
    "serviceMonitor.enabled=true",
    "serviceMonitor.interval=15s",
    "serviceMonitor.labels.release=prometheus",
    "networkPolicy.enabled=true",
    "networkPolicy.ingressFrom[0].namespaceSelector.matchLabels.team=monitoring",
    "networkPolicy.egress.enabled=true",
    "dashboard.enabled=true",
)
ONE_NAMESPACE = ("scope.namespace=shop",)
GATEWAY = ("gateway.enabled=true", "gateway.parentRef.name=public", "canaryRelease.enabled=true")

CASES = [
    pytest.param(OPERATOR, (), id="operator"),
    pytest.param(OPERATOR, ALL_ON, id="operator-all-on"),
    pytest.param(OPERATOR, ONE_NAMESPACE, id="operator-one-namespace"),
    pytest.param(OPERATOR, ("replicas=1", "crds.install=false"), id="operator-small"),
    pytest.param(WORKLOAD, (), id="workload"),
    pytest.param(WORKLOAD, GATEWAY, id="workload-guarded"),
    pytest.param(WORKLOAD, ("monitoring.dashboard.enabled=true",), id="workload-dashboard"),
]


def pods(objects: tuple[Object, ...]) -> Iterator[tuple[str, Object]]:
    """Name and pod spec of all that runs."""
    for each in objects:
        spec = each.get("spec", {})
        name = f"{each['kind']}/{each['metadata']['name']}"
        if each["kind"] == "Pod":
            yield name, spec
        elif "template" in spec:
            yield name, spec["template"]["spec"]
        elif "jobTemplate" in spec:
            yield name, spec["jobTemplate"]["spec"]["template"]["spec"]


def not_restricted(pod: Object) -> list[str]:
    """What Pod Security "restricted" has against a pod, and what we ask beyond it."""
    context = pod.get("securityContext", {})
    allowed = {"configMap", "csi", "downwardAPI", "emptyDir", "projected", "secret"}
    found = [key for key in ("hostNetwork", "hostPID", "hostIPC") if pod.get(key)]
    for volume in pod.get("volumes", []):
        found += [f"volume {kind}" for kind in volume.keys() - {"name"} - allowed]
    for container in [*pod.get("initContainers", []), *pod["containers"]]:
        own = container.get("securityContext", {})
        both = {**context, **own}
        refused = {
            "may run as root": both.get("runAsNonRoot") is not True or both.get("runAsUser") == 0,
            "no seccomp profile": both.get("seccompProfile", {}).get("type") != "RuntimeDefault",
            "may gain privileges": own.get("allowPrivilegeEscalation") is not False,
            "is privileged": own.get("privileged", False),
            "keeps capabilities": own.get("capabilities") != {"drop": ["ALL"]},
            "may write its image": own.get("readOnlyRootFilesystem") is not True,
            "has no limits": not {"cpu", "memory"} <= container["resources"]["limits"].keys(),
        }
        found += [f"{container['name']} {text}" for text, wrong in refused.items() if wrong]
    return found


@pytest.mark.parametrize("chart", [OPERATOR, WORKLOAD])
def test_lint_has_no_complaint(chart: str) -> None:
    done = run_helm("lint", "--strict", str(CHARTS / chart))
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(("chart", "sets"), CASES)
def test_every_object_is_named_and_labelled(chart: str, sets: tuple[str, ...]) -> None:
    objects = rendered(chart, *sets)
    keys = [(o["kind"], o["metadata"].get("namespace"), o["metadata"]["name"]) for o in objects]
    assert len(set(keys)) == len(keys)
    for each in objects:
        labels = each["metadata"]["labels"]
        wanted = ("name", "instance", "managed-by")
        assert all(labels[f"app.kubernetes.io/{key}"] for key in wanted), each["metadata"]["name"]


@pytest.mark.parametrize(("chart", "sets"), CASES)
def test_every_pod_is_restricted(chart: str, sets: tuple[str, ...]) -> None:
    found = {name: not_restricted(spec) for name, spec in pods(rendered(chart, *sets))}
    assert len(found) >= 2  # the program and its helm test
    assert {name: wrong for name, wrong in found.items() if wrong} == {}


def test_an_unrestricted_pod_is_found() -> None:
    """The check itself: it has to see what it is for."""
    pod = {"hostNetwork": True, "containers": [{"name": "app", "resources": {"limits": {}}}]}
    assert {"hostNetwork", "app may run as root", "app keeps capabilities"} <= {
        *not_restricted(pod)
    }


@pytest.mark.parametrize(("chart", "sets"), CASES)
def test_services_and_budgets_select_the_program_but_not_its_test(
    chart: str, sets: tuple[str, ...]
) -> None:
    objects = rendered(chart, *sets)
    program = only(objects, "Deployment")["spec"]
    test = only(objects, "Pod")["metadata"]["labels"]
    selectors = [program["selector"]["matchLabels"], only(objects, "Service")["spec"]["selector"]]
    others = of_kind(objects, "PodDisruptionBudget")
    selectors += [each["spec"]["selector"]["matchLabels"] for each in others]
    for selector in selectors:
        assert selector.items() <= program["template"]["metadata"]["labels"].items()
        assert not selector.items() <= test.items()


def test_the_definition_is_kept_and_otherwise_as_generated() -> None:
    definition = only(rendered(OPERATOR), "CustomResourceDefinition")
    source = CHARTS / OPERATOR / "files" / "crds" / "canaryreleases.yaml"
    assert definition["metadata"]["annotations"] == {"helm.sh/resource-policy": "keep"}
    assert definition["spec"] == yaml.safe_load(source.read_text())["spec"]
    assert of_kind(rendered(OPERATOR, "crds.install=false"), "CustomResourceDefinition") == []


def test_one_replica_has_no_budget() -> None:
    assert of_kind(rendered(OPERATOR), "PodDisruptionBudget")
    assert of_kind(rendered(OPERATOR, "replicas=1"), "PodDisruptionBudget") == []


def test_optional_objects_are_off() -> None:
    kinds = {each["kind"] for each in rendered(OPERATOR)}
    assert kinds.isdisjoint({"ServiceMonitor", "NetworkPolicy"})
    kinds = {each["kind"] for each in rendered(OPERATOR, *ALL_ON)}
    assert kinds >= {"ServiceMonitor", "NetworkPolicy"}


@pytest.mark.parametrize(
    ("chart", "values", "uid"),
    [
        (OPERATOR, "dashboard", "linnet-operator"),
        (WORKLOAD, "monitoring.dashboard", "linnet-recochat"),
    ],
)
def test_the_dashboard_is_a_config_map_that_a_sidecar_finds(
    chart: str, values: str, uid: str
) -> None:
    assert not [o for o in of_kind(rendered(chart), "ConfigMap") if "-dashboard" in str(o)]
    sets = ("enabled=true", "label=team", "labelValue=42", "annotations.folder=F", "namespace=g")
    objects = rendered(chart, *(f"{values}.{each}" for each in sets))
    found = only(objects, "ConfigMap")
    assert found["metadata"]["namespace"] == "g"
    assert found["metadata"]["labels"]["team"] == "42"
    assert found["metadata"]["annotations"] == {"folder": "F"}
    [(name, text)] = found["data"].items()
    assert text == (CHARTS / chart / "files" / "dashboards" / name).read_text()
    assert json.loads(text)["uid"] == uid


def test_alerts_lead_to_the_dashboard_where_grafana_is_known() -> None:
    def annotations(*sets: str) -> list[Object]:
        rule = only(rendered(OPERATOR, "alerts.rules.enabled=true", *sets), "PrometheusRule")
        return [each["annotations"] for g in rule["spec"]["groups"] for each in g["rules"]]

    led = annotations("alerts.rules.grafanaUrl=https://grafana.example/")
    url = "https://grafana.example/d/linnet-operator"
    assert led == [{**each, "dashboard_url": url} for each in annotations()]
    assert all("dashboard_url" not in each for each in annotations())


def test_secrets_of_prometheus_are_files_of_the_pod() -> None:
    pod = only(rendered(OPERATOR, *ALL_ON), "Deployment")["spec"]["template"]["spec"]
    [container] = pod["containers"]
    env = {each["name"]: each.get("value") for each in container["env"]}
    mounts = {each["name"]: each["mountPath"] for each in container["volumeMounts"]}
    files = {
        f"{mounts[volume['name']]}/{item['path']}": volume["secret"]["secretName"]
        for volume in pod["volumes"]
        for item in volume.get("secret", {}).get("items", [])
    }
    assert files[env["LINNET_PROMETHEUS_TOKEN_FILE"] or ""] == "token"
    assert files[env["LINNET_PROMETHEUS_CA_FILE"] or ""] == "ca"


@pytest.mark.parametrize(
    ("sets", "switches"),
    [
        ((), {}),
        (("api.enabled=true",), {"LINNET_API": "on", "LINNET_CONSOLE": "on"}),
        (
            ("api.enabled=true", "api.console=false"),
            {"LINNET_API": "on", "LINNET_CONSOLE": "off"},
        ),
    ],
)
def test_the_console_comes_with_the_api(sets: tuple[str, ...], switches: Object) -> None:
    deployment = only(rendered(OPERATOR, *sets), "Deployment")
    [container] = deployment["spec"]["template"]["spec"]["containers"]
    told = {each["name"]: each.get("value") for each in container["env"]}
    assert {name: told[name] for name in told if name in ("LINNET_API", "LINNET_CONSOLE")} == (
        switches
    )


def test_secrets_of_receivers_are_files_of_the_pod_and_may_be_missing() -> None:
    chat, hook = "notifications.receivers[0]", "notifications.receivers[1]"
    deployment = only(
        rendered(
            OPERATOR,
            *(f"{chat}.name=chat", f"{chat}.format=Slack", f"{chat}.template=$(POD_NAME)"),
            *(f"{chat}.urlSecret.name=slack", f"{chat}.urlSecret.key=hook"),
            *(f"{hook}.name=hook", f"{hook}.url=http://hook", f"{hook}.tokenSecret.name=hook"),
        ),
        "Deployment",
    )
    pod = deployment["spec"]["template"]["spec"]
    [container] = pod["containers"]
    [text] = [each["value"] for each in container["env"] if each["name"] == "LINNET_RECEIVERS"]
    receivers = [Receiver.model_validate(each) for each in json.loads(text.replace("$$", "$"))]
    mounts = {each["name"]: each["mountPath"] for each in container["volumeMounts"]}
    files = {
        f"{mounts[volume['name']]}/{item['path']}": (secret["secretName"], item["key"])
        for volume in pod["volumes"]
        if (secret := volume.get("secret", {})).get("optional")
        for item in secret["items"]
    }
    assert [each.name for each in receivers] == ["chat", "hook"]
    assert files == {
        receivers[0].url_file: ("slack", "hook"),
        receivers[1].token_file: ("hook", "token"),
    }


@pytest.mark.parametrize(
    ("sets", "image"),
    [
        ((), "linnet/operator:0.1.0"),
        (("image.tag=42",), "linnet/operator:42"),
        (("global.imageRegistry=localhost",), "localhost/linnet/operator:0.1.0"),
        (ALL_ON, "localhost:5000/mirror/linnet/operator@sha256:" + "0" * 64),
    ],
)
def test_the_image_is_put_together(sets: tuple[str, ...], image: str) -> None:
    images = {c["image"] for _, pod in pods(rendered(OPERATOR, *sets)) for c in pod["containers"]}
    assert images == {image}


@pytest.mark.parametrize(
    ("release", "name"),
    [
        ("linnet", "linnet-operator"),
        ("linnet-operator", "linnet-operator"),
        ("team-a", "team-a-linnet-operator"),
        ("a" * 53, "a" * 53 + "-linnet-op"),
    ],
)
def test_the_name_comes_from_the_release(release: str, name: str) -> None:
    assert only(rendered(OPERATOR, release=release), "Deployment")["metadata"]["name"] == name


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("replicas=two", "'/replicas': got string, want integer"),
        ("replicas=0", "'/replicas': minimum: got 0, want 1"),
        ("replcas=3", "additional properties 'replcas' not allowed"),
        ("image.tga=1", "'/image': additional properties 'tga' not allowed"),
        ("configTracking.secret=true", "additional properties 'secret' not allowed"),
        ("crds.install=yes", "'/crds/install': got string, want boolean"),
        ("prometheus.url=prometheus:9090", "'/prometheus/url'"),
        ("networkPolicy.egress[0].ports[0].port=53", "'/networkPolicy/egress': got array"),
        ("networkPolicy.egress.prometheus.port=http", "'/networkPolicy/egress/prometheus/port'"),
        ("notifications.receivers[0].name=ops", "missing property 'url'"),
        ("logLevel=chatty", "'DEBUG', 'INFO', 'WARNING', 'ERROR'"),
        ("scope.namespace=Shop", "'/scope/namespace'"),
        ("global.imageRegistry=https://example.com", "'/global/imageRegistry'"),
        ("extraEnv[0].name=LINNET_PORT", "extraEnv must not have LINNET_PORT"),
    ],
)
def test_a_wrong_value_is_refused_by_name(value: str, said: str) -> None:
    done = template(OPERATOR, value)
    assert done.returncode != 0
    assert said in done.stderr


def test_the_workload_refuses_faults_outside_a_demo() -> None:
    fault = "demo.faults.errorShare=0.05"
    refused = template(WORKLOAD, fault)
    assert refused.returncode != 0
    assert "demo.enabled" in refused.stderr
    assert template(WORKLOAD, fault, "demo.enabled=true").returncode == 0
