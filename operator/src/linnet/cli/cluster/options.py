"""Options that several commands have, and what they say."""

from datetime import timedelta
from typing import Annotated

import typer

from linnet.api.types import parse_duration
from linnet.cli.output import BadInput, Shape

Name = Annotated[str, typer.Argument(help="The release.")]
Output = Annotated[Shape, typer.Option("--output", "-o", help="table, json or yaml.")]
Context = Annotated[
    str, typer.Option("--context", help="Context of the kubeconfig; its current one if left out.")
]
Kubeconfig = Annotated[
    str, typer.Option("--kubeconfig", envvar="KUBECONFIG", help="File that names the cluster.")
]
Namespace = Annotated[
    str, typer.Option("--namespace", "-n", help="Namespace; the context's if left out.")
]


def duration(option: str, text: str) -> timedelta:
    """A span that was given to an option.

    Raises:
        BadInput: it is none.
    """
    try:
        return parse_duration(text)
    except ValueError as error:
        raise BadInput(f"{option}: {error}") from error
