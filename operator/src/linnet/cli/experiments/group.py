"""The commands of `linnet experiment`."""

import typer

from linnet.cli.commands import PAGE
from linnet.cli.experiments.plan import plan
from linnet.cli.experiments.read import read

experiment = typer.Typer(
    name="experiment",
    help="Plan an A/B experiment, or read one's data.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    context_settings=PAGE,
)
experiment.command("plan", context_settings=PAGE)(plan)
experiment.command("read", context_settings=PAGE)(read)
