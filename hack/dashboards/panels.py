"""What a dashboard shows, before it becomes JSON for Grafana or a picture."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

GREEN, BLUE, ORANGE, RED = "#2f8f4e", "#1f6fb2", "#d9661f", "#c4302b"
GREY, PALE, YELLOW, VIOLET = "#9aa5b1", "#8fb8de", "#d9a400", "#7d4fb0"

COLUMNS = 24
"""The width of a dashboard, in Grafana's columns."""


class Unit(StrEnum):
    """What values are in, by Grafana's names."""

    PERCENT = "percent"
    SECONDS = "s"
    PER_SECOND = "reqps"
    BYTES = "bytes"
    COUNT = "short"


@dataclass(frozen=True)
class Line:
    """One query. legend: what its series are called, with `{{label}}` for a label's value.

    reference: what others are to be seen against, such as a limit.
    """

    query: str
    legend: str
    reference: bool = False


@dataclass(frozen=True)
class State:
    """What a number stands for, where a panel shows states and not amounts."""

    name: str
    colour: str


@dataclass(frozen=True)
class Panel:
    """One panel. limit: a value that is marked, in the panel's unit. width: in columns.

    states: what the values 0, 1, 2 ... stand for, where kind is `states`.
    """

    title: str
    text: str
    lines: tuple[Line, ...]
    unit: Unit = Unit.COUNT
    kind: Literal["lines", "bars", "states"] = "lines"
    limit: float | None = None
    most: float | None = None
    states: tuple[State, ...] = ()
    width: int = 12
    height: int = 8


@dataclass(frozen=True)
class Variable:
    """Something that a viewer chooses: one or more values of a label."""

    name: str
    metric: str
    label: str


@dataclass(frozen=True)
class Dashboard:
    """A dashboard. uid: by which links and alerts name it, so it never changes."""

    uid: str
    title: str
    text: str
    variables: tuple[Variable, ...]
    panels: tuple[Panel, ...]


@dataclass(frozen=True)
class Placed:
    """A panel and its place: columns from the left, and rows from the top."""

    panel: Panel
    x: int
    y: int


def placed(panels: Iterable[Panel]) -> tuple[Placed, ...]:
    """Panels from left to right; a row that is full is followed by the next."""
    found, x, y, tallest = [], 0, 0, 0
    for panel in panels:
        if x + panel.width > COLUMNS:
            x, y, tallest = 0, y + tallest, 0
        found.append(Placed(panel, x, y))
        x, tallest = x + panel.width, max(tallest, panel.height)
    return tuple(found)


def filled(text: str, values: Mapping[str, str]) -> str:
    """A query with `$name` replaced.

    Raises:
        KeyError: it names a variable that has no value.
    """
    return re.sub(r"\$(\w+)", lambda found: values[found[1]], text)


def named(legend: str, labels: Mapping[str, str]) -> str:
    """What a series is called: `{{label}}` replaced, by nothing where the label isn't there."""
    return re.sub(r"\{\{(\w+)\}\}", lambda found: labels.get(found[1], ""), legend).strip()


def coded(metric: str, label: str, states: Iterable[State], matchers: str, by: str) -> str:
    """A query for which of the states holds, as its number, of a metric that has a label for it."""
    return " or ".join(
        f'{number} * max by ({by}) ({metric}{{{matchers},{label}="{state.name}"}})'
        for number, state in enumerate(states)
    )
