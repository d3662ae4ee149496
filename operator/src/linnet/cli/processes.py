"""Many releases at once, on all processors."""

import os
import sys
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import TypeVar

from rich.progress import track

from linnet.cli.output import console

J = TypeVar("J")
R = TypeVar("R")


def spread(play: Callable[[J], R], jobs: Sequence[J], workers: int | None) -> list[R]:
    """What `play` makes of each job, in their order, on so many processes; all if None."""
    size = min(workers or os.cpu_count() or 1, len(jobs))
    if size <= 1:
        return list(_tracked(map(play, jobs), len(jobs)))
    with ProcessPoolExecutor(size) as pool:
        chunk = max(1, min(16, len(jobs) // (4 * size)))
        return list(_tracked(pool.map(play, jobs, chunksize=chunk), len(jobs)))


def _tracked(found: Iterable[R], many: int) -> Iterable[R]:
    """The same, with a bar that says how far it is, where somebody looks."""
    return track(
        found,
        "Playing",
        total=many,
        console=console(stderr=True),
        transient=True,
        disable=not sys.stderr.isatty(),
    )
