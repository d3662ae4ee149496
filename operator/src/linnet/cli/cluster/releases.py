"""Reading CanaryReleases for commands."""

from linnet.cli.cluster.connection import Cluster
from linnet.cli.output import BadInput
from linnet.controller.release import InvalidSpec, Key, Release
from linnet.providers.kubernetes import CANARYRELEASES, Manifest


async def one(cluster: Cluster, name: str) -> Release:
    """A release by its name.

    Raises:
        BadInput: there is none, or it can't be read.
    """
    return parsed(await manifest(cluster, name))


async def manifest(cluster: Cluster, name: str) -> Manifest:
    """A release as the API server has it.

    Raises:
        BadInput: there is none.
    """
    found = await cluster.client.get(CANARYRELEASES, cluster.namespace, name)
    if found is not None:
        return found
    others = await cluster.client.list(CANARYRELEASES, cluster.namespace)
    names = ", ".join(sorted(each["metadata"]["name"] for each in others))
    there = f"there are {names}" if names else "there is none; linnet get -A looks in all"
    raise BadInput(f"no CanaryRelease {name} in namespace {cluster.namespace}: {there}")


async def several(cluster: Cluster, *, everywhere: bool) -> list[Manifest]:
    """The releases of the namespace, or of all, by namespace and name."""
    found = await cluster.client.list(CANARYRELEASES, "" if everywhere else cluster.namespace)
    return sorted(found, key=lambda each: (each["metadata"]["namespace"], each["metadata"]["name"]))


def parsed(found: Manifest) -> Release:
    """A manifest as a release.

    Raises:
        BadInput: its spec can't be read.
    """
    metadata = found["metadata"]
    try:
        return Release.read(Key(metadata["namespace"], metadata["name"]), found)
    except InvalidSpec as error:
        raise BadInput(
            f"CanaryRelease {metadata['name']}: {error}: written for another version of Linnet?"
        ) from error
