"""The outputs of docs/commands.md, and a picture of each command."""

import shlex
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

from hack import rehearse
from hack.sessions.pictures import cut, picture, plain
from hack.sessions.story import Session, told

PAGE = Path("docs/commands.md")
PICTURES = Path("docs/examples/terminal")
REHEARSED, EXPERIMENTS = Path("docs/rehearse.md"), Path("docs/experiments.md")
ALONE = {
    "simulate": REHEARSED,
    "lint": REHEARSED,
    "backtest": REHEARSED,
    "experiment": EXPERIMENTS,
}
"""Commands without a cluster, and the pages that have their outputs already."""


def main() -> int:
    """Write what has changed."""
    for path, text in written().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.is_file() or path.read_text() != text:
            path.write_text(text)
            sys.stdout.write(f"wrote {path}\n")
    return 0


@cache
def day() -> tuple[Session, ...]:
    """The sessions, played once."""
    return tuple(told())


def written() -> dict[Path, str]:
    """Each file with the text that it has to have."""
    return {PAGE: rehearse.rewritten(PAGE.read_text(), printer(day())), **pictures(day())}


def printer(sessions: tuple[Session, ...]) -> Callable[[str], str | None]:
    """What a command of the page prints; None for one that isn't played."""
    known = {each.command: cut(plain(each.printed)) for each in sessions}
    return known.get


def pictures(sessions: tuple[Session, ...]) -> dict[Path, str]:
    """A picture of each command, the first time that it is typed."""
    found: dict[Path, str] = {}
    for each in (*sessions, *alone()):
        file = PICTURES / f"{shlex.split(each.command)[0]}.svg"
        found.setdefault(file, picture(each))
    return found


def alone() -> list[Session]:
    """Commands without a cluster, as their own pages have them."""
    found = []
    for name, page in ALONE.items():
        outputs = rehearse.outputs(page.read_text())
        first = next(command for command in outputs if shlex.split(command)[0] == name)
        found.append(Session(first, outputs[first]))
    return found
