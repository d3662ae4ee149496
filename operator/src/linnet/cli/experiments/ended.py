"""`linnet experiment stop` and `linnet experiment decide`: sent to the operator's own API."""

from enum import StrEnum
from typing import Annotated

import typer

from linnet.api.http import Act, Named
from linnet.api.http_experiments import Decide
from linnet.api.request import RequestStatus
from linnet.cli.cluster import releases
from linnet.cli.cluster.calling import ApiUrl, Door, TokenFile, call, have_done
from linnet.cli.cluster.connection import Cluster, Place
from linnet.cli.cluster.options import Context, Kubeconfig, Name, Namespace
from linnet.cli.output import BadInput

PATH = "/api/v2/experiments"
Why = Annotated[str, typer.Option("--reason", "-r", help="Why, for the history and the report.")]


class Word(StrEnum):
    """What a person may decide."""

    SUCCESS = "success"
    FAILURE = "failure"


def stop(
    name: Name,
    reason: Why = "",
    api_url: ApiUrl = "",
    token_file: TokenFile = "",
    namespace: Namespace = "",
    context: Context = "",
    kubeconfig: Kubeconfig = "",
) -> None:
    """End a release's experiment now, without a result.

    The release then waits for `linnet experiment decide`. It takes the verb decide on
    canaryreleases. Exit code 0: stopped. 1: refused. 2: there is no such release. 3: the cluster or
    the operator can't be asked.
    """  # fmt: skip

    async def work(cluster: Cluster) -> RequestStatus:
        body = Act(namespace=cluster.namespace, name=name, reason=reason)
        return await _sent(cluster, Door(api_url, token_file), "stop", body)

    have_done(Place(context, kubeconfig, namespace), name, "Stop", work)


def decide(
    name: Name,
    result: Annotated[Word, typer.Argument(help="success or failure.")],
    reason: Why = "",
    revision: Annotated[
        str, typer.Option(help="The version that is meant; any if left out.", show_default=False)
    ] = "",
    api_url: ApiUrl = "",
    token_file: TokenFile = "",
    namespace: Namespace = "",
    context: Context = "",
    kubeconfig: Kubeconfig = "",
) -> None:
    """Decide what becomes of a release's experiment, whatever its rules say.

    With success the release goes on, with failure it is rolled back. It takes the verb decide on
    canaryreleases, and a reason. Exit code 0: decided. 1: refused. 2: there is no such release, or
    no reason. 3: the cluster or the operator can't be asked.
    """  # fmt: skip

    async def work(cluster: Cluster) -> RequestStatus:
        if not reason:
            raise BadInput("--reason: say why: it goes into the history and the report")
        body = Decide.model_validate(
            {
                "namespace": cluster.namespace,
                "name": name,
                "reason": reason,
                "result": result.capitalize(),
                "revision": revision,
            }
        )
        return await _sent(cluster, Door(api_url, token_file), "decide", body)

    have_done(Place(context, kubeconfig, namespace), name, "Decide", work)


async def _sent(cluster: Cluster, door: Door, how: str, body: Named) -> RequestStatus:
    await releases.one(cluster, body.name)
    return await call(cluster, door, f"{PATH}/{how}", body)
