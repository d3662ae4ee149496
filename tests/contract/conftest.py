"""One API server with the Gateway API for all contract tests."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.apiserver import ApiServer, run_apiserver


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
