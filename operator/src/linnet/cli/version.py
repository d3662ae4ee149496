"""`linnet version`."""

import sys
from importlib.metadata import version as installed
from typing import Annotated, Any

import typer

from linnet.cli.cluster import operators
from linnet.cli.cluster.connection import Place, look
from linnet.cli.cluster.options import Context, Kubeconfig, Output
from linnet.cli.output import Shape, shaped


def version(
    client: Annotated[bool, typer.Option("--client", help="Don't ask the cluster.")] = False,
    output: Output = Shape.TABLE,
    context: Context = "",
    kubeconfig: Kubeconfig = "",
) -> None:
    """Say the version of this command, and of the operator.

    A cluster that can't be asked is told, and is no error. Exit code 0.
    """  # fmt: skip
    found: dict[str, Any] = {"client": installed("linnet-operator")}
    if not client:
        answer = look(Place(context, kubeconfig), operators.running)
        if isinstance(answer, str):
            found["problem"] = answer
        else:
            found["operators"] = answer
    if output is not Shape.TABLE:
        sys.stdout.write(shaped(found, output))
        return
    sys.stdout.write(f"client    {found['client']}\n")
    if "problem" in found:
        sys.stdout.write(f"operator  can't be told: {found['problem']}\n")
    for each in found.get("operators", ()):
        sys.stdout.write(f"operator  {each['version']} in {each['namespace']} ({each['image']})\n")
    if found.get("operators") == []:
        sys.stdout.write("operator  none is installed in this cluster\n")
