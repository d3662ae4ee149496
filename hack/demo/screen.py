"""Where the demonstration shows itself: a live picture on a terminal, lines anywhere else."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console, RenderableType
from rich.live import Live

from hack.demo.scene import Show
from hack.demo.view import picture
from hack.load import now

REFRESH_PER_S = 4


class Screen(Protocol):
    """Whatever shows the demonstration."""

    def say(self, line: str) -> None:
        """Something happened; one sentence."""


class Lines:
    """One line for each event, with the time since the start."""

    def __init__(self, console: Console, started: float) -> None:
        self._console = console
        self._started = started
        self._lock = threading.Lock()

    def say(self, line: str) -> None:
        """Print a line."""
        with self._lock:
            since = now() - self._started
            self._console.print(
                f"{since:7.1f} s  {line}", markup=False, highlight=False, soft_wrap=True
            )


class Picture:
    """The live picture shows everything by itself."""

    def say(self, line: str) -> None:
        """Nothing to print: the picture has it."""


def wants_picture(console: Console, *, live: bool) -> bool:
    """Whether this is a terminal that a person looks at."""
    ci = os.environ.get("CI", "").lower() in {"1", "true"}
    dumb = console.is_dumb_terminal or not console.encoding.lower().startswith("utf")
    return live and console.is_terminal and not ci and not dumb


@contextmanager
def screen_for(console: Console, show: Show, *, live: bool) -> Iterator[Screen]:
    """The screen that fits; the terminal is as it was when this ends, however it ends."""
    if not wants_picture(console, live=live):
        yield Lines(console, show.started)
        return

    def render() -> RenderableType:
        return picture(show.scene(now()), console.width, console.height)

    # On the terminal's other screen: nothing scrolls, and nothing is left behind.
    with Live(
        console=console, screen=True, refresh_per_second=REFRESH_PER_S, get_renderable=render
    ):
        yield Picture()
