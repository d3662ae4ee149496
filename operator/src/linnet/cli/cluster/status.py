"""`linnet status`."""

import asyncio
import sys
from typing import Annotated

import typer
from rich.live import Live

from linnet.cli.cluster import releases, tree
from linnet.cli.cluster.connection import Cluster, Place, ask
from linnet.cli.cluster.options import Context, Kubeconfig, Name, Namespace, Output
from linnet.cli.output import Shape, console, ending, shaped
from linnet.controller.release import Release

EVERY_SECONDS = 1.0


def status(
    name: Name,
    watch: Annotated[
        bool, typer.Option("--watch", "-w", help="Go on showing it, until Ctrl-C.")
    ] = False,
    output: Output = Shape.TABLE,
    namespace: Namespace = "",
    context: Context = "",
    kubeconfig: Kubeconfig = "",
) -> None:
    """Show what a release is doing, and why.

    Weights, the step and what comes next, each check with its value and both limits, the
    comparison, conditions and the last decisions. With -w it is read each second: in a terminal
    shown in place, else one line for each change. Exit code 0: found. 2: there is no such release.
    3: the cluster can't be asked.
    """  # fmt: skip

    async def read(cluster: Cluster) -> None:
        release = await releases.one(cluster, name)
        if output is not Shape.TABLE:
            sys.stdout.write(shaped(release.manifest.get("status") or {}, output))
        elif not watch:
            console().print(tree.tree(release, cluster.now()))
        elif console().is_terminal:
            await _in_place(cluster, release)
        else:
            await _by_lines(cluster, release)

    with ending():
        try:
            ask(Place(context, kubeconfig, namespace), read)
        except KeyboardInterrupt:
            raise typer.Exit from None


async def _in_place(cluster: Cluster, release: Release) -> None:
    """Show the tree again and again where it stands."""
    with Live(console=console(), auto_refresh=False) as live:
        while True:
            live.update(tree.tree(release, cluster.now()), refresh=True)
            await asyncio.sleep(EVERY_SECONDS)
            release = await releases.one(cluster, release.key.name)


async def _by_lines(cluster: Cluster, release: Release) -> None:
    """Print a line whenever something else is so."""
    before = ""
    while True:
        line = tree.line(release)
        if line != before:
            sys.stdout.write(f"{cluster.now():%Y-%m-%dT%H:%M:%SZ}  {line}\n")
            sys.stdout.flush()
        before = line
        await asyncio.sleep(EVERY_SECONDS)
        release = await releases.one(cluster, release.key.name)
