"""One API server for all integration tests, and a namespace of its own for each test."""

import secrets
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from linnet.providers.kubernetes import KubernetesClient
from tests.support.apiserver import ApiServer, run_apiserver
from tests.support.gateway import start_gateway
from tests.support.guarded_shop import run_with_api
from tests.support.operator_process import OperatorProcess
from tests.support.simulated_nodes import run_with_nodes
from tests.support.stage import Stage


@pytest.fixture(scope="session")
def apiserver() -> Iterator[ApiServer]:
    """A real API server with our CRD, without controllers: what a test writes stays as it is."""
    folder = Path(tempfile.mkdtemp(prefix="linnet-apiserver-"))
    try:
        with run_apiserver(folder) as server:
            server.install_crd()
            yield server
    finally:
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def apiserver_with_controllers() -> Iterator[ApiServer]:
    """Another one, with the controllers for Deployments, endpoints, owners and namespaces."""
    folder = Path(tempfile.mkdtemp(prefix="linnet-apiserver-"))
    try:
        with run_apiserver(folder, controllers=True) as server:
            server.install_crd()
            yield server
    finally:
        shutil.rmtree(folder)


@pytest.fixture
async def cluster(apiserver_with_controllers: ApiServer) -> AsyncIterator[Stage]:
    """A new namespace on the server with controllers, empty."""
    server = apiserver_with_controllers
    namespace = f"test-{secrets.token_hex(4)}"
    server.kubectl("create", "namespace", namespace)
    client = await KubernetesClient.connect(kubeconfig=str(server.kubeconfig))
    yield Stage(server, client, namespace)
    await client.close()


@pytest.fixture
def namespace(apiserver: ApiServer) -> str:
    """A new namespace on `apiserver`. It goes with the server."""
    name = f"test-{secrets.token_hex(4)}"
    apiserver.kubectl("create", "namespace", name)
    return name


@pytest.fixture(scope="session")
def gateway_api(apiserver: ApiServer) -> None:
    """The Gateway API's CRDs on `apiserver`."""
    apiserver.install_gateway_api()


@pytest.fixture(scope="session")
def simulated() -> Iterator[ApiServer]:
    """A cluster whose pods only seem to run, with a gateway that accepts routes."""
    folder = Path(tempfile.mkdtemp(prefix="linnet-simulated-"))
    try:
        with run_with_nodes(folder) as server:
            start_gateway(server)
            yield server
    finally:
        shutil.rmtree(folder)


@pytest.fixture(scope="module")
def operator(
    simulated: ApiServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[OperatorProcess]:
    """An operator that serves the API, in front of the cluster with simulated pods."""
    with run_with_api(simulated, tmp_path_factory.mktemp("operator")) as found:
        yield found
