"""Which cluster, as kubectl is told of it; and what to do where it can't be asked."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

import typer

from linnet.cli.output import REFUSED, say
from linnet.controller.clock import SharedClock
from linnet.providers.errors import (
    ApiError,
    Forbidden,
    NotFound,
    ObjectMissing,
    ProviderError,
    Unreachable,
)
from linnet.providers.kubeconfig import ConfigException, namespace_of
from linnet.providers.kubernetes import KubernetesClient

AGENT = "linnet-cli"
"""The user agent of the commands."""
INSTALL = "helm install linnet charts/linnet-operator --namespace linnet-system --create-namespace"

T = TypeVar("T")


@dataclass(frozen=True)
class Place:
    """What the options say of the cluster; '' is what the kubeconfig says itself."""

    context: str = ""
    kubeconfig: str = ""
    namespace: str = ""


@dataclass(frozen=True)
class Cluster:
    """A cluster that answers. now: the time by its API server's clock."""

    client: KubernetesClient
    namespace: str
    now: Callable[[], datetime]


def ask(place: Place, work: Callable[[Cluster], Awaitable[T]]) -> T:
    """What `work` makes of a cluster; ends the command with a remedy where it can't be asked.

    Raises:
        typer.Exit: the remedy was printed.
    """
    try:
        return asyncio.run(_asked(place, work))
    except (ConfigException, ProviderError) as error:
        say(remedy(error))
        raise typer.Exit(REFUSED) from None


def look(place: Place, work: Callable[[Cluster], Awaitable[T]]) -> T | str:
    """The same for a command that does without: why the cluster can't be asked, if so."""
    try:
        return asyncio.run(_asked(place, work))
    except (ConfigException, ProviderError) as error:
        return remedy(error)


async def _asked(place: Place, work: Callable[[Cluster], Awaitable[T]]) -> T:
    clock = SharedClock()
    own = namespace_of(place.kubeconfig, place.context)
    client = await KubernetesClient.connect(
        kubeconfig=place.kubeconfig, context=place.context, asking=clock.ask, agent=AGENT
    )
    try:
        return await work(Cluster(client, place.namespace or own, clock.now))
    finally:
        await client.close()


def remedy(error: ProviderError | ConfigException) -> str:
    """What went wrong with what helps."""
    if isinstance(error, ConfigException):
        return f"{error}: name a cluster by --kubeconfig, --context or KUBECONFIG"
    if isinstance(error, Unreachable):
        return f"{error}: see that the cluster is up, and that --context names the one you mean"
    if isinstance(error, ObjectMissing):
        return str(error)
    if isinstance(error, NotFound):
        return f"this cluster doesn't know CanaryRelease. To install Linnet: {INSTALL}"
    if isinstance(error, Forbidden):
        return (
            f"{error}: ask for a role that may. The chart adds CanaryReleases to the cluster's "
            "roles view (to see) and edit (to act)"
        )
    if isinstance(error, ApiError):
        return f"the API server refused: {error}"
    return str(error)
