"""`linnet approve`: sent to the operator itself, which has to know who approves."""

from typing import Annotated

import typer

from linnet.api.http import Approve
from linnet.api.request import RequestStatus
from linnet.cli.cluster import releases
from linnet.cli.cluster.calling import ApiUrl, Door, TokenFile, call, have_done
from linnet.cli.cluster.connection import Cluster, Place
from linnet.cli.cluster.options import Context, Kubeconfig, Name, Namespace

PATH = "/api/v2/canary/approve"


def approve(
    name: Name,
    reason: Annotated[str, typer.Option("--reason", "-r", help="Why, for the history.")] = "",
    revision: Annotated[
        str, typer.Option(help="The version that is meant; any if left out.", show_default=False)
    ] = "",
    api_url: ApiUrl = "",
    token_file: TokenFile = "",
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
        body = Approve(namespace=cluster.namespace, name=name, reason=reason, revision=revision)
        return await call(cluster, Door(api_url, token_file), PATH, body)

    have_done(Place(context, kubeconfig, namespace), name, "Approve", work)
