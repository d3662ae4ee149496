"""`linnet approve`: sent to the operator itself, which has to know who approves."""

import sys
from pathlib import Path
from typing import Annotated

import aiohttp
import typer

from linnet.api.http import Approve
from linnet.api.request import RequestStatus
from linnet.cli.cluster import releases
from linnet.cli.cluster.connection import Cluster, Place, ask
from linnet.cli.cluster.operators import SELECTOR
from linnet.cli.cluster.options import Context, Kubeconfig, Name, Namespace
from linnet.cli.output import NOT_WELL, BadInput, ending, say
from linnet.providers.errors import Conflict, ObjectMissing, Unreachable, api_error
from linnet.providers.kubernetes import SERVICES, Manifest

PATH = "/api/v2/canary/approve"
UNKNOWN = (
    "your kubeconfig has no token, so the operator can't know who approves: name a file with one "
    "by --token-file (kubectl create token gives one)"
)
NO_API = (
    "no operator serves the API: helm upgrade it with --set api.enabled=true, or name its address "
    "by --api-url"
)
SECONDS = 15.0


def approve(
    name: Name,
    reason: Annotated[str, typer.Option("--reason", "-r", help="Why, for the history.")] = "",
    revision: Annotated[
        str, typer.Option(help="The version that is meant; any if left out.", show_default=False)
    ] = "",
    api_url: Annotated[
        str,
        typer.Option(
            envvar="LINNET_API_URL",
            help="Where the operator's API is; through the API server's proxy if left out.",
            show_default=False,
        ),
    ] = "",
    token_file: Annotated[
        str,
        typer.Option(
            help="File with your token; the kubeconfig's if left out.", show_default=False
        ),
    ] = "",
    namespace: Namespace = "",
    context: Context = "",
    kubeconfig: Kubeconfig = "",
) -> None:
    """Approve the present step of a release.

    Counts once for each person, for this version in this step. It takes the verb approve on
    canaryreleases. Exit code 0: approved. 1: refused. 2: there is no such release. 3: the cluster
    or the operator can't be asked.
    """  # fmt: skip

    async def work(cluster: Cluster) -> RequestStatus:
        await releases.one(cluster, name)
        token = read_token(token_file) or await cluster.client.token()
        if not token:
            raise BadInput(UNKNOWN)
        body = Approve(namespace=cluster.namespace, name=name, reason=reason, revision=revision)
        sent = body.model_dump(mode="json", by_alias=True)
        if api_url:
            answer = await directly(api_url, token, sent)
        else:
            answer = await by_proxy(cluster, token, sent)
        return RequestStatus.model_validate(answer)

    with ending():
        try:
            found = ask(Place(context, kubeconfig, namespace), work)
        except Refused as refused:
            say(f"{name}: Approve was refused: {refused}")
            raise typer.Exit(NOT_WELL) from None
    sys.stdout.write(f"{name}: {found.outcome.lower()}: {found.message}\n")


class Refused(Exception):
    """The release can't be approved now; the text says why."""


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


async def by_proxy(cluster: Cluster, token: str, body: Manifest) -> Manifest:
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
            return await cluster.client.send(f"{place}{PATH}", body, headers)
        except ObjectMissing:
            continue  # the API is off there, or it works on other releases
        except Conflict as error:
            raise Refused(str(error)) from error
    raise BadInput(NO_API)


async def directly(url: str, token: str, body: Manifest) -> Manifest:
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
            session.post(f"{url.rstrip('/')}{PATH}", json=body) as answer,
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
