"""Progress for people: a live table on a terminal, plain lines everywhere else."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from hack.cluster.cluster import StepRecord
from hack.cluster.steps import Screen, Step

HEARTBEAT_SECONDS = 30.0


def duration(seconds: float) -> str:
    """Write seconds the way people say them: 0.4 s, 12 s, 3 min 5 s."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def rough(seconds: float) -> str:
    """Write an estimate, no more precise than it is."""
    if seconds < 5:
        return "seconds"
    if seconds < 90:
        return f"about {round(seconds / 5) * 5} s"
    return f"about {round(seconds / 60)} min"


@contextmanager
def screen_for(steps: Sequence[Step]) -> Iterator[Screen]:
    """Choose the live view for a terminal, lines for a pipe or with CI=true."""
    if sys.stdout.isatty() and os.environ.get("CI", "").lower() not in {"1", "true"}:
        try:  # rich may be missing
            from hack.cluster.live import LiveScreen
        except ImportError:
            pass
        else:
            with LiveScreen(steps) as live:
                yield live
            return
    plain = PlainScreen()
    try:
        yield plain
    finally:
        plain.quiet()


class PlainScreen:
    """One line at the start and end of each step, and a sign of life every 30 s."""

    def __init__(self, write: Callable[[str], None] | None = None) -> None:
        self._write = write or (lambda line: print(line, flush=True))
        self._stop = threading.Event()

    def begin(self, step: Step, expected: float, left: float) -> None:
        """Announce a step that takes time; say nothing of one that is done already."""
        if expected <= 0:
            return
        self._write(f"… {step.what} ({rough(expected)}; {rough(left)} left in all)")
        self._stop = stop = threading.Event()
        started = time.monotonic()

        def beat() -> None:
            while not stop.wait(HEARTBEAT_SECONDS):
                passed = time.monotonic() - started
                remaining = max(left - passed, 0)
                self._write(f"  {step.name}: {duration(passed)}, {rough(remaining)} left in all")

        threading.Thread(target=beat, daemon=True).start()

    def end(self, record: StepRecord) -> None:
        """Report a step with the time it took."""
        self.quiet()
        note = "already there" if record["cached"] else duration(record["seconds"])
        self._write(f"✓ {record['name']}: {note}")

    def fail(self, step: Step, log: Path) -> None:
        """Report a failed step."""
        self.quiet()
        self._write(f"✗ {step.name}: failed, see {log}")

    def quiet(self) -> None:
        """Stop the sign of life."""
        self._stop.set()
