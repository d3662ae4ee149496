"""`linnet metrics`."""

import sys
from datetime import datetime
from typing import Annotated, Any

import typer
from rich.console import Group, RenderableType
from rich.text import Text

from linnet.cli.cluster import releases, tree, words
from linnet.cli.cluster.connection import Cluster, Place, ask
from linnet.cli.cluster.options import Context, Kubeconfig, Name, Namespace, Output
from linnet.cli.output import Shape, console, ending, shaped
from linnet.controller.release import Release
from linnet.core.catalog import checks
from linnet.core.observed import Sample
from linnet.providers.metrics.prometheus import Prometheus
from linnet.review.limits import goes_on, rolls_back
from linnet.review.silence import asked_of_stable


def metrics(
    name: Name,
    prometheus: Annotated[
        str, typer.Option(help="Ask this Prometheus for stable's values, too.")
    ] = "",
    output: Output = Shape.TABLE,
    namespace: Namespace = "",
    context: Context = "",
    kubeconfig: Kubeconfig = "",
) -> None:
    """Read out what was measured, against its limits.

    Exit code 0: found. 2: there is no such release. 3: the cluster can't be asked.
    """  # fmt: skip

    async def read(cluster: Cluster) -> tuple[Release, dict[str, Sample], datetime]:
        release = await releases.one(cluster, name)
        stable = await stable_values(release, prometheus) if prometheus else {}
        return release, stable, cluster.now()

    with ending():
        release, stable, now = ask(Place(context, kubeconfig, namespace), read)
    if output is not Shape.TABLE:
        sys.stdout.write(shaped(as_data(release, stable), output))
    else:
        console().print(told(release, stable, now))


async def stable_values(release: Release, url: str) -> dict[str, Sample]:
    """Each check's value for stable's pods, now."""
    asked = asked_of_stable(release.spec, release.key.namespace, release.key.name)
    client, found = Prometheus(url), {}
    try:
        for check in checks(release.spec.analysis):
            found[check.name] = await client.query(asked[f"spec.analysis.metrics[{check.name}]"])
    finally:
        await client.close()
    return found


def told(release: Release, stable: dict[str, Sample], now: datetime) -> RenderableType:
    """The last measurements for people."""
    status = release.status
    if not status.metrics and not stable:
        return "nothing has been measured yet: checks are measured while the canary has traffic"
    parts: list[RenderableType] = []
    if status.metrics:
        age = words.age(status.analysed_at, now)
        parts += [Text(f"canary {status.canary_revision}, measured {age} ago", "bold")]
        parts += [tree.measurements(release.spec, status)]
    if status.comparison is not None and status.comparison.findings:
        parts += [Text("canary against stable", "bold"), tree.findings(status)]
    if stable:
        table = tree.bare("check", "value")
        units = {check.name: check.unit for check in checks(release.spec.analysis)}
        for name, sample in stable.items():
            value = "–" if sample.value is None else f"{sample.value:.4g}{units[name]}"
            table.add_row(name, sample.error or value)
        parts += [Text(f"stable {status.stable_revision}, now", "bold"), table]
    return Group(*parts)


def as_data(release: Release, stable: dict[str, Sample]) -> dict[str, Any]:
    """The same for programs."""
    limits = {check.name: check for check in checks(release.spec.analysis)}
    canary = [
        {
            **metric.model_dump(mode="json", by_alias=True, exclude_none=True),
            "goesOn": goes_on(limits[metric.name]),
            "rollsBack": rolls_back(limits[metric.name]),
        }
        for metric in release.status.metrics
        if metric.name in limits
    ]
    values = {name: sample.error or sample.value for name, sample in stable.items()}
    return {"canary": canary, "stable": values}
