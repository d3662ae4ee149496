"""`linnet completion`."""

import sys
from enum import StrEnum
from typing import Annotated

import typer
from typer.completion import get_completion_script  # type: ignore[attr-defined]

PROGRAM, VARIABLE = "linnet", "_LINNET_COMPLETE"


class Shell(StrEnum):
    """Shells that can complete."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"
    POWERSHELL = "powershell"


def completion(shell: Annotated[Shell, typer.Argument(help="Which shell.")]) -> None:
    """Print what makes a shell complete commands.

    For bash: source <(linnet completion bash)
    """  # fmt: skip
    script = get_completion_script(prog_name=PROGRAM, complete_var=VARIABLE, shell=str(shell))
    sys.stdout.write(script + "\n")
