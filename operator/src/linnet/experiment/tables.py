"""What a report tells in tables and sentences, whatever form it is written in."""

from collections.abc import Iterator
from dataclasses import dataclass

from linnet.experiment import words
from linnet.experiment.report import Report, metric_of
from linnet.experiment.sections import BySegment

Row = tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """head: names of columns; none where each row says what it is."""

    head: Row
    rows: tuple[Row, ...]


def overview(report: Report) -> Table:
    """What was tested, for whom, and how long."""
    spec, found = report.spec, report.found
    control, treatment = found.allocation.users
    span = f"{words.span(found.passed)} of {words.span(spec.duration)}"
    rows = (
        ("tested", spec.hypothesis or words.UNKNOWN),
        ("treatment", f"{report.treatment}, against {report.control}"),
        ("for", f"{spec.audience}, {spec.treatment_percent:g} % with the treatment"),
        ("time", f"{span}, from {report.started:%Y-%m-%d %H:%M} to {report.until:%Y-%m-%d %H:%M}"),
        ("users", f"{control:,.0f} control, {treatment:,.0f} treatment"),
    )
    return Table((), rows)


def metrics(report: Report) -> Table:
    """Each metric with effect, interval and verdict."""
    rows = []
    for reading in report.found.readings:
        metric = metric_of(report.spec, reading.name)
        rows.append(
            (
                f"{reading.name} ({words.kind(metric)})",
                words.value(metric, reading.control),
                words.value(metric, reading.treatment),
                words.effect(metric, reading.effect),
                words.interval(metric, reading.interval),
                words.asked(metric),
                words.verdict(metric, reading),
            )
        )
    head = ("metric", "control", "treatment", "effect", "interval", "asked", "verdict")
    return Table(head, tuple(rows))


def intervals(report: Report) -> str:
    """What the intervals promise."""
    return (
        f"Intervals hold at every look, with {report.spec.confidence_percent:g} % for all goals "
        "together, and for all guardrails together."
    )


def rules(report: Report) -> Table:
    """Each rule, and what it saw."""
    rows = []
    for each in report.found.applied:
        decided = each.rule is report.found.rule
        state = "decided" if decided else "holds" if each.holds else "no"
        state = state if each.in_time else "not yet its time"
        rows.append((each.rule.name, str(each.rule.result), state, each.told or "always"))
    return Table(("rule", "result", "", "conditions"), tuple(rows))


def trust(report: Report) -> Iterator[str]:
    """Whether the data can be trusted: users as planned, health, warnings."""
    found = report.found.allocation
    share = 100 * found.users[1] / (sum(found.users) or 1)
    yield (
        f"users: {share:.2f} % have the treatment, {100 * found.planned[1]:g} % planned; "
        f"p = {words.chance(found.p_value)} at any look "
        f"({words.chance(found.single)} by a single chi-square test): "
        f"{'a mismatch' if found.mismatch else 'as planned'}"
    )
    for health in report.health:
        told = f": {health.told}" if health.told else ""
        yield f"{health.name}: {'well' if health.well else 'not well'}{told}"
    for warning in report.found.warnings:
        yield f"warning: {warning}"


def readings(report: Report) -> Table:
    """What other ways of reading say."""
    rows = []
    for reading in report.found.readings:
        metric = metric_of(report.spec, reading.name)
        if reading.fixed is None or reading.belief is None:
            continue
        rows.append(
            (
                reading.name,
                words.chance(reading.p_value),
                words.chance(reading.adjusted),
                words.chance(reading.fixed.p_value),
                words.interval(metric, reading.fixed.interval),
                f"{100 * reading.belief.better:.1f} %",
                f"{100 * reading.saved:.0f} %" if reading.saved else words.UNKNOWN,
            )
        )
    head = (
        "metric",
        "p at any look",
        "adjusted",
        "p at a fixed end",
        "interval at a fixed end",
        "chance to be better",
        "variance saved",
    )
    return Table(head, tuple(rows))


READINGS = (
    "Only the first two decide: the others keep no promise when they are read repeatedly. Variance "
    "saved is what a covariate explained."
)
SEGMENTS = (
    "To understand, not to decide. Drawn is the effect drawn towards the whole, as far as segments "
    "differ by chance; differs is the p-value of a difference to all others, corrected for the "
    "number of segments."
)


def segment(report: Report, each: BySegment) -> Table:
    """One metric by one dimension."""
    metric = metric_of(report.spec, each.metric)
    rows = [
        (
            part.name,
            f"{part.users:,.0f}",
            words.effect(metric, part.measured),
            words.effect(metric, part.size),
            words.chance(part.differs),
        )
        for part in each.found.parts
    ]
    whole = ("all", "", words.effect(metric, each.whole), "", "")
    return Table(("segment", "users", "measured", "drawn", "differs"), (*rows, whole))
