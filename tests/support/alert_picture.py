"""The way of alerts as a picture: each rollback a row, and its last parts once more in detail."""

from collections.abc import Sequence
from statistics import median

from linnet.drawing.svg import BLUE, FAINT, GREY, GRID, INK, ORANGE, Scale, Svg, scale, ticks
from tests.support.alert_way import PARTS, Way

WIDTH, ROW, TOP = 980, 15, 74
WHOLE, DETAIL = (40, 560), (620, 950)
COLOURS = dict(
    zip(
        (name for name, _ in PARTS),
        ("#d5dbe1", "#8fb8de", GREY, "#d9a400", ORANGE, BLUE),
        strict=True,
    )
)
FROM_WEBHOOK = ("decision", "routing")
MEDIAN_BAR, WORST_BAR = 0.5, 1.0
"""Seconds from the webhook to the last request on the canary: what the median may be, and any."""


def picture(ways: Sequence[Way]) -> str:
    """An SVG; the quickest rollback on top. There has to be one at least."""
    rows = sorted(ways, key=lambda way: way.last - way.failed)
    bottom = TOP + ROW * len(rows)
    height = bottom + 60 + 19 * len(PARTS)
    svg = Svg(WIDTH, height, "From a failing canary to no traffic, by an alert")
    _whole(svg, rows, bottom)
    _detail(svg, rows, bottom)
    _key(svg, rows, bottom + 64)
    return str(svg)


def _whole(svg: Svg, rows: Sequence[Way], bottom: float) -> None:
    left, right = WHOLE
    most = max(way.last - way.failed for way in rows)
    x = scale(0, most, left, right)
    svg.text((left, 24), "From the first failed request to the last one", bold=True)
    svg.text((left, 42), f"{len(rows)} rollbacks by LinnetCanaryErrors, each a row", colour=FAINT)
    _axis(svg, x, ticks(most, 6), "s", bottom)
    for row, way in enumerate(rows):
        begun = 0.0
        for name, seconds in way.parts.items():
            _bar(svg, x, row, (begun, begun + seconds), name)
            begun += seconds


def _detail(svg: Svg, rows: Sequence[Way], bottom: float) -> None:
    left, right = DETAIL
    most = max(1.1 * WORST_BAR, *(way.from_webhook for way in rows))
    x = scale(0, 1000 * most, left, right)
    svg.text((left, 24), "From the webhook to the last one", bold=True)
    middle, worst = _told([way.from_webhook for way in rows])
    svg.text((left, 42), f"median {middle}, worst {worst}", colour=FAINT)
    _axis(svg, x, ticks(1000 * most, 5), "ms", bottom)
    for bar, words in ((MEDIAN_BAR, "median at most"), (WORST_BAR, "worst at most")):
        place = x(1000 * bar)
        svg.line([(place, TOP - 8), (place, bottom)], INK, 1, "4 3")
        svg.text((place - 4, TOP - 10), words, "end", FAINT)
    for row, way in enumerate(rows):
        begun = 0.0
        for name in FROM_WEBHOOK:
            ended = begun + 1000 * way.parts[name]
            _bar(svg, x, row, (begun, ended), name)
            begun = ended


def _axis(svg: Svg, x: Scale, values: Sequence[float], unit: str, bottom: float) -> None:
    for value in values:
        svg.line([(x(value), TOP - 4), (x(value), bottom)], GRID, 1)
        svg.text((x(value), bottom + 18), f"{value:g} {unit}", "middle", FAINT)


def _bar(svg: Svg, x: Scale, row: int, span: tuple[float, float], part: str) -> None:
    begun, ended = span
    top = TOP + ROW * row
    svg.box((x(begun), top + 2), x(ended) - x(begun), ROW - 4, COLOURS[part])


def _key(svg: Svg, rows: Sequence[Way], top: float) -> None:
    for number, (name, ends) in enumerate(PARTS):
        y = top + 19 * number
        middle, worst = _told([way.parts[name] for way in rows])
        svg.box((WHOLE[0], y - 10), 12, 12, COLOURS[name])
        svg.text((WHOLE[0] + 20, y), name, bold=True)
        svg.text((WHOLE[0] + 120, y), ends)
        svg.text((DETAIL[0], y), f"median {middle}, worst {worst}", colour=FAINT)


def _told(seconds: Sequence[float]) -> tuple[str, str]:
    """Median and worst, in words."""
    middle, worst = (
        f"{value:.1f} s" if value >= 1 else f"{1000 * value:.0f} ms"
        for value in (median(seconds), max(seconds))
    )
    return middle, worst
