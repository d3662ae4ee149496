"""One API server with the Gateway API for all contract tests."""

import secrets
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from linnet.providers.kubernetes import KubernetesClient
from tests.support.apiserver import ApiServer, run_apiserver
from tests.support.one_service import OneService


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


@pytest.fixture
async def one_service(gateway_server: ApiServer) -> AsyncIterator[OneService]:
    """A namespace in which the test makes a Service, and plays the controllers behind it."""
    namespace = f"test-{secrets.token_hex(4)}"
    gateway_server.kubectl("create", "namespace", namespace)
    client = await KubernetesClient.connect(kubeconfig=str(gateway_server.kubeconfig))
    yield OneService(client, namespace)
    await client.close()
