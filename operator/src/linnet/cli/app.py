"""The command `linnet`, also as `kubectl linnet`.

Exit codes: 0 is well, 1 is what the command was to find out about and isn't well, 2 is input that
can't be used, 3 is a cluster that can't be asked or doesn't let you, 4 is time that ran out.
"""

import typer

from linnet.cli.commands import PAGE, Lazy

app = typer.Typer(
    name="linnet",
    cls=Lazy,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings=PAGE,
)


@app.callback()
def every() -> None:
    """Releases that move real traffic in steps: see them, act on them, rehearse their policy.

    `linnet COMMAND --help` says more.
    """  # fmt: skip
