"""`linnet history` and `linnet explain`."""

import sys
from datetime import datetime
from typing import Annotated

import typer
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from linnet.api.status import HISTORY_LIMIT, HistoryEntry
from linnet.cli.cluster import explained, releases, tree, words
from linnet.cli.cluster.connection import Cluster, Place, ask
from linnet.cli.cluster.explained import Asked, Explanation
from linnet.cli.cluster.options import Context, Kubeconfig, Name, Namespace, Output
from linnet.cli.output import Shape, console, ending, plain, shaped
from linnet.controller.release import Release


def history(
    name: Name,
    output: Output = Shape.TABLE,
    namespace: Namespace = "",
    context: Context = "",
    kubeconfig: Kubeconfig = "",
) -> None:
    """List a release's last decisions.

    The newest first; their numbers are what `linnet explain` takes. The resource keeps the last
    20. Exit code 0: found. 2: there is no such release. 3: the cluster can't be asked.
    """  # fmt: skip
    with ending():
        release, now = ask(Place(context, kubeconfig, namespace), lambda at: _read(at, name))
    entries = tuple(reversed(release.status.history))
    if output is not Shape.TABLE:
        found = [entry.model_dump(mode="json", by_alias=True) for entry in entries]
        sys.stdout.write(shaped(found, output))
    elif entries:
        console().print(tree.decisions(release.status, now, HISTORY_LIMIT))
    else:
        sys.stderr.write("nothing has been decided yet\n")


def explain(
    name: Name,
    decision: Annotated[
        str,
        typer.Argument(
            help="Its number in `linnet history`, its kind or its reason: the last one."
        ),
    ] = "1",
    output: Output = Shape.TABLE,
    namespace: Namespace = "",
    context: Context = "",
    kubeconfig: Kubeconfig = "",
) -> None:
    """Explain a decision: measured, asked, limit, rule.

    What was measured, by which query as Prometheus is asked, against which limits, by which rule,
    and who asked for it. Exit code 0: found. 2: there is no such release or decision. 3: the
    cluster can't be asked.
    """  # fmt: skip
    with ending():
        release, now = ask(Place(context, kubeconfig, namespace), lambda at: _read(at, name))
        entry = explained.chosen(release.status, decision)
    found = explained.explanation(release.spec, entry, release.key.namespace, name)
    if output is not Shape.TABLE:
        sys.stdout.write(shaped(plain(found), output))
    else:
        console().print(told(name, entry, found, now))


async def _read(cluster: Cluster, name: str) -> tuple[Release, datetime]:
    return await releases.one(cluster, name), cluster.now()


def told(name: str, entry: HistoryEntry, found: Explanation, now: datetime) -> RenderableType:
    """An explanation for people."""
    head = Text(f"{name}: ", "bold")
    head.append(found.decision, words.DECISIONS.get(entry.decision, "bold"))
    head.append(f" at {words.moment(entry.at, now)}, {words.age(entry.at, now)} ago")
    step = f"step {found.step}, " if found.step else ""
    rows = [
        ("measured", found.measured),
        ("rule", f"{found.reason}: {found.rule}" if found.rule else found.reason),
        ("asked for by", found.asked_by),
        ("where", f"{step}{found.weight} % of traffic"),
        ("version", found.revision),
    ]
    parts: list[RenderableType] = [head, _rows(rows)]
    parts += [_rows(_check(each)) for each in found.checks]
    if found.comparison:
        parts.append(_rows([("compared", query) for query in found.comparison]))
    return Group(*parts)


def _check(asked: Asked) -> list[tuple[str, str]]:
    row = [("its row", asked.row)] if asked.row else []
    limits = f"goes on {asked.goes_on}, rolls back {asked.rolls_back}; no data: {asked.no_data}"
    return [("", ""), ("check", asked.check), ("limits", limits), ("query", asked.query), *row]


def _rows(rows: list[tuple[str, str]]) -> Table:
    table = tree.bare("", "", header=False)
    table.columns[0].min_width = len("asked for by")
    for name, text in rows:
        if text or not name:
            table.add_row(Text(name, "dim"), Text(text))
    return table
