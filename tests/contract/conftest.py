"""What contract tests hold fakes against: an API server with the Gateway API, and a Redis."""

import secrets
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from linnet.providers.kubernetes import KubernetesClient
from tests.support.apiserver import ApiServer, run_apiserver
from tests.support.one_route import OneRoute
from tests.support.one_service import OneService
from tests.support.redis_process import run_redis


@pytest.fixture(scope="session")
def gateway_server() -> Iterator[ApiServer]:
    """A real API server that knows HTTPRoutes, without controllers: a test plays the gateway."""
    folder = Path(tempfile.mkdtemp(prefix="linnet-apiserver-"))
    try:
        with run_apiserver(folder) as server:
            server.install_gateway_api()
            yield server
    finally:
        shutil.rmtree(folder)


@pytest.fixture(scope="module")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real Redis of the module's own."""
    with run_redis(tmp_path_factory.mktemp("r")) as url:
        yield url


@pytest.fixture
async def one_service(gateway_server: ApiServer) -> AsyncIterator[OneService]:
    """A namespace in which the test makes a Service, and plays the controllers behind it."""
    async with _namespace(gateway_server) as (client, namespace):
        yield OneService(client, namespace)


@pytest.fixture
async def gateway(gateway_server: ApiServer) -> AsyncIterator[OneRoute]:
    """A namespace in which the test makes a route, and plays the gateway that reports it."""
    async with _namespace(gateway_server) as (client, namespace):
        yield OneRoute(client, namespace)


@asynccontextmanager
async def _namespace(server: ApiServer) -> AsyncIterator[tuple[KubernetesClient, str]]:
    namespace = f"test-{secrets.token_hex(4)}"
    server.kubectl("create", "namespace", namespace)
    client = await KubernetesClient.connect(kubeconfig=str(server.kubeconfig))
    yield client, namespace
    await client.close()
