"""The outputs of `linnet` in `docs/`: written by `python -m hack.rehearse`.

A block of the pages that begins with `$ linnet ...` is what that command prints. Each is written
anew; a command that ends with `--picture FILE` draws that file beside the page.
"""

import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from itertools import takewhile
from pathlib import Path

PAGES = (Path("docs/rehearse.md"), Path("docs/comparison.md"))
FENCE, PROMPT = "```", "$ linnet "
PROGRAM = Path(sys.executable).with_name("linnet").absolute()


def commands(page: str) -> Iterator[str]:
    """The commands of a page, in order, without the program's name."""
    for line in page.splitlines():
        if line.startswith(PROMPT):
            yield line.removeprefix(PROMPT)


def printed(command: str, folder: Path) -> str:
    """What a command prints in a folder, without what is printed to fill lines."""
    words = [str(PROGRAM), *shlex.split(command)]
    found = subprocess.run(words, cwd=folder, capture_output=True, text=True)
    text = found.stdout + found.stderr
    return "\n".join(line.rstrip() for line in text.rstrip().splitlines()) + "\n"


def rewritten(page: str, say: Callable[[str], str | None]) -> str:
    """The page with what each command says now; where that is None, the output stays."""
    lines, out = iter(page.splitlines(keepends=True)), []
    for line in lines:
        out.append(line)
        if line.startswith(PROMPT):
            before = list(takewhile(lambda each: not each.startswith(FENCE), lines))
            now = say(line.removeprefix(PROMPT).rstrip("\n"))
            out.append("".join(before) if now is None else now)
            out.append(f"{FENCE}\n")
    return "".join(out)


def outputs(page: str) -> dict[str, str]:
    """Each command of a page with its output there."""
    found = {}
    for part in page.split(PROMPT)[1:]:
        command, _, rest = part.partition("\n")
        found[command] = rest.partition(FENCE)[0]
    return found


def main() -> int:
    """Write every page anew."""
    for page in PAGES:
        page.write_text(rewritten(page.read_text(), partial(printed, folder=page.parent)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
