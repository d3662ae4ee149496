"""The report as one HTML page: no script, no font, nothing fetched."""

from collections.abc import Iterator
from html import escape

from linnet.experiment import plots, tables
from linnet.experiment.report import Report
from linnet.experiment.tables import Table

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #1f2933; max-width: 900px; margin: 2em auto;
  padding: 0 1em }
table { border-collapse: collapse; width: 100%; margin: .5em 0 1.5em }
th, td { text-align: left; padding: .3em .8em .3em 0; border-bottom: 1px solid #e4e7eb;
  vertical-align: top }
th { color: #7b8794; font-weight: normal }
.result { padding: 1em 1.2em; border-left: 6px solid #9aa5b1; background: #f5f7fa }
.Success { border-color: #1f6fb2 } .Failure, .Invalid { border-color: #d9661f }
svg { max-width: 100%; height: auto }
"""


def html(report: Report) -> str:
    """The whole page."""
    return "\n".join(_parts(report)) + "\n"


def _parts(report: Report) -> Iterator[str]:
    title = escape(f"{report.name}: {report.result}")
    why = escape(report.why[:1].upper() + report.why[1:])
    yield '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f"<title>{title}</title><style>{STYLE}</style></head><body><h1>{title}</h1>"
    yield f'<p class="result {report.result}"><b>{escape(report.advice)}</b><br>{why}.</p>'
    yield _table(tables.overview(report))
    yield "<h2>Metrics</h2>"
    yield plots.effects(report)
    yield _table(tables.metrics(report))
    yield f"<p>{escape(tables.intervals(report))} Dashed: the effect that was asked for.</p>"
    yield f"<h2>Rules</h2>{_table(tables.rules(report))}"
    said = "".join(f"<li>{escape(each)}</li>" for each in tables.trust(report))
    yield f"<h2>Can it be trusted?</h2><ul>{said}</ul>"
    yield f"<h2>Other readings</h2>{_table(tables.readings(report))}<p>{tables.READINGS}</p>"
    if report.found.days:
        yield "<h2>By day</h2>"
        yield from (plots.days(report, each) for each in report.found.days)
    if report.found.segments:
        yield f"<h2>Segments</h2><p>{tables.SEGMENTS}</p>"
    for each in report.found.segments:
        yield plots.segments(report, each)
        yield _table(tables.segment(report, each))
    yield "</body></html>"


def _table(table: Table) -> str:
    head = "".join(f"<th>{escape(each)}</th>" for each in table.head)
    rows = ["".join(f"<td>{escape(each)}</td>" for each in row) for row in table.rows]
    lines = [f"<tr>{head}</tr>"] if head else []
    return "\n".join(["<table>", *lines, *(f"<tr>{row}</tr>" for row in rows), "</table>"])
