"""The live view of a run on a terminal."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from hack.cluster.cluster import StepRecord
from hack.cluster.screen import duration, rough
from hack.cluster.steps import Step


class LiveScreen:
    """A table of all steps that redraws itself, with what is left at the bottom."""

    def __init__(self, steps: Sequence[Step], console: Console | None = None) -> None:
        self._steps = steps
        self._records: dict[str, StepRecord] = {}
        self._failed = ""
        self._current: Step | None = None
        self._began = time.monotonic()
        self._expected = self._left = 0.0
        self._spinner = Spinner("dots")
        self._live = Live(console=console, get_renderable=self._render, refresh_per_second=8)

    def __enter__(self) -> LiveScreen:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def begin(self, step: Step, expected: float, left: float) -> None:
        """Mark a step as running."""
        self._current, self._began = step, time.monotonic()
        self._expected, self._left = expected, left

    def end(self, record: StepRecord) -> None:
        """Mark a step as complete."""
        self._records[record["name"]] = record
        self._current = None

    def fail(self, step: Step, log: Path) -> None:
        """Mark a step as failed."""
        self._failed = step.name

    def _render(self) -> RenderableType:
        table = Table.grid(padding=(0, 1))
        for step in self._steps:
            table.add_row(*self._row(step))
        if self._current is None or self._failed:
            return table
        left = max(self._left - (time.monotonic() - self._began), 0)
        return Group(table, Text(f"\n  {rough(left)} left", style="bold"))

    def _row(self, step: Step) -> tuple[RenderableType, RenderableType, RenderableType]:
        if step.name == self._failed:
            return Text("✗", style="red"), Text(step.what, style="red"), Text("failed", style="red")
        if record := self._records.get(step.name):
            if record["cached"]:
                return Text("✓", style="dim green"), Text(step.what, style="dim"), Text("")
            return Text("✓", style="green"), Text(step.what), Text(duration(record["seconds"]))
        if self._current is step:
            passed = duration(time.monotonic() - self._began)
            note = f"{passed} of {rough(self._expected)}" if self._expected else passed
            return self._spinner, Text(step.what, style="bold"), Text(note, style="cyan")
        return Text("·", style="dim"), Text(step.what, style="dim"), Text("")
