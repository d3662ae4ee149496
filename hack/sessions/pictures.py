"""A session as text, and as a picture of a terminal."""

import re
from io import StringIO

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.text import Text

from hack.sessions.stage import WIDTH
from hack.sessions.story import Session

# without the font that Rich's format loads from elsewhere: the reader's own will do
FORMAT = re.sub(r"@font-face \{\{.*?\}\}", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)


def plain(printed: str) -> str:
    """What was printed, without colours and without spaces that fill lines."""
    lines = Text.from_ansi(printed.rstrip()).plain.splitlines()
    return "".join(f"{line.rstrip()}\n" for line in lines)


def cut(text: str) -> str:
    """Lines that fit a page; what is cut off is marked."""
    lines = (line if len(line) <= WIDTH else f"{line[: WIDTH - 1]}…" for line in text.splitlines())
    return "".join(f"{line}\n" for line in lines)


def picture(session: Session) -> str:
    """An SVG of a terminal."""
    console = Console(record=True, width=WIDTH, file=StringIO(), force_terminal=True)
    console.print(Text.assemble(("$ ", "green"), (f"linnet {session.command}", "bold")))
    for line in Text.from_ansi(session.printed.rstrip()).split("\n"):
        line.rstrip()
        line.truncate(WIDTH, overflow="ellipsis")
        console.print(line, soft_wrap=True)
    text = console.export_svg(title="linnet", code_format=FORMAT, unique_id="t")
    return "\n".join(line.rstrip() for line in text.splitlines()) + "\n"
