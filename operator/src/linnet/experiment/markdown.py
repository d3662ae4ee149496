"""The report as Markdown."""

from collections.abc import Iterator

from linnet.experiment import tables
from linnet.experiment.report import Report
from linnet.experiment.tables import Table


def markdown(report: Report) -> str:
    """The whole report; ends with a line break."""
    return "\n".join(_parts(report)) + "\n"


def _parts(report: Report) -> Iterator[str]:
    yield f"# {_safe(report.name)}: {report.result}\n"
    why = report.why[:1].upper() + report.why[1:]
    yield f"**{report.advice}** {_safe(why)}.\n"
    yield _table(tables.overview(report))
    yield "\n## Metrics\n"
    yield _table(tables.metrics(report))
    yield f"\n{tables.intervals(report)}"
    yield "\n## Rules\n"
    yield _table(tables.rules(report))
    yield "\n## Can it be trusted?\n"
    yield from (f"- {_safe(each)}" for each in tables.trust(report))
    yield "\n## Other readings\n"
    yield _table(tables.readings(report))
    yield f"\n{tables.READINGS}"
    if report.found.segments:
        yield f"\n## Segments\n\n{tables.SEGMENTS}"
    for each in report.found.segments:
        yield f"\n### {_safe(each.metric)} by {_safe(each.dimension)}\n"
        yield _table(tables.segment(report, each))


def _table(table: Table) -> str:
    columns = len(table.rows[0]) if table.rows else len(table.head)
    head = table.head or ("",) * columns
    lines = [head, ("---",) * columns]
    text = [f"| {' | '.join(cells)} |" for cells in lines]
    text += [f"| {' | '.join(_safe(cell) for cell in row)} |" for row in table.rows]
    return "\n".join(text)


def _safe(text: str) -> str:
    """Names come from people: no cell is broken, no markup begun."""
    for sign in "\\|<*_`[":
        text = text.replace(sign, f"\\{sign}")
    return " ".join(text.split())
