"""Asking the operator for something, and waiting for its answer."""

import asyncio
import getpass
from datetime import timedelta
from uuid import uuid4

import typer

from linnet.api.request import ANNOTATION, Request, RequestAction, RequestOutcome, RequestStatus
from linnet.cli.cluster import releases
from linnet.cli.cluster.connection import Cluster
from linnet.cli.output import NOT_WELL, TIMED_OUT, say
from linnet.controller import clock
from linnet.providers.errors import ApiError
from linnet.providers.kubernetes import CANARYRELEASES
from linnet.providers.resources import SELF_REVIEWS

EVERY_SECONDS = 0.2


async def request(
    cluster: Cluster, action: RequestAction, by: str, reason: str, *, dry: bool = False
) -> Request:
    """A new request. by: who asks; as the API server knows them if that is empty."""
    asker = by or (_here() if dry else await _known_as(cluster))
    return Request(id=uuid4().hex, action=action, by=asker, reason=reason, at=cluster.now())


async def _known_as(cluster: Cluster) -> str:
    """The name that the API server has for whoever asks."""
    review = {"apiVersion": SELF_REVIEWS.api_version, "kind": SELF_REVIEWS.kind, "metadata": {}}
    try:
        answer = await cluster.client.create(SELF_REVIEWS, review)
    except ApiError:
        return _here()  # an API server before 1.28 doesn't say
    return str(answer["status"]["userInfo"].get("username") or _here())[:253]


def _here() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return ""


async def answer(cluster: Cluster, name: str, asked: Request, longest: timedelta) -> RequestStatus:
    """Ask, and wait for what the operator answers.

    Raises:
        typer.Exit: it has not answered in time.
    """
    place = (CANARYRELEASES, cluster.namespace, name)
    text = asked.model_dump_json(by_alias=True, exclude_defaults=True)
    await cluster.client.patch(*place, {"metadata": {"annotations": {ANNOTATION: text}}})
    deadline = clock.monotonic() + longest.total_seconds()
    while True:
        release = await releases.one(cluster, name)
        found = release.status.request
        if found is not None and found.id == asked.id:
            return found
        if clock.monotonic() > deadline:
            say(
                f"{name}: the operator has not answered yet. The request stays, and is carried out "
                "as soon as one runs: linnet doctor says what is wrong"
            )
            raise typer.Exit(TIMED_OUT)
        await asyncio.sleep(EVERY_SECONDS)


def refused(name: str, found: RequestStatus) -> None:
    """End the command where the request was refused.

    Raises:
        typer.Exit: it was.
    """
    if found.outcome is RequestOutcome.REFUSED:
        say(f"{name}: {found.action} was refused: {found.message}")
        raise typer.Exit(NOT_WELL)
