"""A report in Markdown."""

import re
from collections.abc import Iterator

from linnet.cli.report.told import Row, Section, moment, sections, title, unnamed
from linnet.review.report import Report


def markdown(report: Report) -> str:
    """The whole text, with tables as GitHub has them."""
    parts = [f"# {plain(title(report))}", f"Written {moment(report.written_at)}."]
    parts += ["\n".join(_section(section)) for section in sections(report)]
    return "\n\n".join(parts) + "\n"


def _section(section: Section) -> Iterator[str]:
    yield f"## {section.title}"
    yield ""
    yield from (f"- {plain(line)}" for line in section.lines)
    if section.lines and section.rows:
        yield ""
    if section.rows:
        head = section.head or unnamed(section.rows)
        yield _row(head)
        yield _row(("---",) * len(head))
        yield from map(_row, section.rows)


def _row(cells: Row) -> str:
    return f"| {' | '.join(map(plain, cells))} |"


def plain(text: str) -> str:
    """Words of others as they are, in one line: nothing in them is a link, a tag or a table."""
    return re.sub(r"([\\`*\[\]<|])", r"\\\1", " ".join(text.split()))
