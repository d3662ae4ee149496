"""`linnet deploy`."""

import sys
from datetime import timedelta
from typing import Annotated

import typer

from linnet.api.types import format_duration
from linnet.cli.cluster import releases
from linnet.cli.cluster.connection import Cluster, Place, ask
from linnet.cli.cluster.ends import PROMOTED, WEIGHT, End, Goal
from linnet.cli.cluster.follow import settle, until
from linnet.cli.cluster.options import Context, Kubeconfig, Name, Namespace, duration
from linnet.cli.cluster.suspend import suspend
from linnet.cli.output import BadInput, ending
from linnet.controller.release import Release
from linnet.providers.kubernetes import DEPLOYMENTS, Manifest


def deploy(
    name: Name,
    image: Annotated[
        str, typer.Option(help="The new image; if left out, what was changed already is watched.")
    ] = "",
    container: Annotated[
        str, typer.Option("--container", "-c", help="Which container; the first if left out.")
    ] = "",
    weight: Annotated[
        int, typer.Option(min=0, max=100, help="Stay at this step's weight, in percent; 0: go on.")
    ] = 0,
    watch: Annotated[str, typer.Option(help="How long to watch it, e.g. 60m.")] = "1h",
    namespace: Namespace = "",
    context: Context = "",
    kubeconfig: Kubeconfig = "",
) -> None:
    """Release a new image, and watch it.

    With --weight the release is paused once that weight has been reached, so that it stays there
    while it is watched, and afterwards; `linnet resume` lets it go on. Exit code 0: promoted, or
    well for as long as it was watched. 1: rolled back. 2: there is no such release, container or
    step. 3: the cluster can't be asked. 4: the weight was not reached in that time.
    """  # fmt: skip
    with ending():
        longest = duration("--watch", watch)

        async def work(cluster: Cluster) -> None:
            release = await releases.one(cluster, name)
            check(release, weight)
            if image:
                await _set_image(cluster, release, container, image)
            if weight:
                settle(name, await until(cluster, name, Goal(WEIGHT, weight), longest))
                await suspend(cluster, name, wanted=True)
            _watched(name, weight, longest, await until(cluster, name, Goal(PROMOTED), longest))

        ask(Place(context, kubeconfig, namespace), work)


def check(release: Release, weight: int) -> None:
    """See that the weight can be stayed at.

    Raises:
        BadInput: it is no step's, or the release is paused.
    """
    weights = [step.weight for step in release.spec.steps]
    if weight and weight not in weights:
        there = ", ".join(map(str, weights))
        raise BadInput(f"--weight {weight}: is no step of {release.key.name}: there are {there}")
    if release.spec.suspend:
        raise BadInput(f"{release.key.name} is paused: linnet resume {release.key.name}")


def image_patch(deployment: Manifest, container: str, image: str) -> list[Manifest]:
    """The JSON patch that sets a container's image, and nothing if it is another by then.

    Raises:
        BadInput: there is no such container.
    """
    names = [each["name"] for each in deployment["spec"]["template"]["spec"]["containers"]]
    wanted = container or names[0]
    if wanted not in names:
        raise BadInput(f"--container {container}: there are {', '.join(names)}")
    place = f"/spec/template/spec/containers/{names.index(wanted)}"
    return [
        {"op": "test", "path": f"{place}/name", "value": wanted},
        {"op": "replace", "path": f"{place}/image", "value": image},
    ]


async def _set_image(cluster: Cluster, release: Release, container: str, image: str) -> None:
    namespace, target = release.key.namespace, release.target.name
    found = await cluster.client.get(DEPLOYMENTS, namespace, target)
    if found is None:
        raise BadInput(f"{release.key.name}: there is no Deployment {target}")
    patch = image_patch(found, container, image)
    await cluster.client.patch(DEPLOYMENTS, namespace, target, patch)


def _watched(name: str, weight: int, longest: timedelta, found: End | None) -> None:
    """Tell how it went. A release that is still under way is well: it would have gone else."""
    if found is not None:
        settle(name, found)
        return
    if not weight:
        sys.stdout.write(f"{name}: well for {format_duration(longest)}, and still under way\n")
        return
    sys.stdout.write(
        f"{name}: well for {format_duration(longest)} at {weight} %: linnet resume {name} goes on, "
        f"linnet rollback {name} ends it\n"
    )
