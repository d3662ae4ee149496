"""A real cluster with Linnet installed from its chart, and shops on it.

`make test` names a cluster that it has made for the run; `make e2e` keeps one of its own.
"""

import os
import secrets
import signal
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from typing import Any

import pytest

from hack.cluster.cluster import Cluster, load
from hack.cluster.images import project_images
from hack.cluster.up import up
from hack.demo.install import install_operator
from tests.support.api_proxy import api_proxy
from tests.support.shop import Shop
from tests.support.stories import Street, telling
from tests.support.witness import broken_rules


def pytest_configure() -> None:
    """Let Ctrl-C end what tests start: in the background it is ignored, by those programs, too."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Stories first: what comes after them, one by one, takes a part of the cluster away."""
    items.sort(key=lambda item: "story" not in _parameters(item))


def _parameters(item: pytest.Item) -> Mapping[str, Any]:
    found: Mapping[str, Any] = item.callspec.params if hasattr(item, "callspec") else {}
    return found


@pytest.fixture(scope="session")
def cluster() -> Cluster:
    """The cluster, with the project's images as they are now."""
    name = os.environ.get("LINNET_TEST_CLUSTER") or up("linnet-e2e").name
    project_images(load(name))
    return load(name)


@pytest.fixture(scope="session")
def linnet(cluster: Cluster) -> Cluster:
    """The cluster with Linnet installed, by its chart and with its own account, and its API."""
    install_operator(cluster, cluster.images["operator"], {"api": {"enabled": True}})
    return cluster


@pytest.fixture(scope="session")
def api(cluster: Cluster) -> Iterator[str]:
    """The API server on loopback."""
    with api_proxy(cluster) as url:
        yield url


@pytest.fixture(scope="session")
def street(linnet: Cluster, api: str) -> Street:
    """Where shops are opened."""
    return Street(linnet, api)


@pytest.fixture(scope="session")
def ends(request: pytest.FixtureRequest, street: Street) -> Iterator[Mapping[str, Future[None]]]:
    """How each story ends that a test asks for, of whatever module; all begin with the first."""
    parameters = map(_parameters, request.session.items)
    asked = [each["story"] for each in parameters if "story" in each]
    with telling(street, asked) as found:
        yield found


@pytest.fixture
def shop(linnet: Cluster, api: str) -> Iterator[Shop]:
    """v1 of recochat serving in a namespace of its own, not guarded yet."""
    namespace = f"shop-{secrets.token_hex(3)}"
    made = Shop(linnet, namespace, linnet.images["recochat"], api)
    made.deploy("v1", guarded=False)
    yield made
    made.kubectl("delete", "crel", "--all", "--timeout=60s")
    linnet.kubectl("delete", "namespace", namespace, "--wait=false")


@pytest.fixture
def judged(shop: Shop) -> Iterator[None]:
    """After the test: no rule was broken, as the API server's audit log shows."""
    yield
    assert broken_rules(shop.cluster, {shop.namespace}, ended=False) == []
