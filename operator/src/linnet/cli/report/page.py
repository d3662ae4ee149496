"""A report as one page of HTML that needs nothing else: its pictures are in it."""

from collections.abc import Iterator
from html import escape

from linnet.cli.report.pictures import check_picture, weight_picture
from linnet.cli.report.told import Row, Section, moment, sections, title
from linnet.review.report import Report

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #1f2933; max-width: 62rem;
  margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.5rem } h2 { font-size: 1.15rem; margin-top: 2rem }
table { border-collapse: collapse; display: block; overflow-x: auto; font-size: .9rem }
th, td { text-align: left; vertical-align: top; padding: .3rem .9rem .3rem 0;
  border-bottom: 1px solid #e4e7eb }
thead th { color: #52606d; font-weight: 600 } tbody th { font-weight: 600 }
svg { max-width: 100%; height: auto }
"""
POLICY = "default-src 'none'; style-src 'unsafe-inline'"
"""Nothing is loaded, and no script runs, whatever a message says."""


def page(report: Report) -> str:
    """The whole page."""
    heading = escape(title(report))
    return "\n".join(
        [
            "<!doctype html>",
            '<html lang="en">',
            "<head>",
            '<meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{escape(POLICY)}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{heading}</title>",
            f"<style>{STYLE}</style>",
            "</head>",
            "<body>",
            f"<h1>{heading}</h1>",
            f"<p>Written {moment(report.written_at)}.</p>",
            *_parts(report),
            "</body>",
            "</html>",
            "",
        ]
    )


def _parts(report: Report) -> Iterator[str]:
    for section in sections(report):
        yield f"<h2>{escape(section.title)}</h2>"
        if section.title == "Steps":
            yield weight_picture(report)
        yield from _words(section)
        if section.title == "Checks":
            yield from (check_picture(report, check) for check in report.checks if check.samples)


def _words(section: Section) -> Iterator[str]:
    if len(section.lines) == 1:
        yield f"<p>{escape(section.lines[0])}</p>"
    elif section.lines:
        yield f"<ul>{''.join(f'<li>{escape(line)}</li>' for line in section.lines)}</ul>"
    if section.rows:
        yield "<table>"
        if section.head:
            names = "".join(f'<th scope="col">{escape(name)}</th>' for name in section.head)
            yield f"<thead><tr>{names}</tr></thead>"
        yield "<tbody>"
        yield from map(_row, section.rows)
        yield "</tbody></table>"


def _row(cells: Row) -> str:
    first, *others = map(escape, cells)
    rest = "".join(f"<td>{cell}</td>" for cell in others)
    return f'<tr><th scope="row">{first}</th>{rest}</tr>'
