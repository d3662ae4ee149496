"""`linnet experiment status` and `linnet experiment report`: of a release on a cluster."""

import sys
from typing import Annotated

import typer
from rich.console import Group
from rich.table import Table
from rich.text import Text

from linnet.api.experiment_step import ExperimentStatus
from linnet.cli.cluster import releases, trial
from linnet.cli.cluster.connection import Cluster, Place, ask
from linnet.cli.cluster.options import Context, Kubeconfig, Name, Namespace, Output
from linnet.cli.experiments.read import Written, tell
from linnet.cli.output import BadInput, Shape, console, ending, shaped
from linnet.controller.release import Release
from linnet.experiment.asked import asked_for
from linnet.experiment.report import Report, of_record
from linnet.providers.records import ConfigMapRecords


def status(
    name: Name,
    output: Output = Shape.TABLE,
    namespace: Namespace = "",
    context: Context = "",
    kubeconfig: Kubeconfig = "",
) -> None:
    """Show a release's experiment: its result, users, and each metric with its interval.

    As of the operator's last look. Exit code 0: found. 2: there is no such release, or it has had
    no experiment. 3: the cluster can't be asked.
    """  # fmt: skip

    async def read(cluster: Cluster) -> None:
        release = await releases.one(cluster, name)
        one = _of(release)
        if output is not Shape.TABLE:
            told = one.model_dump(mode="json", by_alias=True, exclude_none=True)
            sys.stdout.write(shaped(told, output))
            return
        known = Table(box=None, pad_edge=False, show_header=False)
        asked = asked_for(release.spec)
        for term, text in trial.facts(one, asked, cluster.now()):
            known.add_row(term, Text(text))
        parts = (trial.head(one), known, "", trial.table(one, asked))
        console().print(Group(*parts))

    with ending():
        ask(Place(context, kubeconfig, namespace), read)


def report(
    name: Name,
    revision: Annotated[
        str,
        typer.Option(help="The version; the latest experiment's if left out.", show_default=False),
    ] = "",
    output: Annotated[
        Written, typer.Option("--output", "-o", help="table, json, markdown or html.")
    ] = Written.TABLE,
    namespace: Namespace = "",
    context: Context = "",
    kubeconfig: Kubeconfig = "",
) -> None:
    """Write the report of a release's experiment.

    Of what was kept last, in the ConfigMap RELEASE-experiment-VERSION, which you need the right to
    get. Exit code 0: a success, or still running. 1: any other result. 2: there is no such release
    or no such experiment. 3: the cluster can't be asked.
    """  # fmt: skip

    async def read(cluster: Cluster) -> Report:
        release = await releases.one(cluster, name)
        wanted = revision or _of(release).revision
        records = ConfigMapRecords(cluster.client)
        try:
            found = await records.find(cluster.namespace, name, wanted)
            if found is not None:
                return of_record(found, cluster.now())
        except ValueError as error:
            raise BadInput(str(error)) from error
        raise BadInput(f"{name}: no record is kept of an experiment with {wanted}")

    with ending():
        told = ask(Place(context, kubeconfig, namespace), read)
    tell(told, output)


def _of(release: Release) -> ExperimentStatus:
    """The latest experiment of a release.

    Raises:
        BadInput: it has had none.
    """
    one = release.status.experiment
    if one is None:
        raise BadInput(f"{release.key.name}: has had no experiment: see spec.steps[].experiment")
    return one
