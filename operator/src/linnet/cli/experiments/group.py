"""The commands of `linnet experiment`."""

import typer

from linnet.cli.commands import PAGE
from linnet.cli.experiments.ended import decide, stop
from linnet.cli.experiments.plan import plan
from linnet.cli.experiments.read import read
from linnet.cli.experiments.seen import report, status

experiment = typer.Typer(
    name="experiment",
    help="Plan an A/B experiment, read one's data, or see and end a release's.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    context_settings=PAGE,
)
experiment.command("plan", context_settings=PAGE)(plan)
experiment.command("read", context_settings=PAGE)(read)
experiment.command("status", context_settings=PAGE)(status)
experiment.command("report", context_settings=PAGE)(report)
experiment.command("stop", context_settings=PAGE)(stop)
experiment.command("decide", context_settings=PAGE)(decide)
