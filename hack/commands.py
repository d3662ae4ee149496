"""The reference of the commands, out of their own help."""

from pathlib import Path
from typing import Any

import typer
from typer.core import TyperGroup

from linnet.cli import app as command
from linnet.cli.commands import PAGE, Entry, sections

PAGE_FILE = "docs/reference/commands.md"
PICTURES = Path("docs/examples/terminal")
HEADER = """\
<!-- Generated from operator/src/linnet/cli by `make verify`. Do not edit. -->

# Commands

`linnet COMMAND`, or `kubectl linnet COMMAND`. [What one types and sees](../commands.md)

"""


def page() -> str:
    """The whole page."""
    said = (command.__doc__ or "").partition("\n\n")[2].strip()
    parts = [HEADER, said, "\n"]
    for section, entries in sections():
        parts.append(f"\n## {section}\n")
        parts += map(_one, entries)
    return "".join(parts)


def _one(entry: Entry) -> str:
    loaded = entry.load()
    inside = loaded.commands if isinstance(loaded, TyperGroup) else {}
    parts = [_help(entry.name, loaded)]
    parts += [_help(f"{entry.name} {name}", command) for name, command in inside.items()]
    if (PICTURES / f"{entry.name}.svg").is_file():
        parts.append(f"\n![linnet {entry.name}](../examples/terminal/{entry.name}.svg)\n")
    return "".join(parts)


def _help(name: str, command: Any) -> str:
    context = typer.Context(command, info_name=f"linnet {name}", **PAGE)
    text = "\n".join(line.rstrip() for line in command.get_help(context).splitlines())
    return f"\n### {name}\n\n```text\n{text.strip()}\n```\n"


def generate() -> dict[str, str]:
    """The text of the page, by its path in the repository."""
    return {PAGE_FILE: page()}
