"""How things are drawn: colours, bars, lines of blocks, times. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from hack.demo.scene import Mark

STABLE, CANARY = "cyan", "yellow"
GOOD, BAD, CARE, QUIET = "green", "red", "yellow", "bright_black"
MARKS = {Mark.WAITING: QUIET, Mark.RUNNING: CANARY, Mark.GOOD: GOOD, Mark.BAD: BAD}
_PARTS = " ▏▎▍▌▋▊▉█"
_LEVELS = "▁▂▃▄▅▆▇█"


def mark(of: Mark) -> Text:
    """One sign: waiting, running, good or bad."""
    return Text(of.value, style=MARKS[of])


def bar(percent: float, width: int, style: str) -> Text:
    """A bar, exact to an eighth of a column."""
    eighths = round(min(max(percent, 0.0), 100.0) / 100 * width * 8)
    full, rest = divmod(eighths, 8)
    filled = "█" * full + (_PARTS[rest] if rest else "")
    return Text.assemble((filled, style), ("─" * (width - len(filled)), QUIET))


def spark(percents: Sequence[float], style: str) -> Text:
    """A line of blocks, one for each value from 0 to 100; zero is a dot."""
    text = Text()
    for percent in percents:
        if percent <= 0:
            text.append("·", QUIET)
        else:
            text.append(_LEVELS[min(7, int(percent / 12.5))], style)
    return text


def clock(seconds: float) -> str:
    """Minutes and seconds, e.g. 3:07."""
    minutes, rest = divmod(max(0, int(seconds)), 60)
    return f"{minutes}:{rest:02d}"


def number(value: float | None, unit: str = "") -> str:
    """A value with three digits that matter, `–` where there is none."""
    if value is None:
        return "–"
    digits = 0 if abs(value) >= 100 else 1
    text = f"{value:.{digits}f}"
    return f"{text.removesuffix('.0')}{unit}"


def limit(value: float | None, sign: str) -> str:
    """A limit, e.g. `> 500`; empty where there is none."""
    return "" if value is None else f"{sign} {value:g}"


def exact(value: float | None) -> str:
    """A share with two decimals, as few as are needed."""
    return "–" if value is None else f"{value:.2f}".rstrip("0").rstrip(".")
