"""`linnet get`."""

import sys
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from linnet.cli.cluster import releases, words
from linnet.cli.cluster.connection import Cluster, Place, ask
from linnet.cli.cluster.options import Context, Kubeconfig, Namespace, Output
from linnet.cli.output import Shape, ending, shaped, wide
from linnet.controller.release import read_status
from linnet.providers.kubernetes import Manifest


def get(
    name: Annotated[str | None, typer.Argument(help="A release; all of them if left out.")] = None,
    everywhere: Annotated[
        bool, typer.Option("--all-namespaces", "-A", help="In all namespaces.")
    ] = False,
    output: Output = Shape.TABLE,
    namespace: Namespace = "",
    context: Context = "",
    kubeconfig: Kubeconfig = "",
) -> None:
    """List releases, or show one.

    As json and yaml: the objects as the API server has them. Exit code 0: found. 2: there is no
    such release. 3: the cluster can't be asked.
    """  # fmt: skip

    async def read(cluster: Cluster) -> tuple[Any, Sequence[Manifest], datetime]:
        if name is not None:
            found = await releases.manifest(cluster, name)
            return found, [found], cluster.now()
        several = await releases.several(cluster, everywhere=everywhere)
        return _listed(several), several, cluster.now()

    with ending():
        whole, found, now = ask(Place(context, kubeconfig, namespace), read)
    if output is not Shape.TABLE:
        sys.stdout.write(shaped(whole, output))
    elif found:
        wide().print(table(found, now, namespaces=everywhere))
    else:
        sys.stderr.write("no CanaryReleases; linnet get -A looks in all namespaces\n")


def _listed(found: Sequence[Manifest]) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "List", "items": list(found)}


def table(found: Iterable[Manifest], now: datetime, *, namespaces: bool) -> Table:
    """One line for each release."""
    made = Table(box=None, pad_edge=False, header_style="dim")
    columns = ("name", "phase", "since", "weight", "step", "stable", "canary")
    for column in ("namespace", *columns) if namespaces else columns:
        made.add_column(column, no_wrap=True)
    made.add_column("message", overflow="fold")
    for manifest in found:
        row = cells(manifest, now)
        made.add_row(*([manifest["metadata"]["namespace"]] if namespaces else []), *row)
    return made


def cells(manifest: Manifest, now: datetime) -> list[str | Text]:
    """What a release is at, in the order of the columns from `name` on."""
    status = read_status(manifest)
    resting = words.at_rest(status)
    suspended = (manifest.get("spec") or {}).get("suspend", False)
    return [
        manifest["metadata"]["name"],
        words.phase(status) + (Text(" (suspended)", "yellow") if suspended else Text("")),
        words.age(status.phase_since, now),
        "" if resting else f"{status.weight.wanted} %",
        status.progress,
        status.stable_revision or "–",
        "" if resting else status.canary_revision,
        Text(status.message),
    ]
