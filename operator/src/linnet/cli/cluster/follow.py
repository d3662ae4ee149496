"""Following a release until it has come to something, telling of its decisions meanwhile."""

import asyncio
import sys
from datetime import timedelta

import typer

from linnet.cli.cluster import releases
from linnet.cli.cluster.connection import Cluster
from linnet.cli.cluster.ends import End, Goal, end
from linnet.cli.output import NOT_WELL, TIMED_OUT, BadInput, say
from linnet.controller import clock
from linnet.controller.release import Release
from linnet.core.revision import template_revision
from linnet.providers.errors import Unreachable
from linnet.providers.kubernetes import DEPLOYMENTS

EVERY_SECONDS = 1.0


async def follow(cluster: Cluster, name: str, wanted: Goal, longest: timedelta) -> None:
    """Return when it is reached.

    Raises:
        typer.Exit: it ended otherwise, or not in time.
        BadInput: there is no such release.
    """
    settle(name, await until(cluster, name, wanted, longest))


async def until(cluster: Cluster, name: str, wanted: Goal, longest: timedelta) -> End | None:
    """How the waiting ends; None if time runs out. Decisions go to standard error meanwhile.

    An API server that doesn't answer for a while is asked again.

    Raises:
        BadInput: there is no such release.
    """
    deadline = clock.monotonic() + longest.total_seconds()
    known = None
    while True:
        try:
            release = await releases.one(cluster, name)
            found = end(wanted, release.status, await template_of(cluster, release))
            known = _tell(release, known)
        except Unreachable as error:
            found = None
            sys.stderr.write(f"{error}\n")
        if found is not None or clock.monotonic() > deadline:
            return found
        await asyncio.sleep(EVERY_SECONDS)


def settle(name: str, found: End | None) -> None:
    """Print how the waiting has ended.

    Raises:
        typer.Exit: not with what was waited for.
    """
    if found is None:
        say(f"{name}: time has run out: linnet status {name} says what is waited for")
        raise typer.Exit(TIMED_OUT)
    if not found.reached:
        say(f"{name}: {found.told}")
        raise typer.Exit(NOT_WELL)
    sys.stdout.write(f"{name}: {found.told}\n")


def _tell(release: Release, known: int | None) -> int:
    """Print the decisions that are new; `known` is a count of moments, None at first."""
    history = release.status.history
    newest = history[-1].at.timestamp() if history else 0.0
    for entry in history:
        if known is not None and entry.at.timestamp() * 1000 > known:
            sys.stderr.write(f"{entry.at:%H:%M:%S}  {entry.decision}: {entry.message}\n")
    return max(known or 0, round(newest * 1000))


async def template_of(cluster: Cluster, release: Release) -> str:
    """The revision of what the Deployment is asked to run.

    Raises:
        BadInput: there is no Deployment.
    """
    target = release.target
    found = await cluster.client.get(DEPLOYMENTS, target.namespace, target.name)
    if found is None:
        raise BadInput(f"{release.key.name}: there is no Deployment {target.name}: create it")
    return template_revision(found["spec"]["template"])
