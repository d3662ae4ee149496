"""The reference of the commands, out of their own help: `python -m hack.commands`."""

import argparse
import sys
from pathlib import Path

import typer

from linnet.cli import app as command
from linnet.cli.commands import PAGE, Entry, sections

PAGE_FILE = Path("docs/reference/commands.md")
HEADER = """\
<!-- Generated from operator/src/linnet/cli by `python -m hack.commands`. Do not edit. -->

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
    context = typer.Context(loaded, info_name=f"linnet {entry.name}", **PAGE)
    text = "\n".join(line.rstrip() for line in loaded.get_help(context).splitlines())
    return f"\n### {entry.name}\n\n```text\n{text.strip()}\n```\n"


def main(arguments: list[str] | None = None) -> int:
    """Write or check the page; the result is the exit code."""
    parser = argparse.ArgumentParser(prog="hack.commands")
    parser.add_argument("--check", action="store_true", help="write nothing, name a stale page")
    check = parser.parse_args(arguments).check
    text = page()
    if PAGE_FILE.is_file() and PAGE_FILE.read_text() == text:
        return 0
    if check:
        sys.stderr.write(f"{PAGE_FILE} is stale: run `python -m hack.commands`\n")
        return 1
    PAGE_FILE.write_text(text)
    sys.stdout.write(f"wrote {PAGE_FILE}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
