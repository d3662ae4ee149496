"""`linnet report`."""

import json
import sys
from enum import StrEnum
from typing import Annotated

import typer

from linnet.cli.cluster import releases
from linnet.cli.cluster.connection import Cluster, Place, ask
from linnet.cli.cluster.options import Context, Kubeconfig, Name, Namespace
from linnet.cli.cluster.samples import Sampled, sampled
from linnet.cli.output import BadInput, ending
from linnet.cli.report.markdown import markdown
from linnet.cli.report.page import page
from linnet.controller.release import Release
from linnet.core.revision import template_revision
from linnet.providers.kubernetes import DEPLOYMENTS
from linnet.review.report import Report
from linnet.review.reporting import Known, NoRelease, chosen, span
from linnet.review.reporting import report as reported


class Paper(StrEnum):
    """Forms of a report."""

    MARKDOWN = "markdown"
    JSON = "json"
    HTML = "html"


def report(
    name: Name,
    revision: Annotated[
        str,
        typer.Option(help="The version whose release; the last if left out.", show_default=False),
    ] = "",
    prometheus: Annotated[
        str,
        typer.Option(
            help="Where to ask for the samples; where the operator does if left out.",
            show_default=False,
        ),
    ] = "",
    without_samples: Annotated[
        bool, typer.Option("--no-samples", help="Don't ask Prometheus.")
    ] = False,
    output: Annotated[
        Paper, typer.Option("--output", "-o", help="markdown, json or html.")
    ] = Paper.MARKDOWN,
    namespace: Namespace = "",
    context: Context = "",
    kubeconfig: Kubeconfig = "",
) -> None:
    """Write the report of a release: what was released, measured, decided, by whom.

    With the samples that Prometheus still has, against both limits, and how long it took to detect
    and to roll back. The resource keeps its last 20 decisions, and of the last release alone what
    was measured: the report says what it doesn't know. Exit code 0: written. 2: there is no such
    release. 3: the cluster can't be asked.
    """  # fmt: skip

    async def work(cluster: Cluster) -> Report:
        release = await releases.one(cluster, name)
        return await written(cluster, release, revision, prometheus, samples=not without_samples)

    with ending():
        found = ask(Place(context, kubeconfig, namespace), work)
    sys.stdout.write(as_text(found, output))


async def written(
    cluster: Cluster, release: Release, revision: str, prometheus: str, *, samples: bool
) -> Report:
    """The report of the last release, or of the last one of a version.

    Raises:
        BadInput: there is none.
    """
    status, now = release.status, cluster.now()
    try:
        chapter = chosen(status, revision)
    except NoRelease as error:
        raise BadInput(f"{release.key.name}: {error}") from error
    since, until = span(status, chapter, now)
    measured = Sampled({}, ("The samples: they were not asked for.",))
    if samples:
        measured = await sampled(cluster, release, prometheus, since, until)
    asked_revision, images = await _asked(cluster, release)
    known = Known(
        namespace=release.key.namespace,
        name=release.key.name,
        spec=release.spec,
        status=status,
        asked_revision=asked_revision,
        images=images,
        samples=measured.samples,
        problems=measured.problems,
    )
    return reported(known, chapter, now)


async def _asked(cluster: Cluster, release: Release) -> tuple[str, tuple[str, ...]]:
    """The revision that the Deployment asks for, and its images; nothing where there is none."""
    target = release.target
    found = await cluster.client.get(DEPLOYMENTS, target.namespace, target.name)
    if found is None:
        return "", ()
    template = found["spec"]["template"]
    images = tuple(each["image"] for each in template["spec"]["containers"])
    return template_revision(template), images


def as_text(found: Report, paper: Paper) -> str:
    """The report in a form."""
    if paper is Paper.MARKDOWN:
        return markdown(found)
    if paper is Paper.HTML:
        return page(found)
    data = found.model_dump(mode="json", by_alias=True, exclude_none=True)
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"
