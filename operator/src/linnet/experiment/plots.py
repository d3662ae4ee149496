"""Plots of a report, as SVG that stands in the page."""

from collections.abc import Sequence
from math import isfinite

from linnet.api.experiment import MetricState
from linnet.drawing.svg import (
    BLUE,
    FAINT,
    GREY,
    GRID,
    INK,
    ORANGE,
    Scale,
    Svg,
    scale,
    ticks_between,
)
from linnet.experiment import words
from linnet.experiment.effect import sign
from linnet.experiment.report import Report, metric_of
from linnet.experiment.sections import ByDay, BySegment
from linnet.stats.intervals import Interval

WIDTH, LEFT, RIGHT, ROW = 860, 150, 620, 34


def effects(report: Report) -> str:
    """A row for each metric: effect, interval, what was asked for; each on a scale of its own."""
    readings = [r for r in report.found.readings if isfinite(r.effect)]
    svg = Svg(WIDTH, 50 + ROW * max(len(readings), 1), "Effects, with intervals for any look")
    if not readings:
        svg.text((LEFT, 30), "no data yet", colour=FAINT)
    middle = (LEFT + RIGHT) / 2
    svg.line([(middle, 24), (middle, 30 + ROW * len(readings))], INK, 1)
    svg.text((middle, 16), "no effect", "middle", FAINT)
    for number, reading in enumerate(readings):
        metric, y = metric_of(report.spec, reading.name), 44.0 + ROW * number
        ends = [end for end in (reading.interval.low, reading.interval.high) if isfinite(end)]
        asked = sign(metric) * (metric.minimum_effect or 0)
        most = 1.1 * max(abs(figure) for figure in (reading.effect, asked, *ends, 1e-9))
        x = scale(-most, most, LEFT, RIGHT)
        colour = _colour(reading.states)
        if metric.minimum_effect is not None:
            svg.line([(x(asked), y - 10), (x(asked), y + 10)], INK, 1, "3 2")
        _bar(svg, reading.interval, reading.effect, (x(-most), x(most), y), x, colour)
        svg.text((LEFT - 10, y + 4), reading.name, "end")
        said = words.effect(metric, reading.effect)
        svg.text((RIGHT + 12, y + 4), f"{said}  {words.verdict(metric, reading)}")
    return str(svg)


def _colour(states: frozenset[MetricState]) -> str:
    if MetricState.WORSE in states or MetricState.BEYOND_LIMIT in states:
        return ORANGE
    return BLUE if MetricState.BETTER in states else GREY


def _bar(
    svg: Svg,
    interval: Interval,
    effect: float,
    place: tuple[float, float, float],
    x: Scale,
    colour: str,
) -> None:
    first, last, y = place
    low = x(interval.low) if isfinite(interval.low) else first
    high = x(interval.high) if isfinite(interval.high) else last
    svg.box((low, y - 4), max(high - low, 1.0), 8, colour, 0.35)
    svg.dot((x(effect), y), colour, 4)


def days(report: Report, found: ByDay) -> str:
    """The effect of each day, with an interval for it alone."""
    metric = metric_of(report.spec, found.metric)
    known = [day for day in found.days if isfinite(day.interval.low + day.interval.high)]
    svg = Svg(WIDTH, 210, f"{found.metric}: effect by day")
    svg.text((LEFT, 18), f"{found.metric}: effect by day", colour=INK)
    if not known:
        svg.text((LEFT, 60), "too little on each day", colour=FAINT)
        return str(svg)
    asked = sign(metric) * (metric.minimum_effect or 0)
    low = min([0.0, asked, *(day.interval.low for day in known)])
    high = max([0.0, asked, *(day.interval.high for day in known)])
    high = high if high > low else low + 1
    x = scale(0.5, max(len(found.days), 2) + 0.5, LEFT, RIGHT + 200)
    y = scale(low, high, 170, 34)
    for figure in ticks_between(low, high):
        svg.line([(LEFT, y(figure)), (RIGHT + 200, y(figure))], GRID, 1)
        svg.text((LEFT - 8, y(figure) + 4), words.effect(metric, figure), "end", FAINT)
    svg.line([(LEFT, y(0)), (RIGHT + 200, y(0))], INK, 1)
    for day in known:
        svg.line([(x(day.day), y(day.interval.low)), (x(day.day), y(day.interval.high))], BLUE)
        svg.dot((x(day.day), y(day.effect)), BLUE, 3.5)
        svg.text((x(day.day), 192), f"{day.day}", "middle", FAINT)
    return str(svg)


def segments(report: Report, found: BySegment) -> str:
    """Each segment's effect, as measured (hollow line) and drawn towards the whole (dot)."""
    metric, parts = metric_of(report.spec, found.metric), found.found.parts
    title = f"{found.metric} by {found.dimension}"
    svg = Svg(WIDTH, 60 + 26 * len(parts), title)
    svg.text((LEFT, 18), title)
    x = _wide_enough([found.whole, *(p.measured for p in parts), *_reach(found)])
    bottom = 34.0 + 26 * len(parts)
    svg.line([(x(0), 28), (x(0), bottom)], INK, 1)
    svg.line([(x(found.whole), 28), (x(found.whole), bottom)], FAINT, 1, "3 2")
    svg.text((x(found.whole), bottom + 16), "all", "middle", FAINT)
    for number, part in enumerate(parts):
        y = 44.0 + 26 * number
        reach = 1.96 * part.error
        svg.line([(x(part.size - reach), y), (x(part.size + reach), y)], BLUE)
        svg.line([(x(part.measured), y - 6), (x(part.measured), y + 6)], GREY, 2)
        svg.dot((x(part.size), y), BLUE, 4)
        svg.text((LEFT - 10, y + 4), part.name, "end")
        svg.text((RIGHT + 12, y + 4), f"{words.effect(metric, part.size)}  {part.users:,.0f} users")
    return str(svg)


def _reach(found: BySegment) -> list[float]:
    return [p.size + k * 1.96 * p.error for p in found.found.parts for k in (-1, 1)]


def _wide_enough(figures: Sequence[float]) -> Scale:
    low, high = min(0.0, *figures), max(0.0, *figures)
    room = 0.05 * (high - low) or 1.0
    return scale(low - room, high + room, LEFT, RIGHT)
