"""`linnet wait`."""

from typing import Annotated

import typer

from linnet.cli.cluster import ends
from linnet.cli.cluster.connection import Place, ask
from linnet.cli.cluster.follow import follow
from linnet.cli.cluster.options import Context, Kubeconfig, Name, Namespace, duration
from linnet.cli.output import ending


def wait(
    name: Name,
    until: Annotated[
        str,
        typer.Option("--for", help="promoted, rolledback, ended, started, or weight=N (percent)."),
    ] = ends.PROMOTED,
    timeout: Annotated[str, typer.Option(help="How long at most, e.g. 90s or 2h.")] = "1h",
    namespace: Namespace = "",
    context: Context = "",
    kubeconfig: Kubeconfig = "",
) -> None:
    """Wait until a release has come to something.

    What counts is the version that the Deployment asks for now: right after a change of it no
    earlier release is mistaken for the one to come. Decisions are told on standard error meanwhile.
    Exit code 0: reached. 1: the release has ended otherwise. 2: there is no such release. 3: the
    cluster can't be asked. 4: time has run out.
    """  # fmt: skip
    with ending():
        wanted, longest = ends.goal(until), duration("--timeout", timeout)
        ask(Place(context, kubeconfig, namespace), lambda at: follow(at, name, wanted, longest))
