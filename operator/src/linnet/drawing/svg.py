"""A picture in SVG: shapes and texts at places, and the text of the file that shows them."""

from collections.abc import Callable, Sequence
from html import escape
from math import ceil, floor, log10

INK, FAINT, GRID = "#1f2933", "#7b8794", "#e4e7eb"
BLUE, ORANGE, GREY = "#1f6fb2", "#d9661f", "#9aa5b1"
FONT = "system-ui, sans-serif"

Place = tuple[float, float]
Scale = Callable[[float], float]


def scale(low: float, high: float, first: float, last: float) -> Scale:
    """Where values from low to high are, in pixels from first to last."""

    def place(value: float) -> float:
        return first + (value - low) / (high - low) * (last - first)

    return place


def ticks(most: float, about: int = 5) -> list[float]:
    """About so many round numbers from 0 to at most `most`, which is more than 0."""
    step = _step(most, about)
    return [step * i for i in range(ceil(most / step)) if step * i <= most]


def ticks_between(low: float, high: float) -> list[float]:
    """Some round numbers from low to high, which is more than low."""
    step = _step(high - low, 5)
    return [step * i for i in range(ceil(low / step), floor(high / step) + 1)]


def _step(span: float, about: int) -> float:
    raw = span / about
    power: float = 10.0 ** floor(log10(raw))
    return next(power * k for k in (1, 2, 5, 10) if power * k >= raw)


class Svg:
    """What is drawn later lies on top. Places are in pixels from the upper left corner."""

    def __init__(self, width: int, height: int, title: str) -> None:
        self._size, self._title = (width, height), title
        self._parts: list[str] = []

    def line(
        self, points: Sequence[Place], colour: str, width: float = 1.5, dash: str = ""
    ) -> None:
        """A line through places."""
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        dashed = f' stroke-dasharray="{dash}"' if dash else ""
        self._parts.append(
            f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{width}"'
            f' stroke-linejoin="round"{dashed}/>'
        )

    def box(self, at: Place, width: float, height: float, colour: str, opacity: float = 1) -> None:
        """A filled rectangle; at: its upper left corner."""
        (x, y), shown = at, f' opacity="{opacity}"' if opacity < 1 else ""
        self._parts.append(
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"'
            f' fill="{colour}"{shown}/>'
        )

    def dot(self, at: Place, colour: str, radius: float = 2.5, opacity: float = 1) -> None:
        """A filled circle."""
        shown = f' opacity="{opacity}"' if opacity < 1 else ""
        self._parts.append(
            f'<circle cx="{at[0]:.1f}" cy="{at[1]:.1f}" r="{radius}" fill="{colour}"{shown}/>'
        )

    def area(self, points: Sequence[Place], bottom: float, colour: str, opacity: float) -> None:
        """What lies between a line through places and the bottom."""
        ends = [(points[-1][0], bottom), (points[0][0], bottom)]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in [*points, *ends])
        self._parts.append(f'<polygon points="{path}" fill="{colour}" opacity="{opacity}"/>')

    def text(
        self,
        at: Place,
        words: str,
        anchor: str = "start",
        colour: str = INK,
        *,
        bold: bool = False,
    ) -> None:
        """Words; anchor: `start`, `middle` or `end` of them is at the place."""
        weight = ' font-weight="600"' if bold else ""
        self._parts.append(
            f'<text x="{at[0]:.1f}" y="{at[1]:.1f}" text-anchor="{anchor}" fill="{colour}"{weight}>'
            f"{escape(words)}</text>"
        )

    def __str__(self) -> str:
        width, height = self._size
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}"'
            f' viewBox="0 0 {width} {height}" font-family="{FONT}" font-size="12" role="img">'
        )
        ground = f'<rect width="{width}" height="{height}" fill="white"/>'
        title = f"<title>{escape(self._title)}</title>"
        return "\n".join([head, title, ground, *self._parts, "</svg>", ""])
