"""All commands of `linnet`.

Exit codes: 0 is well, 1 is what the command was to find out about and isn't well, 2 is input that
can't be used.
"""

import typer

from linnet.cli.backtest import backtest
from linnet.cli.lint import lint
from linnet.cli.simulate import simulate

app = typer.Typer(
    name="linnet",
    help="Rehearse a release's policy before a release trusts it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command()(simulate)
app.command()(lint)
app.command()(backtest)


@app.callback()
def every() -> None:
    """Rehearse a release's policy before a release trusts it."""
