"""One API server for all integration tests, and a namespace of its own for each test."""

import secrets
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.apiserver import ApiServer, run_apiserver


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
def namespace(apiserver: ApiServer) -> str:
    """A new namespace on `apiserver`. It goes with the server."""
    name = f"test-{secrets.token_hex(4)}"
    apiserver.kubectl("create", "namespace", name)
    return name


@pytest.fixture(scope="session")
def gateway_api(apiserver: ApiServer) -> None:
    """The Gateway API's CRDs on `apiserver`."""
    apiserver.install_gateway_api()
