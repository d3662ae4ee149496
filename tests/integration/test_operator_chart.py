"""The operator's chart installed by helm on a real API server, and what its account may do."""

import os
import secrets
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import yaml

from hack.cluster.tools import tool
from linnet.controller import record
from linnet.controller.leader import Leader
from linnet.controller.release import FINALIZER, Key, Release
from linnet.core.revision import template_revision
from linnet.providers.errors import Forbidden
from linnet.providers.kubernetes import (
    CANARYRELEASES,
    DEPLOYMENTS,
    EVENTS,
    PODS,
    SERVICES,
    KubernetesClient,
)
from linnet.providers.traffic.base import Split
from linnet.providers.traffic.gateway_api import GatewayApiTraffic
from linnet.providers.workloads import Target, Workloads
from tests.support import workload_manifests as shop
from tests.support.apiserver import ApiServer
from tests.support.releases import MINIMAL, full_status, release

CHART = Path(__file__).resolve().parents[2] / "charts" / "linnet-operator"

Helm = Callable[..., str]

KUBECONFIG = """\
apiVersion: v1
kind: Config
current-context: pod
contexts: [{{name: pod, context: {{cluster: test, user: pod}}}}]
clusters: [{{name: test, cluster: {{server: "{url}", certificate-authority: "{ca}"}}}}]
users: [{{name: pod, user: {{token: "{token}"}}}}]
"""


@pytest.fixture
def system(apiserver: ApiServer) -> str:
    """A namespace to install into. Restricted pods only, as a careful cluster has it."""
    name = f"system-{secrets.token_hex(4)}"
    apiserver.kubectl("create", "namespace", name)
    apiserver.kubectl("label", "namespace", name, "pod-security.kubernetes.io/enforce=restricted")
    return name


@pytest.fixture
def helm(apiserver: ApiServer, system: str, tmp_path: Path) -> Iterator[Helm]:
    """Run helm in that namespace; what is installed as `linnet` goes with the test."""

    def run(*args: str) -> str:
        done = subprocess.run(
            [str(tool("helm")), f"--kubeconfig={apiserver.kubeconfig}", "-n", system, *args],
            env={"HOME": str(tmp_path), "PATH": os.environ["PATH"]},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert "violate" not in done.stderr  # a warning of pod security
        return done.stdout

    yield run
    run("uninstall", "linnet", "--ignore-not-found")


def install(helm: Helm, *sets: str) -> str:
    """Install, or upgrade. The fixture's server has the definition already."""
    values = [argument for value in ("crds.install=false", *sets) for argument in ("--set", value)]
    return helm("upgrade", "--install", "linnet", str(CHART), *values)


def dry_run(apiserver: ApiServer, manifest: str | dict[str, Any]) -> None:
    flags = ("--server-side", "--force-conflicts", "--dry-run=server", "--validate=strict")
    apiserver.kubectl("apply", *flags, "-f", "-", input=manifest)


def test_the_defaults_install_where_nothing_else_is(
    helm: Helm, apiserver: ApiServer, system: str
) -> None:
    """No Prometheus; the notes tell of Gateway API where it is missing."""
    notes = install(helm)
    assert "kind: CanaryRelease" in notes
    deployment = apiserver.get("deployment/linnet-operator", "-n", system)
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "pod", "namespace": system},
        "spec": deployment["spec"]["template"]["spec"],
    }
    dry_run(apiserver, pod)  # refused if it were not restricted
    dry_run(apiserver, helm("get", "hooks", "linnet"))
    install(helm, "logLevel=DEBUG")  # an upgrade


def test_the_definition_is_accepted_as_the_chart_has_it(helm: Helm, apiserver: ApiServer) -> None:
    rendered = helm("template", "linnet", str(CHART), "--show-only", "templates/crd.yaml")
    dry_run(apiserver, rendered)


def test_everything_optional_is_accepted_at_once(
    helm: Helm, apiserver: ApiServer, system: str
) -> None:
    install(
        helm,
        "networkPolicy.enabled=true",
        "networkPolicy.ingressFrom[0].namespaceSelector.matchLabels.team=monitoring",
        "networkPolicy.egress[0].ports[0].port=53",
        "prometheus.tokenSecret.name=token",
        "prometheus.caSecret.name=ca",
        "serviceMonitor.enabled=true",  # unknown here: left out
        "tolerations[0].operator=Exists",
        "extraEnv[0].name=HTTPS_PROXY",
        "extraEnv[0].value=http://proxy:3128",
    )
    apiserver.get("networkpolicy/linnet-operator", "-n", system)


def test_uninstalling_keeps_releases_and_their_kind(
    helm: Helm, apiserver: ApiServer, namespace: str
) -> None:
    """Helm leaves what has the annotation; CanaryReleases were never Helm's."""
    install(helm)
    create(apiserver, namespace, release(MINIMAL))
    helm("uninstall", "linnet")
    apiserver.get("canaryrelease/shop", "-n", namespace)
    rendered = helm("template", "linnet", str(CHART), "--show-only", "templates/crd.yaml")
    kept = yaml.safe_load(rendered)["metadata"]["annotations"]
    assert kept == {"helm.sh/resource-policy": "keep"}


def create(apiserver: ApiServer, namespace: str, *manifests: dict[str, Any]) -> None:
    for manifest in manifests:
        manifest["metadata"]["namespace"] = namespace
        apiserver.kubectl("create", "-f", "-", input=manifest)


@pytest_asyncio.fixture(params=["everywhere", "one-namespace"])
async def client(
    request: pytest.FixtureRequest,
    helm: Helm,
    apiserver: ApiServer,
    system: str,
    namespace: str,
    tmp_path: Path,
) -> AsyncIterator[KubernetesClient]:
    """The API server as the installed operator's account sees it."""
    install(helm, *([f"scope.namespace={namespace}"] * (request.param == "one-namespace")))
    token = apiserver.kubectl("create", "token", "linnet-operator", "-n", system).strip()
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(KUBECONFIG.format(url=apiserver.url, ca=apiserver.ca, token=token))
    connected = await KubernetesClient.connect(kubeconfig=str(kubeconfig))
    yield connected
    await connected.close()


@pytest.mark.usefixtures("gateway_api")
async def test_the_account_may_do_all_that_a_release_takes(
    client: KubernetesClient, apiserver: ApiServer, namespace: str
) -> None:
    """Every call of the providers once: what RBAC refuses raises Forbidden."""
    create(apiserver, namespace, shop.deployment(), shop.service(), shop.http_route())
    create(apiserver, namespace, release(MINIMAL))
    target = Target(namespace, "shop", "shop", "shop")
    workloads = Workloads(client)
    await guard(client, namespace)
    await workloads.hold(target)
    deployment = await client.get(DEPLOYMENTS, namespace, "shop")
    assert deployment is not None
    revision = template_revision(deployment["spec"]["template"])
    await workloads.ensure_canary(target, revision, 1)
    assert await workloads.observe_stable(target) is not None
    assert await workloads.observe_canary(target) is not None
    await move_traffic(client, target)
    await workloads.remove_canary(target)
    await workloads.resume(target, revision)
    await workloads.let_go(target)


async def guard(client: KubernetesClient, namespace: str) -> None:
    """Finalizer, status and Event of the release."""
    finalizer = {"metadata": {"finalizers": [FINALIZER]}}
    await client.patch(CANARYRELEASES, namespace, "shop", finalizer)
    await client.patch(CANARYRELEASES, namespace, "shop", {"metadata": {"finalizers": []}})
    await client.patch(CANARYRELEASES, namespace, "shop", {"status": {"message": "x"}}, "status")
    found = await client.get(CANARYRELEASES, namespace, "shop")
    assert found is not None
    entry = full_status().history[0]
    read = Release.read(Key(namespace, "shop"), found)
    await client.create(EVENTS, record.event(read, entry, "linnet-operator-0"))


async def move_traffic(client: KubernetesClient, target: Target) -> None:
    traffic = GatewayApiTraffic(client)
    split = Split(target.namespace, "shop", target.service, target.canary_service)
    await traffic.set_weight(split, 10)
    assert await traffic.observe(split) is not None
    await traffic.restore(split)


async def test_the_account_may_lead_by_its_own_lease_only(
    client: KubernetesClient, system: str
) -> None:
    def leader(name: str) -> Leader:
        return Leader(
            client,
            namespace=system,
            name=name,
            identity="pod",
            now=lambda: datetime(2026, 3, 1, 12, tzinfo=UTC),
            monotonic=lambda: 0.0,
        )

    for _ in range(2):  # create, then take again
        own = leader("linnet-operator")
        await own.acquire()
        await own.release()
    assert not await leader("another")._try()


async def test_the_account_may_not_make_pods_or_see_services(
    client: KubernetesClient, namespace: str
) -> None:
    pod = {"metadata": {"name": "pod", "namespace": namespace}, "spec": {"containers": []}}
    with pytest.raises(Forbidden):
        await client.create(PODS, pod)
    with pytest.raises(Forbidden):
        await client.list(SERVICES, namespace)


async def test_one_namespace_means_no_other(
    client: KubernetesClient, request: pytest.FixtureRequest
) -> None:
    if "one-namespace" not in request.node.name:
        assert await client.list(CANARYRELEASES, "default") == []
        return
    with pytest.raises(Forbidden):
        await client.list(CANARYRELEASES, "default")
