"""The operators that run in a cluster."""

from linnet.cli.cluster.connection import Cluster
from linnet.providers.kubernetes import DEPLOYMENTS, Manifest

SELECTOR = "app.kubernetes.io/part-of=linnet,app.kubernetes.io/component=operator"
"""As the chart labels its Deployment, whatever it is called."""
VERSION = "app.kubernetes.io/version"


async def deployments(cluster: Cluster) -> list[Manifest]:
    """The operators' Deployments, in all namespaces."""
    return await cluster.client.list(DEPLOYMENTS, label_selector=SELECTOR)


async def running(cluster: Cluster) -> list[dict[str, str]]:
    """Name, namespace, version and image of each."""
    return [
        {
            "name": each["metadata"]["name"],
            "namespace": each["metadata"]["namespace"],
            "version": (each["metadata"].get("labels") or {}).get(VERSION, "unknown"),
            "image": each["spec"]["template"]["spec"]["containers"][0]["image"],
        }
        for each in await deployments(cluster)
    ]
