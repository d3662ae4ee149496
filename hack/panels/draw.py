"""A dashboard as one picture, with what its queries gave: drawn as Grafana lays it out."""

from collections.abc import Sequence

from hack.dashboards.panels import (
    BLUE,
    COLUMNS,
    GREEN,
    GREY,
    ORANGE,
    RED,
    VIOLET,
    YELLOW,
    Dashboard,
    Placed,
    Unit,
    named,
    placed,
)
from hack.panels.prometheus import Answer, Answers, Series, Span
from linnet.drawing.svg import FAINT, GRID, INK, Scale, Svg, scale, ticks

WIDTH, ROW = 1200, 30
_COLUMN = WIDTH / COLUMNS
_GAP, _LEFT, _RIGHT, _TOP, _KEY, _AXIS = 6, 62, 14, 34, 22, 20
_PALETTE = (BLUE, ORANGE, GREEN, VIOLET, YELLOW, GREY)
_SHADES = {"stable": (BLUE, "#6fa3cf", "#123f66"), "canary": (ORANGE, "#eba577", "#7f3a10")}
_LETTER = 6.4
"""Pixels that a letter of the key takes."""


def board(dashboard: Dashboard, found: Answers, span: Span) -> str:
    """The picture of a dashboard over a span."""
    places = placed(dashboard.panels)
    rows = max(place.y + place.panel.height for place in places)
    svg = Svg(WIDTH, rows * ROW + _GAP, f"The dashboard {dashboard.title}")
    svg.box((0, 0), WIDTH, rows * ROW + _GAP, "#f4f6f8")
    for place in places:
        Picture(svg, place, span).draw(found[place.panel.title])
    return str(svg)


class Picture:
    """One panel of the picture. Places are in pixels."""

    def __init__(self, svg: Svg, place: Placed, span: Span) -> None:
        self._svg, self._panel, self._span = svg, place.panel, span
        self._x0 = place.x * _COLUMN + _GAP
        self._y0 = place.y * ROW + float(_GAP)
        self._width = place.panel.width * _COLUMN - _GAP
        self._height = place.panel.height * ROW - float(_GAP)
        self._left, self._right = self._x0 + _LEFT, self._x0 + self._width - _RIGHT
        self._top = self._y0 + _TOP
        self._bottom = self._y0 + self._height - _KEY - _AXIS
        self._x = scale(span.start, span.end, self._left, self._right)

    def draw(self, answers: Sequence[Answer]) -> None:
        """Draw the panel with what its lines got."""
        self._svg.box((self._x0, self._y0), self._width - _GAP, self._height, "white")
        self._svg.text((self._x0 + 10, self._y0 + 19), self._panel.title, bold=True)
        self._times()
        if self._panel.kind == "states":
            self._states([series for each in answers for series in each.series], answers)
        else:
            self._amounts(answers)

    def _times(self) -> None:
        for minute in ticks((self._span.end - self._span.start) / 60, 4):
            at = self._span.start + 60 * minute
            self._svg.line([(self._x(at), self._top), (self._x(at), self._bottom)], GRID, 1)
            self._svg.text((self._x(at), self._bottom + 15), f"{minute:g} min", "middle", FAINT)

    def _amounts(self, answers: Sequence[Answer]) -> None:
        panel = self._panel
        seen = [value for a in answers for series in a.series for _, value in series.points]
        most = panel.most or 1.1 * max([*seen, 1e-9])
        if panel.limit is not None and panel.limit < 3 * most:
            most = max(most, 1.1 * panel.limit)
        y = scale(0, most, self._bottom, self._top)
        for value in ticks(most, 4):
            self._svg.line([(self._left, y(value)), (self._right, y(value))], GRID, 1)
            words = amount(value, panel.unit)
            self._svg.text((self._left - 6, y(value) + 4), words, "end", FAINT)
        if panel.limit is not None and panel.limit <= most:
            mark = y(panel.limit)
            self._svg.line([(self._left, mark), (self._right, mark)], RED, 1, "3 3")
        keys: list[tuple[str, str]] = []
        shown = [(answer, series) for answer in answers for series in answer.series]
        for number, (answer, series) in enumerate(shown):
            name = named(answer.line.legend, series.labels)
            colour = _colour(name, number, keys)
            self._line(series, y, colour, "5 4" if answer.line.reference else "")
            keys.append((name, colour))
        self._key(keys)

    def _line(self, series: Series, y: Scale, colour: str, dash: str) -> None:
        """A line, broken where there was nothing for a while."""
        run: list[tuple[float, float]] = []
        before = None
        for at, value in series.points:
            if before is not None and at - before > 1.5 * self._span.step:
                self._stretch(run, colour, dash)
                run = []
            run.append((self._x(at), min(max(y(value), self._top), self._bottom)))
            before = at
        self._stretch(run, colour, dash)

    def _stretch(self, places: list[tuple[float, float]], colour: str, dash: str) -> None:
        if len(places) == 1:
            self._svg.dot(places[0], colour, 1.5)
        elif self._panel.kind == "bars":
            self._svg.area(places, self._bottom, colour, 0.15)
            self._svg.line(places, colour, 1.5, dash)
        else:
            self._svg.line(places, colour, 1.5, dash)

    def _states(self, rows: list[Series], answers: Sequence[Answer]) -> None:
        height = min((self._bottom - self._top) / max(len(rows), 1), 70)
        legend = answers[0].line.legend if answers else ""
        met: dict[str, str] = {}
        for number, series in enumerate(rows):
            top = self._top + number * height
            for since, until, code in runs(series, self._span.step):
                state = self._panel.states[int(code)]
                width = self._x(min(until, self._span.end)) - self._x(since)
                self._svg.box((self._x(since), top + 14), width, height - 18, state.colour, 0.85)
                met[state.name] = state.colour
            name = named(legend, series.labels)
            self._svg.text((self._left, top + 10), name, colour=INK)
        self._key(list(met.items()))

    def _key(self, keys: Sequence[tuple[str, str]]) -> None:
        """Names below the picture; those for which there is no room are counted."""
        x, y = self._x0 + 16.0, self._y0 + self._height - 9
        for number, (name, colour) in enumerate(keys):
            needed = 24 + _LETTER * len(name)
            if x + needed > self._right - 40:
                self._svg.text((x, y), f"+ {len(keys) - number} more", colour=FAINT)
                return
            self._svg.dot((x, y - 4), colour, 4)
            self._svg.text((x + 8, y), name)
            x += needed


def runs(series: Series, step: float) -> list[tuple[float, float, float]]:
    """(from, until, value) of each stretch over which a value stayed; step: seconds to the next."""
    found: list[tuple[float, float, float]] = []
    for at, value in series.points:
        if found and found[-1][2] == value and at <= found[-1][1] + step / 2:
            found[-1] = (found[-1][0], at + step, value)
        else:
            found.append((at, at + step, value))
    return found


def _colour(name: str, number: int, taken: Sequence[tuple[str, str]]) -> str:
    """Stable is blue and the canary orange, in shades; everything else by its place."""
    for track, shades in _SHADES.items():
        if track in name:
            before = sum(track in other for other, _ in taken)
            return shades[before % len(shades)]
    return _PALETTE[number % len(_PALETTE)]


def amount(value: float, unit: Unit) -> str:
    """A value in its unit, for an axis."""
    if unit is Unit.PERCENT:
        return f"{value:g} %"
    if unit is Unit.SECONDS:
        return f"{value:g} s" if value >= 1 or not value else f"{1000 * value:g} ms"
    if unit is Unit.BYTES:
        return f"{value / 1e6:.3g} MB"
    return f"{value:g}/s" if unit is Unit.PER_SECOND else f"{value:g}"
