"""The operator's chart installed by helm on a real API server, and what its account may do."""

import secrets
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest
import pytest_asyncio
import yaml

from linnet.controller.leader import Leader
from linnet.providers.errors import Forbidden
from linnet.providers.kubernetes import CANARYRELEASES, PODS, KubernetesClient, Resource
from tests.support.apiserver import ApiServer, KubectlError
from tests.support.helm import ACCOUNT, CHART
from tests.support.helm import helm as run_helm
from tests.support.helm import install as run_install
from tests.support.releases import MINIMAL, release

Helm = Callable[..., str]


@pytest.fixture
def system(apiserver: ApiServer) -> str:
    """A namespace to install into. Restricted pods only, as a careful cluster has it."""
    name = f"system-{secrets.token_hex(4)}"
    apiserver.kubectl("create", "namespace", name)
    apiserver.kubectl("label", "namespace", name, "pod-security.kubernetes.io/enforce=restricted")
    return name


@pytest.fixture
def helm(apiserver: ApiServer, system: str) -> Iterator[Helm]:
    """Run helm in that namespace; what is installed as `linnet` goes with the test."""
    yield partial(run_helm, apiserver, system)
    run_helm(apiserver, system, "uninstall", "linnet", "--ignore-not-found")


@pytest.fixture
def install(apiserver: ApiServer, system: str, helm: Helm) -> Helm:
    """Install, or upgrade, with these values."""
    return partial(run_install, apiserver, system)


def dry_run(apiserver: ApiServer, manifest: str | dict[str, Any]) -> None:
    flags = ("--server-side", "--force-conflicts", "--dry-run=server", "--validate=strict")
    apiserver.kubectl("apply", *flags, "-f", "-", input=manifest)


def test_the_defaults_install_where_nothing_else_is(
    helm: Helm, install: Helm, apiserver: ApiServer, system: str
) -> None:
    """No Prometheus; the notes tell of Gateway API where it is missing."""
    notes = install()
    assert "kind: CanaryRelease" in notes
    deployment = apiserver.get("deployment/linnet-operator", "-n", system)
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "pod", "namespace": system},
        "spec": deployment["spec"]["template"]["spec"],
    }
    dry_run(apiserver, pod)
    dry_run(apiserver, helm("get", "hooks", "linnet"))
    del pod["spec"]["securityContext"]
    with pytest.raises(KubectlError, match='violates PodSecurity "restricted:latest"'):
        dry_run(apiserver, pod)  # that namespace does look
    install("logLevel=DEBUG")  # an upgrade


def test_the_definition_is_accepted_as_the_chart_has_it(helm: Helm, apiserver: ApiServer) -> None:
    rendered = helm("template", "linnet", str(CHART), "--show-only", "templates/crd.yaml")
    dry_run(apiserver, rendered)


def test_everything_optional_is_accepted_at_once(
    install: Helm, apiserver: ApiServer, system: str
) -> None:
    install(
        "networkPolicy.enabled=true",
        "networkPolicy.ingressFrom[0].namespaceSelector.matchLabels.team=monitoring",
        "networkPolicy.egress.enabled=true",
        "networkPolicy.egress.more[0].ports[0].port=3128",
        "prometheus.tokenSecret.name=token",
        "prometheus.caSecret.name=ca",
        "serviceMonitor.enabled=true",  # unknown here: left out
        "tolerations[0].operator=Exists",
        "extraEnv[0].name=HTTPS_PROXY",
        "extraEnv[0].value=http://proxy:3128",
    )
    apiserver.get("networkpolicy/linnet-operator", "-n", system)


def test_uninstalling_keeps_releases_and_their_kind(
    helm: Helm, install: Helm, apiserver: ApiServer, namespace: str
) -> None:
    """Helm leaves what has the annotation; CanaryReleases were never Helm's."""
    install()
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
    install: Helm,
    apiserver: ApiServer,
    system: str,
    namespace: str,
) -> AsyncIterator[KubernetesClient]:
    """The API server as the installed operator's account sees it."""
    install(*([f"scope.namespace={namespace}"] * (request.param == "one-namespace")))
    kubeconfig = apiserver.kubeconfig_of(ACCOUNT, system)
    connected = await KubernetesClient.connect(kubeconfig=str(kubeconfig))
    yield connected
    await connected.close()


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


async def test_the_account_may_not_make_pods_or_read_secrets(
    client: KubernetesClient, namespace: str
) -> None:
    pod = {"metadata": {"name": "pod", "namespace": namespace}, "spec": {"containers": []}}
    with pytest.raises(Forbidden):
        await client.create(PODS, pod)
    with pytest.raises(Forbidden):
        await client.list(Resource("", "v1", "secrets", "Secret"), namespace)


async def test_one_namespace_means_no_other(
    client: KubernetesClient, request: pytest.FixtureRequest
) -> None:
    if "one-namespace" not in request.node.name:
        assert await client.list(CANARYRELEASES, "default") == []
        return
    with pytest.raises(Forbidden):
        await client.list(CANARYRELEASES, "default")
