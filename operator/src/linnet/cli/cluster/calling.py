"""Calling the operator's own API: it has to know who asks."""

import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import aiohttp
import typer

from linnet.api.http import Named
from linnet.api.request import RequestStatus
from linnet.cli.cluster.connection import Cluster, Place, ask
from linnet.cli.cluster.operators import SELECTOR
from linnet.cli.output import NOT_WELL, BadInput, ending, say
from linnet.providers.errors import Conflict, ObjectMissing, Unreachable, api_error
from linnet.providers.kubernetes import SERVICES, Manifest

UNKNOWN = (
    "your kubeconfig has no token, so the operator can't know who asks: name a file with one by "
    "--token-file (kubectl create token gives one)"
)
NO_API = (
    "no operator serves the API: helm upgrade it with --set api.enabled=true, or name its address "
    "by --api-url"
)
SECONDS = 15.0

ApiUrl = Annotated[
    str,
    typer.Option(
        "--api-url",
        envvar="LINNET_API_URL",
        help="Where the operator's API is; through the API server's proxy if left out.",
        show_default=False,
    ),
]
TokenFile = Annotated[
    str,
    typer.Option(
        "--token-file",
        help="File with your token; the kubeconfig's if left out.",
        show_default=False,
    ),
]


@dataclass(frozen=True)
class Door:
    """Where the API is asked, and with whose token; '' for the proxy and the kubeconfig's."""

    url: str = ""
    token_file: str = ""


def have_done(
    place: Place, name: str, what: str, work: Callable[[Cluster], Awaitable[RequestStatus]]
) -> None:
    """Have the operator do something to a release, and tell what came of it.

    what: how the request is called. work: sends it.

    Raises:
        typer.Exit: it was refused, or can't be asked.
    """
    with ending():
        try:
            found = ask(place, work)
        except Refused as refused:
            say(f"{name}: {what} was refused: {refused}")
            raise typer.Exit(NOT_WELL) from None
    sys.stdout.write(f"{name}: {found.outcome.lower()}: {found.message}\n")


async def call(cluster: Cluster, door: Door, path: str, body: Named) -> RequestStatus:
    """Have the operator do what a path says.

    Raises:
        BadInput: there is no token, or no operator serves the API.
        Refused: it said why.
        ApiError: it can't be asked, or it denied.
    """
    token = read_token(door.token_file) or await cluster.client.token()
    if not token:
        raise BadInput(UNKNOWN)
    sent = body.model_dump(mode="json", by_alias=True)
    if door.url:
        return RequestStatus.model_validate(await directly(door.url, path, token, sent))
    return RequestStatus.model_validate(await by_proxy(cluster, path, token, sent))


class Refused(Exception):
    """The release can't do that now; the text says why."""


def read_token(file: str) -> str:
    """The token in a file; '' where none is named.

    Raises:
        BadInput: it can't be read, or is empty.
    """
    if not file:
        return ""
    try:
        token = Path(file).read_text().strip()
    except OSError as error:
        raise BadInput(f"--token-file {file}: {error.strerror}") from error
    if not token:
        raise BadInput(f"--token-file {file}: is empty")
    return token


async def by_proxy(cluster: Cluster, path: str, token: str, body: Manifest) -> Manifest:
    """Ask the operator's Service through the API server, which keeps the usual header to itself.

    Raises:
        BadInput: no operator serves the API.
        Refused: it said why.
    """
    for service in await cluster.client.list(SERVICES, label_selector=SELECTOR):
        metadata = service["metadata"]
        place = f"/api/v1/namespaces/{metadata['namespace']}/services/{metadata['name']}:http/proxy"
        headers = {"Linnet-Authorization": f"Bearer {token}"}
        try:
            return await cluster.client.send(f"{place}{path}", body, headers)
        except ObjectMissing:
            continue  # the API is off there, or it works on other releases
        except Conflict as error:
            raise Refused(str(error)) from error
    raise BadInput(NO_API)


async def directly(url: str, path: str, token: str, body: Manifest) -> Manifest:
    """Ask the operator's API at its own address.

    Raises:
        ApiError: it can't be asked, or it denied.
        Refused: it said why.
    """
    headers = {"Authorization": f"Bearer {token}"}
    limit = aiohttp.ClientTimeout(total=SECONDS)
    try:
        async with (
            aiohttp.ClientSession(timeout=limit, headers=headers) as session,
            session.post(f"{url.rstrip('/')}{path}", json=body) as answer,
        ):
            data = await answer.read()
            if answer.status < 400:
                found: Manifest = await answer.json()
                return found
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        raise Unreachable(f"{url}: {str(error) or type(error).__name__}") from error
    failure = api_error(answer.status, None, data, url)
    if isinstance(failure, Conflict):
        raise Refused(str(failure))
    raise failure
