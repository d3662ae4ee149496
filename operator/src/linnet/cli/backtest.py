"""`linnet backtest`: a policy on a service's own past."""

import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from linnet.api.spec import CanaryReleaseSpec
from linnet.cli import exports, files
from linnet.cli.output import NOT_WELL, BadInput, Form, as_json, clock, console, ending, percent
from linnet.cli.processes import spread
from linnet.controller import clock as wall
from linnet.review import backtest as core
from linnet.review.backtest import Job, Report
from linnet.review.history import History, NoHistory
from linnet.simulation.played import Played
from linnet.stats.sampling import Estimate

MOST_SHOWN = 10
ERRORS, LATENCY = (1.0, 5.0, 20.0), (1.5, 3.0)
"""Defects that are injected where nobody asks for others."""


def backtest(
    file: Annotated[
        str, typer.Option("--file", "-f", help="CanaryRelease to test, - for standard input.")
    ],
    export: Annotated[
        Path | None,
        typer.Option(help="Answers of /api/v1/query_range in a file: see docs/rehearse.md."),
    ] = None,
    prometheus: Annotated[str | None, typer.Option(help="Ask this Prometheus.")] = None,
    days: Annotated[float, typer.Option(min=0.05, max=400, help="How far back to ask it.")] = 30.0,
    errors: Annotated[
        list[float] | None,
        typer.Option(
            min=0.01,
            max=100,
            help="Inject that many percent of further errors; may be "
            "given several times. 1, 5 and 20 if left out.",
        ),
    ] = None,
    latency: Annotated[
        list[float] | None,
        typer.Option(
            min=1.01,
            max=1000,
            help="Inject a latency so many times as long; may be "
            "given several times. 1.5 and 3 if left out.",
        ),
    ] = None,
    releases: Annotated[
        int, typer.Option(min=1, max=10_000, help="Moments of the past to release at.")
    ] = 30,
    seed: Annotated[int, typer.Option(min=0, help="Another seed is another chance.")] = 0,
    most_false: Annotated[
        float,
        typer.Option(
            min=0,
            max=100,
            help="Percent of good releases that may be rolled back: with more the exit code is 1.",
        ),
    ] = 5.0,
    output: Annotated[Form, typer.Option("--output", "-o", help="table or json.")] = Form.TABLE,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes; as many as there are processors.")
    ] = None,
) -> None:
    """Release good and bad versions into the past of a service.

    It says what would have become of them. A canary gets real requests of the past, drawn at random
    by its weight; a defect is laid over them. Exit code 0: well. 1: more good releases rolled back
    than --most-false. 2: input that can't be used.
    """  # fmt: skip
    with ending():
        policy = files.policy(file)
        history = _history(policy, export, prometheus, days)
        defects = core.as_defects(errors or ERRORS, latency or (LATENCY if history.edges else ()))
        try:
            jobs, skipped = core.jobs(policy.spec, history, releases, seed, defects)
        except NoHistory as error:
            raise BadInput(f"the past: {error}") from error
    played = spread(partial(_replay, policy.spec, history), jobs, workers)
    report = core.report(policy.spec, history, list(zip(jobs, played, strict=True)), skipped)
    if output is Form.JSON:
        sys.stdout.write(as_json(report) + "\n")
    else:
        console().print(_told(report))
    if 100 * report.false_rollbacks.value > most_false:
        raise typer.Exit(NOT_WELL)


def _history(
    policy: files.Policy, export: Path | None, prometheus: str | None, days: float
) -> History:
    if export is not None and prometheus is None:
        return exports.from_file(policy, export)
    if prometheus is not None and export is None:
        return exports.from_prometheus(policy, prometheus, days, wall.now())
    raise BadInput("give either --export or --prometheus: where the past is to be had")


def _replay(spec: CanaryReleaseSpec, history: History, job: Job) -> Played:
    return core.replay(spec, history, job)


def _told(report: Report) -> RenderableType:
    mean, quietest = report.requests_per_second
    skipped = f", {report.skipped} skipped: too little was scraped" if report.skipped else ""
    promoted = f", and is promoted after {_time(report.promotion)}" if report.promotion else ""
    unfinished = f"; {report.unfinished} did not end" if report.unfinished else ""
    lines = [
        f"{report.days:.1f} days, {mean:.3g} requests/s on average and {quietest:.3g} in the "
        f"quietest hour; {report.releases} releases replayed{skipped}",
        f"a good version would have been rolled back {_share(report.false_rollbacks)}"
        f"{promoted}{unfinished}",
        *(f"    {_at(each.at)}  {each.reason}" for each in report.rollbacks[:MOST_SHOWN]),
        "",
    ]
    parts: list[RenderableType] = [*lines, _defects(report), ""]
    if report.support:
        parts += [_limits(report), ""]
    return Group(*parts, *_traffic(report))


def _defects(report: Report) -> Table:
    table = _table("a defect of", "is found", "after", "failed")
    for each in report.detections:
        table.add_row(each.defect, _share(each.found), _time(each.delay), f"{each.failed:,.0f}")
    return table


def _limits(report: Report) -> Table:
    table = _table("limit on", "yours", "the past supports", "worst of good versions", "when")
    for each in report.support:
        better = abs(each.proposed - each.limit) > 1e-9
        style = "yellow" if better else ""
        table.add_row(
            each.check,
            f"{each.limit:g}",
            Text(f"{each.proposed:g}", style),
            f"{each.highest:.3g}",
            _at(each.worst_at),
        )
    return table


def _traffic(report: Report) -> Iterator[str]:
    mean, quietest = report.requests_in_window
    if report.needed_in_window:
        enough = "enough" if quietest >= report.needed_in_window else "too few"
        yield (
            f"in the first step a window has {mean:.0f} requests on average, {quietest:.0f} in the "
            f"quietest hour; below {report.needed_in_window:.0f} a single failure is beyond the "
            f"limit: {enough}"
        )


def _table(*names: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for number, name in enumerate(names):
        table.add_column(name, justify="right" if number else "left", no_wrap=True)
    return table


def _share(estimate: Estimate) -> str:
    low, high = 100 * estimate.low, 100 * estimate.high
    return f"{percent(estimate.value)} ({low:.0f}–{high:.0f})"


def _time(estimate: Estimate | None) -> str:
    return "–" if estimate is None else clock(estimate.value)


def _at(moment: float) -> str:
    return f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%d %H:%M} UTC"
