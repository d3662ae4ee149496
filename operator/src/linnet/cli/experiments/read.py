"""`linnet experiment read`: what an experiment's data say."""

import sys
from enum import StrEnum
from typing import Annotated

import typer
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from linnet.cli.experiments.files import written
from linnet.cli.experiments.styles import STYLES
from linnet.cli.output import NOT_WELL, as_json, console, ending
from linnet.experiment import report as reports
from linnet.experiment import tables
from linnet.experiment.html import html
from linnet.experiment.markdown import markdown
from linnet.experiment.report import Report


class Written(StrEnum):
    """Forms of a report."""

    TABLE = "table"
    JSON = "json"
    MARKDOWN = "markdown"
    HTML = "html"


def read(
    file: Annotated[
        str,
        typer.Argument(
            metavar="FILE",
            help="Experiment and data, YAML or JSON, - for standard input: see "
            "docs/experiments.md.",
        ),
    ],
    output: Annotated[
        Written, typer.Option("--output", "-o", help="table, json, markdown or html.")
    ] = Written.TABLE,
) -> None:
    """Say what an experiment's data show, and what to do.

    May be asked as often as one likes: the chance of a false claim covers all looks. Exit code 0:
    a success, or still running. 1: conditional, a failure, or invalid. 2: input that can't be
    used.
    """  # fmt: skip
    with ending():
        found = written(file)
    told = reports.report(found.spec, found.data, found.data.until, found.name, found.versions)
    tell(told, output)


def tell(told: Report, output: Written) -> None:
    """Print a report, and end the command by its result.

    Raises:
        typer.Exit: it is neither a success nor still running.
    """
    match output:
        case Written.JSON:
            sys.stdout.write(as_json(reports.as_json(told)) + "\n")
        case Written.MARKDOWN:
            sys.stdout.write(markdown(told))
        case Written.HTML:
            sys.stdout.write(html(told))
        case Written.TABLE:
            console().print(_told(told))
    if told.result not in ("Success", "Running"):
        raise typer.Exit(NOT_WELL)


def _told(told: Report) -> RenderableType:
    head = Text(f"{told.name}: ")
    head.append(told.result, STYLES.get(told.result, ""))
    head.append(f". {told.advice}")
    why = Text(told.why, "dim")
    said = [Text(f"- {each}") for each in tables.trust(told)]
    return Group(head, why, "", _table(tables.metrics(told)), "", *said)


def _table(found: tables.Table) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in found.head:
        table.add_column(name, overflow="fold")
    for row in found.rows:
        table.add_row(*(Text(cell) for cell in row))
    return table
