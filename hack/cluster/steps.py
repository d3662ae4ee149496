"""A run as a list of steps, each of which knows whether it has anything to do."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from hack.cluster.cache import Timings
from hack.cluster.cluster import StepRecord
from hack.cluster.run import ClusterError, logging_to

_QUICK_SECONDS = 0.5


@dataclass(frozen=True)
class Step:
    """One piece of work: `estimate` is in seconds, for when it has to be done in full."""

    name: str
    what: str
    estimate: float
    done: Callable[[], bool]
    run: Callable[[], object]


class Screen(Protocol):
    """Whatever shows progress to the user."""

    def begin(self, step: Step, expected: float, left: float) -> None:
        """A step starts; `expected` for it and `left` for the whole run are in seconds."""

    def end(self, record: StepRecord) -> None:
        """A step is complete."""

    def fail(self, step: Step, log: Path) -> None:
        """A step failed; its output is in `log`."""


class StepFailed(ClusterError):
    """A step ended with an error; the message says where its log is."""

    def __init__(self, step: Step, log: Path, cause: Exception) -> None:
        super().__init__(f"{step.what}: {cause}\n\nThe whole output is in {log}")
        self.log = log


def run_all(
    steps: Sequence[Step], screen: Screen, logs: Path, timings: Timings
) -> tuple[StepRecord, ...]:
    """Do what is left to do, in order; raises StepFailed at the first error.

    Each step is asked whether it is done both before the run, for the estimate,
    and at its turn, because an earlier one may have changed the answer.
    """
    expected = {step.name: _expected(step, timings) for step in steps}
    records = []
    for position, step in enumerate(steps):
        left = sum(expected[later.name] for later in steps[position:])
        screen.begin(step, expected[step.name], left)
        record = _run(step, screen, logs / f"{step.name}.log")
        if not record["cached"] and record["seconds"] >= _QUICK_SECONDS:
            timings.record(step.name, record["seconds"])
        screen.end(record)
        records.append(record)
    return tuple(records)


def _expected(step: Step, timings: Timings) -> float:
    try:
        done = step.done()
    except ClusterError:
        done = False  # what it needs to look at isn't there yet
    return 0.0 if done else timings.estimate(step.name, step.estimate)


def _run(step: Step, screen: Screen, log: Path) -> StepRecord:
    started = time.monotonic()
    try:
        with logging_to(log):
            cached = step.done()
            if not cached:
                step.run()
    except (ClusterError, OSError) as error:
        screen.fail(step, log)
        raise StepFailed(step, log, error) from error
    seconds = round(time.monotonic() - started, 2)
    return StepRecord(name=step.name, seconds=seconds, cached=cached)
