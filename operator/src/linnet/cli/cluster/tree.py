"""A release as a tree: made from what the API server has of it, and the time."""

from datetime import datetime

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from linnet.api.spec import CanaryReleaseSpec
from linnet.api.status import CanaryReleaseStatus, MetricStatus
from linnet.api.types import format_duration
from linnet.cli.cluster import trial, words
from linnet.cli.cluster.due import due
from linnet.cli.cluster.words import moment, span
from linnet.controller.release import Release
from linnet.core.catalog import Check, checks
from linnet.experiment.asked import asked_for
from linnet.review.limits import goes_on, rolls_back

LAST = 5
"""Decisions that are shown."""


def line(release: Release) -> str:
    """What a release is at, without what changes by itself."""
    status = release.status
    weight = "" if words.at_rest(status) else f"  {status.weight.wanted} %  {status.progress}"
    return f"{release.key.name}  {status.phase}{weight}  {status.message}"


def tree(release: Release, now: datetime) -> Tree:
    """The release, and what is known of it, by branches."""
    spec, status = release.spec, release.status
    grown = Tree(_head(release, now), guide_style="dim")
    _branch(grown, "versions", _versions(status, now))
    if not words.at_rest(status):
        _branch(grown, f"step {status.progress or '–'}", _steps(spec, status, now))
    if status.metrics:
        measured = words.age(status.analysed_at, now)
        _branch(grown, f"checks, measured {measured} ago", measurements(spec, status))
    if status.comparison is not None and status.comparison.findings:
        _branch(grown, "canary against stable", findings(status))
    if (one := status.experiment) is not None:
        _branch(grown, "experiment", Group(trial.head(one), trial.table(one, asked_for(spec))))
    if status.conditions:
        _branch(grown, "conditions", _conditions(status, now))
    if status.history:
        _branch(grown, "last decisions", decisions(status, now, LAST))
    return grown


def _branch(grown: Tree, title: str, content: RenderableType) -> None:
    grown.add(Group(Text(title, "bold"), content))


def _head(release: Release, now: datetime) -> Text:
    status = release.status
    head = Text(f"{release.key.name} ", "bold")
    head.append(f"in {release.key.namespace}  ", "not bold")
    head.append_text(words.phase(status))
    if status.phase_since is not None:
        head.append(f" for {words.age(status.phase_since, now)}", "not bold")
    if release.deleting_since is not None:
        head.append(" (being deleted)", "yellow")
    if release.spec.suspend:
        head.append(" (suspended)", "yellow")
    if status.message:
        head.append(f"\n{status.message}", "not bold")
    behind = release.generation - status.observed_generation
    if behind > 0:
        head.append("\nThe operator has not seen the last change of the spec yet", "yellow")
    return head


def _versions(status: CanaryReleaseStatus, now: datetime) -> Table:
    table = bare("track", "revision", "traffic", header=False)
    weight = status.weight
    if words.at_rest(status):
        table.add_row("stable", status.stable_revision or "–", "100 %")
        if status.failed_revision:
            table.add_row("rolled back", status.failed_revision, "")
        return table
    table.add_row("stable", status.stable_revision or "–", f"{100 - weight.wanted} %")
    if weight.seen_since is not None:
        seen = f", {weight.seen} % seen for {span(now - weight.seen_since)}"
    elif weight.seen is not None:
        seen = f", {weight.seen} % seen"
    else:
        seen = ", not seen on the route yet"
    table.add_row("canary", status.canary_revision or "–", f"{weight.wanted} % wanted{seen}")
    return table


def _steps(spec: CanaryReleaseSpec, status: CanaryReleaseStatus, now: datetime) -> Text:
    text = Text()
    for number, step in enumerate(spec.steps, start=1):
        text.append(" → " if number > 1 else "", "dim")
        here, past = number == status.step, status.step is not None and number < status.step
        style = "bold cyan" if here else "green" if past else "dim"
        text.append(f"{step.weight} % for {format_duration(step.hold)}", style)
    if (following := due(spec, status, now)) is not None:
        text.append(f"\nnext: {following.told}", "")
    return text


def measurements(spec: CanaryReleaseSpec, status: CanaryReleaseStatus) -> Table:
    """Each check with its last value, its verdict and both limits."""
    table = bare("check", "value", "verdict", "goes on", "rolls back", "so far")
    known = {check.name: check for check in checks(spec.analysis)}
    for metric in status.metrics:
        check = known.get(metric.name)
        table.add_row(
            metric.name,
            value(metric, check),
            Text(metric.verdict, words.VERDICTS.get(metric.verdict, "dim")),
            goes_on(check) if check else "",
            rolls_back(check) if check else "",
            _so_far(metric, check, spec.analysis.min_samples),
        )
    return table


def value(metric: MetricStatus, check: Check | None) -> str:
    """The last value with its unit, or why there is none."""
    if metric.value is None:
        return metric.message
    return f"{metric.value:.4g}{check.unit if check else ''}"


def _so_far(metric: MetricStatus, check: Check | None, needed: int) -> str:
    if metric.breaches and check:
        return f"{metric.breaches} of {check.consecutive} breaches"
    return f"{min(metric.passes, needed)} of {needed} passes"


def findings(status: CanaryReleaseStatus) -> Table:
    """What the comparison with stable has found."""
    table = bare("", "", "", header=False)
    for each in status.comparison.findings if status.comparison else ():
        style = words.VERDICTS.get(each.verdict, "dim")
        table.add_row(each.name, Text(each.verdict, style), Text(each.message))
    return table


def _conditions(status: CanaryReleaseStatus, now: datetime) -> Table:
    table = bare("", "", "", "", header=False)
    for each in status.conditions:
        since = words.age(each.last_transition_time, now)
        table.add_row(
            each.type, each.status, f"for {since}", Text(f"{each.reason}: {each.message}")
        )
    return table


def decisions(status: CanaryReleaseStatus, now: datetime, most: int) -> Table:
    """The last decisions, the newest first, numbered as `linnet explain` takes them."""
    table = bare("#", "when", "decision", "at", "why")
    for number, entry in enumerate(reversed(status.history[-most:]), start=1):
        table.add_row(
            str(number),
            moment(entry.at, now),
            Text(entry.decision, words.DECISIONS.get(entry.decision, "")),
            f"{entry.weight} %",
            Text(f"{entry.reason}: {entry.message}"),
        )
    return table


def bare(*names: str, header: bool = True) -> Table:
    """A table without lines; all but the last column are never broken."""
    table = Table(box=None, pad_edge=False, header_style="dim", show_header=header)
    for name in names[:-1]:
        table.add_column(name, no_wrap=True)
    table.add_column(names[-1], overflow="fold")
    return table
