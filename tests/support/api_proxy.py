"""The API server on loopback, for reads that are too many for a kubectl each."""

import json
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from hack.cluster import tools
from hack.cluster.cluster import Cluster
from hack.cluster.run import ClusterError

PATIENCE_S = 30.0


@contextmanager
def api_proxy(cluster: Cluster) -> Iterator[str]:
    """The URL of `kubectl proxy`, which runs until the block ends.

    Raises:
        ClusterError: it doesn't start.
    """
    process = subprocess.Popen(
        [tools.tool("kubectl"), "proxy", "--port=0"],
        env={"KUBECONFIG": cluster.kubeconfig},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        said = process.stdout.readline()
        if "127.0.0.1:" not in said:
            raise ClusterError(f"`kubectl proxy` doesn't serve: {said}")
        yield f"http://127.0.0.1:{said.strip().rpartition(':')[2]}"
    finally:
        process.terminate()
        process.wait(timeout=20)
        process.stdout.close()


def read(url: str) -> Any:
    """What is at an address of the proxy.

    Raises:
        OSError: nothing is, or nobody answers.
    """
    with urllib.request.urlopen(url, timeout=PATIENCE_S) as answer:  # noqa: S310 - loopback
        return json.load(answer)


def write(url: str, patch: Any, agent: str) -> None:
    """Merge a patch into what is at an address of the proxy, as a client of this name.

    Raises:
        OSError: it is refused, or nobody answers.
    """
    headers = {"Content-Type": "application/merge-patch+json", "User-Agent": agent}
    request = urllib.request.Request(  # noqa: S310 - loopback
        url, json.dumps(patch).encode(), headers, method="PATCH"
    )
    with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:  # noqa: S310
        answer.read()
