"""A report as sections of words, the same for every form that people read."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from linnet.api.experiment_step import ExperimentStatus
from linnet.cli.cluster import trial
from linnet.cli.cluster.words import span
from linnet.review.report import Checked, Outcome, Report

WAS = {
    Outcome.UNDER_WAY: "is under way",
    Outcome.PROMOTED: "was promoted",
    Outcome.ROLLED_BACK: "was rolled back",
    Outcome.SUPERSEDED: "gave way to another version",
    Outcome.REVERTED: "was taken back",
    Outcome.UNKNOWN: "has ended",
}
LIMITS = "Limits are those of the present spec."
TO_TELL = (
    "What did users notice, and how many of them?",
    "Why did the version do that, and why was it not found before its release?",
    "What helped, and what stood in the way?",
    "What is changed so that it doesn't happen again, by whom, until when?",
)
"""What a post-mortem says beside the report."""

Row = tuple[str, ...]


@dataclass(frozen=True)
class Section:
    """Lines, then a table. head: the names of its columns."""

    title: str
    lines: tuple[str, ...] = ()
    head: Row = ()
    rows: tuple[Row, ...] = ()


def title(report: Report) -> str:
    """The report in a line."""
    return f"{report.name} in {report.namespace}: {report.revision} {WAS[report.outcome]}"


def sections(report: Report) -> Iterator[Section]:
    """All that the report says."""
    yield Section("Summary", rows=tuple(_summary(report)))
    yield Section("Steps", head=("traffic", "phase", "from", "for"), rows=tuple(_stages(report)))
    yield _checks(report)
    if report.findings:
        rows = tuple((each.name, each.verdict, each.message) for each in report.findings)
        yield Section("Canary against stable", head=("metric", "verdict", "finding"), rows=rows)
    if report.experiment is not None:
        yield _experiment(report, report.experiment)
    yield _decisions(report)
    if report.alerts:
        yield _alerts(report)
    if report.approvals:
        yield _approvals(report)
    if report.missing:
        yield Section("Not known", report.missing)
    if report.outcome is Outcome.ROLLED_BACK:
        yield Section("For the post-mortem", TO_TELL)


def moment(at: datetime | None) -> str:
    """A time in UTC, as whoever reads a report may be anywhere."""
    return "" if at is None else f"{at:%Y-%m-%d %H:%M:%S} UTC"


def lasting(seconds: float | None) -> str:
    """A span for people; '' where it isn't known."""
    return "" if seconds is None else span(timedelta(seconds=seconds))


def _summary(report: Report) -> Iterator[Row]:
    """What is known, and nothing for what isn't."""
    times = report.times
    beside = f" beside {report.stable_revision}" if report.stable_revision else ""
    why = f"{report.reason}: {report.message}" if report.reason else report.message
    exposed = lasting(times.exposed_seconds)
    most = max((stage.weight for stage in report.stages), default=0)
    found = (
        ("Deployment", report.target),
        ("released", f"{report.revision}{beside}"),
        ("images", ", ".join(report.images)),
        ("outcome", f"{report.outcome}: {why}"),
        ("asked for by", report.asked_by),
        ("started", moment(times.started_at)),
        ("first sign", moment(times.first_sign_at)),
        ("decided", moment(times.decided_at)),
        ("ended", moment(times.ended_at)),
        ("had traffic", f"for {exposed}, up to {most} %" if exposed else ""),
        ("time to detect", lasting(times.detection_seconds)),
        (_ending(report), lasting(times.ending_seconds)),
    )
    yield from ((name, text) for name, text in found if text)


def _ending(report: Report) -> str:
    if report.outcome is Outcome.PROMOTED:
        return "time to promote"
    return "time to roll back, with the drain"


def _stages(report: Report) -> Iterator[Row]:
    for stage in report.stages:
        until = stage.until or (
            report.written_at if report.outcome is Outcome.UNDER_WAY else stage.since
        )
        known = until > stage.since
        lasted = span(until - stage.since) if known else "not known"
        yield f"{stage.weight} %", stage.what, moment(stage.since), lasted


def _checks(report: Report) -> Section:
    sampled = any(check.samples for check in report.checks)
    head: Row = ("check", "goes on", "rolls back", "last", "verdict")
    if sampled:
        head = (*head, "samples", "worst", "beyond")
    rows = []
    for check in report.checks:
        last = number(check, check.value) or check.message or "not known"
        row: Row = (check.name, check.goes_on, check.rolls_back, last, str(check.verdict or ""))
        rows.append((*row, *_sampled(check)) if sampled else row)
    return Section("Checks", (LIMITS,), head, tuple(rows))


def number(check: Checked, value: float | None) -> str:
    """A value with its unit; '' without one."""
    unit = f" {check.unit}" if check.unit else ""
    return "" if value is None else f"{value:.4g}{unit}"


def _sampled(check: Checked) -> Row:
    beyond = sum(check.is_beyond(sample.value) for sample in check.samples)
    return str(len(check.samples)), number(check, check.worst), str(beyond)


def _experiment(report: Report, one: ExperimentStatus) -> Section:
    said = [f"{one.id}: {one.result}", *filter(None, [one.message])]
    facts = trial.facts(one, report.experiment_asked, report.written_at)
    said += [f"{term}: {text}" for term, text in facts]
    rows = tuple(trial.findings(one, report.experiment_asked))
    return Section("Experiment", tuple(said), trial.HEAD if rows else (), rows)


def _decisions(report: Report) -> Section:
    head = ("when", "decision", "traffic", "asked for by", "why", "rule")
    rows = tuple(
        (
            moment(each.at),
            str(each.decision),
            f"{each.weight} %",
            each.asked_by,
            f"{each.reason}: {each.message}",
            each.rule,
        )
        for each in report.decisions
    )
    return Section("Decisions", head=head, rows=rows)


def _alerts(report: Report) -> Section:
    rows = tuple(
        (moment(each.starts_at), moment(each.heard_at), each.name, each.outcome, each.message)
        for each in report.alerts
    )
    return Section("Alerts", head=("began", "heard", "alert", "outcome", "why"), rows=rows)


def _approvals(report: Report) -> Section:
    rows = tuple(
        (moment(each.at), each.by, f"{each.weight} %", each.reason) for each in report.approvals
    )
    return Section("Approvals", head=("when", "by", "step", "why"), rows=rows)


def unnamed(rows: Sequence[Row]) -> Row:
    """The head of a table that needs none."""
    return ("",) * len(rows[0]) if rows else ()
