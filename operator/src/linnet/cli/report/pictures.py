"""Pictures of a report: the canary's share of traffic, and each check against its limits."""

from collections.abc import Iterator
from datetime import datetime

from linnet.drawing.svg import BLUE, FAINT, GRID, INK, ORANGE, Place, Scale, Svg, scale, ticks
from linnet.review.report import Checked, Outcome, Report

WIDTH, LEFT, RIGHT = 860, 70, 840
TOP, BOTTOM, HEIGHT = 30, 150, 190
COLOURS = {Outcome.PROMOTED: BLUE, Outcome.ROLLED_BACK: ORANGE}


def weight_picture(report: Report) -> str:
    """The canary's share over time, and when the end was decided."""
    svg = Svg(WIDTH, HEIGHT, f"The canary's share of traffic: {report.revision}")
    x, y = _time_axis(svg, report), scale(0, 100, BOTTOM, TOP)
    svg.text((LEFT, TOP - 10), "traffic, %", colour=FAINT)
    for value in (0, 50, 100):
        svg.text((LEFT - 8, y(value) + 4), f"{value}", "end", FAINT)
    since, until = _span(report)
    for stage in report.stages:
        left, right = (x(_after(since, at)) for at in (stage.since, stage.until or until))
        svg.box((left, y(stage.weight)), right - left, BOTTOM - y(stage.weight), BLUE, 0.35)
    if report.times.decided_at is not None:
        place = x(_after(since, report.times.decided_at))
        anchor = "end" if place > WIDTH / 2 else "start"
        colour = COLOURS.get(report.outcome, INK)
        svg.line([(place, TOP), (place, BOTTOM)], colour, 1, "2 3")
        svg.text((place, TOP - 10), f" {report.outcome}: {report.reason} ", anchor, colour)
    return str(svg)


def check_picture(report: Report, check: Checked) -> str:
    """What a check's query gave, with its two limits."""
    svg = Svg(WIDTH, HEIGHT, f"{check.name} against its limits")
    x = _time_axis(svg, report)
    limits = tuple(_limits(check))
    low, high = _bounds(check)
    y = scale(low, high, BOTTOM, TOP)
    unit = f", {check.unit}" if check.unit else ""
    svg.text((LEFT, TOP - 10), f"{check.name}{unit}", colour=FAINT)
    for value in [low + step for step in ticks(high - low)]:
        svg.line([(LEFT, y(value)), (RIGHT, y(value))], GRID, 1)
        svg.text((LEFT - 8, y(value) + 4), f"{value:g}", "end", FAINT)
    for value, what in limits:
        svg.line([(LEFT, y(value)), (RIGHT, y(value))], INK, 1, "4 3")
        svg.text((RIGHT, y(value) - 4), f"{what} {value:g}", "end")
    since, _ = _span(report)
    places: list[Place] = [(x(_after(since, s.at)), y(s.value)) for s in check.samples]
    svg.line(places, ORANGE)
    for place in places:
        svg.dot(place, ORANGE)
    return str(svg)


def _bounds(check: Checked) -> tuple[float, float]:
    """The least and the highest value that is drawn: from 0 where more is worse."""
    found = [sample.value for sample in check.samples] + [value for value, _ in _limits(check)]
    low, high = min(found), max(found)
    room = 0.15 * ((high - low) or abs(high) or 1.0)
    return (min(low, 0.0) if check.rolls_back_above is not None else low - room), high + room


def _limits(check: Checked) -> Iterator[tuple[float, str]]:
    named = (
        (check.rolls_back_above, "rolls back above"),
        (check.rolls_back_below, "rolls back below"),
        (check.goes_on_at_most, "goes on up to"),
        (check.goes_on_at_least, "goes on from"),
    )
    yield from ((value, what) for value, what in named if value is not None)


def _span(report: Report) -> tuple[datetime, datetime]:
    """From when until when the pictures reach: all that is known to have happened."""
    known = [moment for stage in report.stages for moment in (stage.since, stage.until) if moment]
    known += [sample.at for check in report.checks for sample in check.samples]
    if report.outcome is Outcome.UNDER_WAY:
        known.append(report.written_at)
    first, last = min(known), max(known)
    return first, last


def _after(since: datetime, moment: datetime) -> float:
    return (moment - since).total_seconds()


def _time_axis(svg: Svg, report: Report) -> Scale:
    """Where so many seconds after the beginning are; minutes are written below."""
    since, until = _span(report)
    end = max(_after(since, until), 1.0)
    x = scale(0, end, LEFT, RIGHT)
    for minutes in ticks(end / 60):
        svg.line([(x(60 * minutes), TOP), (x(60 * minutes), BOTTOM)], GRID, 1)
        svg.text((x(60 * minutes), BOTTOM + 18), f"{minutes:g} min", "middle", FAINT)
    return x
