"""A real cluster with Linnet installed from its chart, and shops on it.

`make test` names a cluster that it has made for the run; `make e2e` keeps one of its own.
"""

import os
import secrets
from collections.abc import Iterator

import pytest

from hack.cluster.cluster import Cluster, load
from hack.cluster.images import project_images
from hack.cluster.up import up
from hack.demo.install import install_operator
from tests.support.shop import Shop


@pytest.fixture(scope="session")
def cluster() -> Cluster:
    """The cluster, with the project's images as they are now."""
    name = os.environ.get("LINNET_TEST_CLUSTER") or up("linnet-e2e").name
    project_images(load(name))
    return load(name)


@pytest.fixture(scope="session")
def linnet(cluster: Cluster) -> Cluster:
    """The cluster with Linnet installed, by its chart and with its own account."""
    install_operator(cluster, cluster.images["operator"])
    return cluster


@pytest.fixture
def shop(linnet: Cluster) -> Iterator[Shop]:
    """v1 of recochat serving in a namespace of its own, not guarded yet."""
    namespace = f"shop-{secrets.token_hex(3)}"
    made = Shop(linnet, namespace, linnet.images["recochat"])
    made.deploy("v1", guarded=False)
    yield made
    made.kubectl("delete", "crel", "--all", "--timeout=60s")
    linnet.kubectl("delete", "namespace", namespace, "--wait=false")
