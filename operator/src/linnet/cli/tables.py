"""What `linnet simulate` prints for people."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from linnet.api.spec import CanaryReleaseSpec
from linnet.api.status import DecisionKind, Verdict
from linnet.api.types import format_duration
from linnet.cli.output import clock, percent
from linnet.simulation.described import Described
from linnet.simulation.played import Moment, Outcome, Played, Point
from linnet.simulation.summary import Summary
from linnet.stats.sampling import Estimate

STYLES = {Outcome.PROMOTED: "green", Outcome.ROLLED_BACK: "red", Outcome.UNFINISHED: "yellow"}
MOST_ROWS = 60
"""Lines of a story; the middle of a longer one is left out."""
_MARKS = {
    DecisionKind.ROLLED_BACK: "red",
    Verdict.BREACH: "red",
    DecisionKind.PROMOTED: "green",
    DecisionKind.ADVANCED: "green",
    DecisionKind.HELD: "yellow",
    DecisionKind.STALLED: "yellow",
    Verdict.HOLD: "yellow",
    Verdict.NO_DATA: "yellow",
    Verdict.ERROR: "yellow",
}


def story(spec: CanaryReleaseSpec, played: Played) -> RenderableType:
    """One release as a timeline, and how it ended."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name, justify in (("time", "right"), ("weight", "right"), ("errors", "right")):
        table.add_column(name, justify=justify, no_wrap=True)  # type: ignore[arg-type]
    table.add_column("p95", justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    table.add_column("why")
    points = {point.seconds: point for point in played.points}
    rows = list(_rows(played.moments))
    for row in _middle_left_out(rows):
        if row is None:
            table.add_row("…", "", "", "", "", f"{len(rows) - MOST_ROWS} more lines")
            continue
        errors, latency = _measured(points.get(row.seconds))
        table.add_row(
            clock(row.seconds),
            f"{row.weight} %",
            errors,
            latency,
            Text(row.what, style=_MARKS.get(row.what, "")),  # type: ignore[call-overload]
            Text(row.why),
        )
    return Group(_headline(spec, played), "", table, "", _ending(played))


def _headline(spec: CanaryReleaseSpec, played: Played) -> Text:
    steps = " → ".join(f"{s.weight} % for {format_duration(s.hold)}" for s in spec.steps)
    return Text.assemble(("world ", "dim"), played.world, ("   steps ", "dim"), steps)


def _rows(moments: Sequence[Moment]) -> Iterator[Moment]:
    """One row for all checks that say the same at the same time, and one for each decision."""

    def alike(moment: Moment) -> tuple[float, str, bool]:
        return moment.seconds, moment.what, moment.decided

    for (_, what, decided), found in groupby(moments, alike):
        group = list(found)
        if decided:
            yield from (_shortened(each) for each in group)
        else:
            yield _together(what, group)


def _shortened(moment: Moment) -> Moment:
    """Without the measurements of all checks that passed, which stand in the columns."""
    passed = moment.reason in ("StepPassed", "LastStepPassed")
    if not passed:
        return moment
    why = moment.why.rpartition("; ")[2]
    return replace(moment, why=why[:1].upper() + why[1:])


def _together(what: str, group: list[Moment]) -> Moment:
    said: dict[str, list[str]] = {}
    for moment in group:
        name, _, text = moment.why.partition(": ")
        said.setdefault("within the limits" if what == Verdict.PASS else text, []).append(name)
    why = "\n".join(f"{', '.join(names)}: {text}" for text, names in said.items())
    first = group[0]
    return Moment(first.seconds, first.weight, what, "", why, False)


def _middle_left_out(rows: list[Moment]) -> list[Moment | None]:
    if len(rows) <= MOST_ROWS:
        return list(rows)
    half = MOST_ROWS // 2
    return [*rows[:half], None, *rows[-half:]]


def _measured(point: Point | None) -> tuple[str, str]:
    if point is None:
        return "", ""
    latency = point.values.get("latencyP95")
    return (
        "–" if point.canary is None else f"{point.canary:.2f} %",
        "–" if latency is None else f"{latency:.0f} ms",
    )


def _ending(played: Played) -> Text:
    toll, outcome = played.toll, played.outcome
    text = Text.assemble((f"{outcome} ", STYLES[outcome]), f"after {clock(played.ended_s)}")
    if outcome is not Outcome.PROMOTED:
        text.append(f": {played.reason}")
    if played.caught:
        text.append(f"; {clock(played.ended_s - played.onset_s)} after the defect showed")
    elif played.false_rollback:
        text.append("; nothing was wrong with the version")
    text.append(
        f"\nthe canary answered {toll.served:,} requests and failed {toll.failed:,}; "
        f"stable {toll.stable_served:,}, and failed {toll.stable_failed:,}"
    )
    return text


def summaries(found: Sequence[Summary], described: Sequence[Described]) -> RenderableType:
    """Many releases, a line for each world."""
    about = {world.name: world.about for world in described}
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("world", no_wrap=True)
    for name in ("promoted", "rolled back", "found after", "promoted after", "failed"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("why")
    for each in found:
        bad = not each.healthy
        table.add_row(
            each.world,
            Text(percent(each.promoted.value), style=_style(each.promoted.value, good=not bad)),
            Text(_share(each.rolled_back), style=_style(each.rolled_back.value, good=bad)),
            _time(each.detection),
            _time(each.promotion),
            f"{each.harmed:,.0f}",
            ", ".join(each.reasons),
        )
    lines = [Text(f"{name}: {text}", style="dim") for name, text in about.items() if text]
    many = found[0].releases
    legend = (
        f"{many} releases in each world. In brackets where the true figure is, in 95 of 100 cases. "
        "Times are medians, failed is the median number of requests that the canary failed."
    )
    return Group(table, "", *lines, "", Text(legend, style="dim"))


def _style(share: float, *, good: bool) -> str:
    return "" if share == 0 else "green" if good else "red"


def _share(estimate: Estimate) -> str:
    return f"{percent(estimate.value)} ({100 * estimate.low:.0f}–{100 * estimate.high:.0f})"


def _time(estimate: Estimate | None) -> str:
    if estimate is None:
        return "–"
    known = estimate.low >= 0 and estimate.high < float("inf")
    between = f" ({clock(estimate.low)}–{clock(estimate.high)})" if known else ""
    return f"{clock(estimate.value)}{between}"
