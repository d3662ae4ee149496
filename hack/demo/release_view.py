"""The running release in the picture: phase, steps, weights, checks, decisions. Pure."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from hack.demo import ink
from hack.demo.ink import BAD, CANARY, CARE, GOOD, QUIET
from hack.demo.scene import Current
from linnet.api.status import DecisionKind, HistoryEntry, MetricStatus, Phase, Verdict
from linnet.core.catalog import Check

_VERDICTS = {
    Verdict.PASS: ("pass", GOOD),
    Verdict.HOLD: ("hold", CARE),
    Verdict.BREACH: ("breach", BAD),
    Verdict.NO_DATA: ("no data", CARE),
    Verdict.ERROR: ("error", BAD),
    Verdict.SKIPPED: ("skipped", QUIET),
}
_PHASES = {
    Phase.ROLLING_BACK: BAD,
    Phase.ROLLED_BACK: BAD,
    Phase.PROMOTED: GOOD,
    Phase.PROMOTING: GOOD,
    Phase.RETURNING: GOOD,
}
_ENDINGS = (Phase.PROMOTING, Phase.RETURNING, Phase.PROMOTED)
_DECISIONS = {DecisionKind.ROLLED_BACK: BAD, DecisionKind.PROMOTED: GOOD, DecisionKind.HELD: CARE}
LINES_OF_DECISIONS = 5


def release(current: Current, width: int, *, low: bool) -> RenderableType:
    """What the release is doing. low: without empty lines, and without the past."""
    top = [phase(current, width), steps(current)]
    if low:
        return Group(*top, weights(current, width, past=False), checks(current))
    return Group(*top, Text(), weights(current, width, past=True), Text(), checks(current))


def lines(current: Current) -> int:
    """Number of lines of a release that isn't drawn low."""
    return 2 + 1 + 4 + 1 + 1 + len(current.checks)


def phase(current: Current, width: int) -> Text:
    """Phase, and the operator's own sentence about it."""
    status = current.status
    if status is None or not status.history:
        return Text.assemble((current.release.name, "bold"), ("  the chart is upgraded", QUIET))
    style = _PHASES.get(status.phase, CANARY)
    line = Text.assemble((f"{status.phase}", f"bold {style}"), ("  " + status.message, ""))
    line.truncate(width, overflow="ellipsis")
    line.no_wrap = True
    return line


def steps(current: Current) -> Text:
    """The way that the release takes, with where it is."""
    status = current.status
    phase_now = status.phase if status is not None else Phase.IDLE
    at = status.step or 0 if status is not None else 0
    passed = phase_now in _ENDINGS
    stopped = phase_now in (Phase.ROLLING_BACK, Phase.ROLLED_BACK)
    line = Text()
    for index, (weight, _) in enumerate(current.steps, start=1):
        if passed or index < at:
            line.append(f"✓ {weight} %", GOOD)
        elif index == at:
            line.append(f"{'✗' if stopped else '●'} {weight} %", BAD if stopped else CANARY)
        else:
            line.append(f"○ {weight} %", QUIET)
        line.append(" ── ", QUIET)
    sign = "✓" if phase_now is Phase.PROMOTED else "●" if passed else "○"
    return line.append(f"{sign} stable", GOOD if passed else QUIET)


def weights(current: Current, width: int, *, past: bool) -> Table:
    """The weight asked for, on the route, and as the clients see it.

    past: with the measured share over time.
    """
    weight = current.status.weight if current.status is not None else None
    room = width - 40
    table = Table.grid(padding=(0, 2))
    table.add_column(min_width=10)
    table.add_column(width=room)
    table.add_column()
    wanted = weight.wanted if weight is not None else 0
    seen = weight.seen if weight is not None else None
    measured = current.measured.percent
    table.add_row("wanted", ink.bar(wanted, room, CANARY), f"{wanted} %")
    table.add_row(
        "on route",
        ink.bar(seen or 0, room, CANARY),
        f"{seen} %" if seen is not None else Text("not reported yet", QUIET),
    )
    count = Text.assemble(
        f"{measured:.1f} %" if measured is not None else "–",
        (f"  of {current.measured.requests:,} requests", QUIET),
    )
    table.add_row("measured", ink.bar(measured or 0, room, "bold " + CANARY), count)
    if past:
        line = ink.spark(current.shares[-room:], CANARY)
        table.add_row(Text("over time", QUIET), line, Text("canary's share", QUIET))
    return table


def checks(current: Current) -> Table:
    """Each check's last value against both of its limits."""
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style=QUIET)
    table.add_column("Checks", min_width=14, header_style="bold")
    table.add_column("value", justify="right", min_width=10)
    for column in ("go on", "roll back"):
        table.add_column(column, justify="right", min_width=10)
    table.add_column("verdict", min_width=20)
    known = {metric.name: metric for metric in current.status.metrics} if current.status else {}
    for check in current.checks:
        table.add_row(*_check(check, known.get(check.name), current.min_samples))
    return table


def _check(check: Check, metric: MetricStatus | None, min_samples: int) -> tuple[Text, ...]:
    go_on = ink.limit(check.at_most, "≤") or ink.limit(check.at_least, "≥")
    back = ink.limit(check.above, ">") or ink.limit(check.below, "<")
    limits = (Text(go_on, QUIET), Text(f"{back} ×{check.consecutive}", QUIET))
    if metric is None:
        return Text(check.name), Text("–", QUIET), *limits, Text("not measured yet", QUIET)
    word, style = _VERDICTS[metric.verdict]
    verdict = Text(word, style)
    if metric.breaches:
        verdict.append(f" {min(metric.breaches, check.consecutive)} of {check.consecutive}")
    elif metric.verdict is Verdict.PASS:
        count = min(metric.passes, min_samples)
        verdict.append(f" {count} of {min_samples}" if count else ", window fills", QUIET)
    value = Text(ink.number(metric.value, check.unit), style if metric.breaches else "")
    return Text(check.name), value, *limits, verdict


def decisions(current: Current, width: int, room: int) -> Table | None:
    """The last decisions, newest last; None where there is no room or nothing to tell."""
    shown = current.decisions[-min(LINES_OF_DECISIONS, room) :] if room > 0 else ()
    if not shown:
        return None
    table = Table.grid(padding=(0, 2))
    for entry in shown:
        since = ink.clock(entry.at.timestamp() - current.started)
        told = Text(_told(entry), no_wrap=True)
        told.truncate(max(10, width - 22), overflow="ellipsis")
        kind = Text(f"{entry.decision}", _DECISIONS.get(entry.decision, "bold"))
        table.add_row(Text(f"{since:>5}", QUIET), kind, told)
    return table


def _told(entry: HistoryEntry) -> str:
    """A decision's message in short: of a passed step, what follows, not every check."""
    if entry.reason not in ("StepPassed", "LastStepPassed"):
        return entry.message
    follows = entry.message.rpartition("; ")[2]
    return f"{follows[0].upper()}{follows[1:]}: all checks hold at {entry.weight} %"
