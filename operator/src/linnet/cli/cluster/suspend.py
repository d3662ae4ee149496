"""`linnet pause` and `linnet resume`."""

import sys

from linnet.cli.cluster import releases
from linnet.cli.cluster.connection import Cluster, Place, ask
from linnet.cli.cluster.options import Context, Kubeconfig, Name, Namespace
from linnet.cli.output import ending
from linnet.providers.kubernetes import CANARYRELEASES

PAUSED = "paused: no release starts, and none goes on; rollback stays armed"
RESUMED = "resumed: it goes on as soon as its checks allow"


def pause(
    name: Name, namespace: Namespace = "", context: Context = "", kubeconfig: Kubeconfig = ""
) -> None:
    """Freeze a release where it is; rollback stays armed.

    Sets spec.suspend. A promotion that has begun goes on. Exit code 0: it is paused. 2: there is no
    such release. 3: the cluster can't be asked.
    """  # fmt: skip
    with ending():
        ask(Place(context, kubeconfig, namespace), lambda at: suspend(at, name, wanted=True))


def resume(
    name: Name, namespace: Namespace = "", context: Context = "", kubeconfig: Kubeconfig = ""
) -> None:
    """Let a paused release go on.

    Clears spec.suspend. Exit code 0: it isn't paused. 2: there is no such release. 3: the cluster
    can't be asked.
    """  # fmt: skip
    with ending():
        ask(Place(context, kubeconfig, namespace), lambda at: suspend(at, name, wanted=False))


async def suspend(cluster: Cluster, name: str, *, wanted: bool) -> None:
    """Have a release suspended or not, and say so."""
    release = await releases.one(cluster, name)
    said = PAUSED if wanted else RESUMED
    if release.spec.suspend is wanted:
        said = "is paused already" if wanted else "isn't paused"
    else:
        patch = {"spec": {"suspend": wanted}}
        await cluster.client.patch(CANARYRELEASES, cluster.namespace, name, patch)
    sys.stdout.write(f"{name}: {said}\n")
