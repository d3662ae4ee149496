"""A release's experiment in words: made of its status and spec, without I/O."""

from collections.abc import Iterator
from datetime import datetime
from math import inf

from rich.table import Table
from rich.text import Text

from linnet.api.experiment import Experiment, ExperimentMetric, MetricKind
from linnet.api.experiment_step import ExperimentFinding, ExperimentStatus
from linnet.cli.cluster.words import age
from linnet.cli.experiments.styles import STYLES
from linnet.experiment import words
from linnet.stats.intervals import Interval

HEAD = ("metric", "control", "treatment", "effect", "interval", "verdict")


def head(one: ExperimentStatus) -> Text:
    """Which experiment, and its result with what gave it."""
    text = Text(f"{one.id}: ")
    text.append(one.result, STYLES.get(one.result, ""))
    return text.append(f"  {one.message}" if one.message else "")


def facts(
    one: ExperimentStatus, asked: Experiment | None, now: datetime
) -> Iterator[tuple[str, str]]:
    """What is known of it but its metrics."""
    yield "treatment", f"{one.revision}, {one.weight} % of users"
    lasted = words.span((one.ended_at or now) - one.started_at)
    planned = f" of {words.span(asked.duration)}" if asked is not None else ""
    yield "time", f"{lasted}{planned}"
    yield "users", f"{one.users.control:,} control, {one.users.treatment:,} treatment"
    if one.read_at is not None and one.ended_at is None:
        yield "data", f"{age(one.read_at, now)} old"
    if one.problem:
        yield "problem", one.problem
    if one.decided is not None:
        reason = f": {one.decided.reason}" if one.decided.reason else ""
        yield "decided", f"{one.decided.result} by {one.decided.by or 'somebody'}{reason}"


def findings(one: ExperimentStatus, asked: Experiment | None) -> Iterator[tuple[str, ...]]:
    """Each metric with its effect, its interval and what can be said of it."""
    known = {metric.name: metric for metric in asked.metrics} if asked is not None else {}
    for each in one.metrics:
        yield _finding(each, known.get(each.name) or _plain(each.name))


def _plain(name: str) -> ExperimentMetric:
    """A metric that the spec doesn't know any more: figures without a unit."""
    return ExperimentMetric(name=name, kind=MetricKind.MEAN)


def _finding(each: ExperimentFinding, metric: ExperimentMetric) -> tuple[str, ...]:
    low = -inf if each.low is None else each.low
    high = inf if each.high is None else each.high
    return (
        each.name,
        words.UNKNOWN if each.control is None else words.value(metric, each.control),
        words.UNKNOWN if each.treatment is None else words.value(metric, each.treatment),
        words.UNKNOWN if each.effect is None else words.effect(metric, each.effect),
        words.interval(metric, Interval(low, high)),
        words.said(metric, each.states, known=each.effect is not None),
    )


def table(one: ExperimentStatus, asked: Experiment | None) -> Table:
    """Its metrics, for people."""
    found = Table(box=None, pad_edge=False, header_style="dim")
    for name in HEAD:
        found.add_column(name, overflow="fold")
    for row in findings(one, asked):
        found.add_row(*map(Text, row))
    return found
