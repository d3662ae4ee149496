"""Pictures of rehearsals: one release over time, or what became of many."""

from collections.abc import Sequence
from itertools import pairwise
from math import ceil, log10

from linnet.api.analysis import ReadyMade
from linnet.api.spec import CanaryReleaseSpec
from linnet.cli.output import clock, percent
from linnet.core.catalog import QUERIES, checks
from linnet.drawing.svg import BLUE, FAINT, GREY, GRID, INK, ORANGE, Scale, Svg, scale, ticks
from linnet.simulation.played import Outcome, Played
from linnet.simulation.summary import Summary

WIDTH, LEFT, RIGHT = 860, 70, 840
COLOURS = {Outcome.PROMOTED: BLUE, Outcome.ROLLED_BACK: ORANGE, Outcome.UNFINISHED: GREY}
ODDS = (ORANGE, BLUE, GREY)
LEAST = -2
"""The power of ten below which odds are not told apart: nothing speaks against the canary there."""


def story(spec: CanaryReleaseSpec, played: Played) -> str:
    """Errors of both versions above, the canary's weight below, decisions across.

    Between them the odds against a healthy canary, where the versions are compared.
    """
    end = max(played.ended_s, 60.0)
    compared = any(point.odds for point in played.points)
    lower = 170 if compared else 0
    svg = Svg(WIDTH, 400 + lower, f"A release in the world {played.world}: {played.outcome}")
    x = scale(0, end, LEFT, RIGHT)
    svg.text((LEFT, 22), f"{played.world}: {played.outcome} after {clock(played.ended_s)}")
    _time_axis(svg, end, x, 350 + lower)
    _errors(svg, spec, played, x, (45, 215))
    if compared:
        _odds(svg, played, x, (250, 385))
    _weights(svg, played, x, (250 + lower, 350 + lower))
    return str(svg)


def _errors(
    svg: Svg, spec: CanaryReleaseSpec, played: Played, x: Scale, area: tuple[float, float]
) -> None:
    check = next(
        (c for c in checks(spec.analysis) if c.query == QUERIES[ReadyMade.ERROR_RATE]), None
    )
    limits = [value for value in (check.above, check.at_most) if value] if check else []
    seen = [v for p in played.points for v in (p.canary, p.stable) if v is not None]
    most = 1.15 * max([*seen, *limits, 0.1])
    y = scale(0, most, area[1], area[0])
    svg.text((LEFT, area[0] - 8), "errors, %", colour=FAINT)
    for value in ticks(most):
        svg.line([(LEFT, y(value)), (RIGHT, y(value))], GRID, 1)
        svg.text((LEFT - 8, y(value) + 4), f"{value:g}", "end", FAINT)
    for value, what in zip(limits, ("rolls back above", "goes on up to"), strict=False):
        svg.line([(LEFT, y(value)), (RIGHT, y(value))], INK, 1, "4 3")
        svg.text((RIGHT, y(value) - 4), f"{what} {value:g} %", "end")
    for i, (name, colour) in enumerate((("stable", BLUE), ("canary", ORANGE))):
        known = [(p.seconds, getattr(p, name)) for p in played.points]
        places = [(x(t), y(value)) for t, value in known if value is not None]
        svg.line(places, colour)
        for place in places:
            svg.dot(place, colour)
        svg.dot((RIGHT - 130 + 70 * i, area[0] - 12), colour, 4)
        svg.text((RIGHT - 120 + 70 * i, area[0] - 8), name)


def _odds(svg: Svg, played: Played, x: Scale, area: tuple[float, float]) -> None:
    """On a logarithmic scale, as each piece of evidence multiplies them."""
    needed = min(point.needed for point in played.points)
    known = [point for point in played.points if point.odds]
    most = max(needed, *(odds for point in known for odds in point.odds.values()))
    top = ceil(log10(most) + 0.3)
    y = scale(LEAST, top, area[1], area[0])
    svg.text((LEFT, area[0] - 8), "odds against a healthy canary", colour=FAINT)
    for power in range(LEAST, top + 1, max(1, (top - LEAST) // 4)):
        svg.line([(LEFT, y(power)), (RIGHT, y(power))], GRID, 1)
        svg.text((LEFT - 8, y(power) + 4), f"{10.0**power:g}", "end", FAINT)
    svg.line([(LEFT, y(log10(needed))), (RIGHT, y(log10(needed)))], INK, 1, "4 3")
    svg.text((LEFT + 6, y(log10(needed)) - 4), f"rolls back at {needed:g}")
    names = sorted({name for point in known for name in point.odds})
    for i, name in enumerate(names):
        colour = ODDS[i % len(ODDS)]
        svg.line([(x(p.seconds), y(_log(p.odds[name]))) for p in known if name in p.odds], colour)
        svg.dot((RIGHT - 70 * (len(names) - i), area[0] - 12), colour, 4)
        svg.text((RIGHT - 70 * (len(names) - i) + 10, area[0] - 8), name)


def _log(odds: float) -> float:
    return max(log10(odds), LEAST) if odds > 0 else LEAST


def _weights(svg: Svg, played: Played, x: Scale, area: tuple[float, float]) -> None:
    y = scale(0, 100, area[1], area[0])
    svg.text((LEFT, area[0] - 8), "weight, %", colour=FAINT)
    for value in (0, 50, 100):
        svg.text((LEFT - 8, y(value) + 4), f"{value}", "end", FAINT)
    moves = [(m.seconds, m.weight) for m in played.moments] + [(played.ended_s, 0)]
    for (since, weight), (until, _) in pairwise(moves):
        svg.box((x(since), y(weight)), x(until) - x(since), area[1] - y(weight), BLUE, 0.35)
    for moment in played.moments:
        if moment.decided and moment.what in ("RolledBack", "Held", "Promoted"):
            colour = ORANGE if moment.what != "Promoted" else BLUE
            svg.line([(x(moment.seconds), 45), (x(moment.seconds), area[1])], colour, 1, "2 3")
            anchor = "end" if x(moment.seconds) > WIDTH / 2 else "start"
            why = f": {moment.reason}" if moment.reason != moment.what else ""
            words = f" {moment.what}{why} "
            svg.text((x(moment.seconds), area[0] - 8), words, anchor, colour)


def outcomes(found: Sequence[Summary], played: Sequence[Sequence[Played]]) -> str:
    """A row for each world: the shares of the outcomes, and when each release was decided."""
    height = 80 + 44 * len(found)
    svg = Svg(WIDTH, height, "What became of the releases in each world")
    longest = max(each.ended_s for group in played for each in group)
    bar, x = scale(0, 1, 130, 400), scale(0, longest, 440, RIGHT)
    svg.text((130, 22), "share of releases", colour=FAINT)
    svg.text((440, 22), "each release: when it was decided", colour=FAINT)
    for i, (each, group) in enumerate(zip(found, played, strict=True)):
        top = 36.0 + 44 * i
        svg.text((122, top + 18), each.world, "end")
        _shares(svg, group, bar, top)
        svg.line([(440, top + 26), (RIGHT, top + 26)], GRID, 1)
        for number, one in enumerate(sorted(group, key=lambda each: each.ended_s)):
            svg.dot((x(one.ended_s), top + 6 + number % 5 * 4.5), COLOURS[one.outcome], 2.5, 0.6)
    for value in ticks(longest / 60):
        svg.text((x(60 * value), height - 36), f"{value:g} min", "middle", FAINT)
    _key(svg, height - 12)
    return str(svg)


def _shares(svg: Svg, group: Sequence[Played], bar: Scale, top: float) -> None:
    begun = 0.0
    for outcome, colour in COLOURS.items():
        share = sum(each.outcome is outcome for each in group) / len(group)
        if share:
            svg.box((bar(begun), top), bar(share) - bar(0), 26, colour, 0.75)
            svg.text((bar(begun + share / 2), top + 17), percent(share), "middle", "white")
        begun += share


def _key(svg: Svg, y: float) -> None:
    for i, (outcome, colour) in enumerate(COLOURS.items()):
        svg.dot((136 + 110 * i, y - 4), colour, 4)
        svg.text((146 + 110 * i, y), outcome)


def _time_axis(svg: Svg, end: float, x: Scale, bottom: float) -> None:
    for minutes in ticks(end / 60):
        svg.line([(x(60 * minutes), 45), (x(60 * minutes), bottom)], GRID, 1)
        svg.text((x(60 * minutes), bottom + 18), f"{minutes:g} min", "middle", FAINT)
