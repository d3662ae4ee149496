"""Every test, from nothing: `python -m hack.test`, which is what `make test` runs.

`python -m hack.test PART...` runs some parts only. The end-to-end tests get a cluster of their own,
which is removed whatever happens.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from hack.cluster import engine, kind, paths
from hack.cluster.cache import remove
from hack.cluster.run import ClusterError
from hack.cluster.up import host_tools, up

PREFIX = "linnet-test-"
LINES_PERCENT = 90
FAULTS = tuple(
    f"tests/e2e/test_{name}.py"
    for name in ("clocks", "faults_by_hand", "faults_of_metrics", "outages")
)
"""Faults caused for real take too long for every change: `make e2e` has them."""
TIMEOUT = 1500
"""Seconds after which a test is taken to hang: its stack is shown and the run ends."""
PYTEST = (
    *("-m", "pytest", "-q", "--durations=10"),
    *("-o", f"faulthandler_timeout={TIMEOUT}", "-o", "faulthandler_exit_on_timeout=true"),
)
TELL_EVERY = 30
"""Seconds between two lines on how far the tests have got that print to a file."""
NEAR = {
    "unit": ("tests/unit", "tests/scenarios"),
    "contract": ("tests/contract",),
    "integration": ("tests/integration",),
}
"""Tests that need no cluster, by the name of the file that they print to."""


def main(arguments: list[str] | None = None) -> int:
    """Run all parts, or those named, in order; stop at the first that fails: exit code 1."""
    started = time.monotonic()
    for name in parts(arguments):
        what, part = PARTS[name]
        begun = time.monotonic()
        say(f"\n── {what}")
        try:
            part()
        except (subprocess.CalledProcessError, ClusterError) as error:
            say(f"── {what} FAILED: {error}")
            return 1
        say(f"── {what}: {time.monotonic() - begun:.0f} s")
    say(f"\nAll passed in {time.monotonic() - started:.0f} s.")
    return 0


def parts(arguments: list[str] | None) -> list[str]:
    """The parts that were asked for, in the order in which they are run."""
    parser = argparse.ArgumentParser(prog="hack.test", description=__doc__)
    parser.add_argument("part", nargs="*", help=f"of {', '.join(PARTS)}; all, if none is named")
    wanted = parser.parse_args(arguments).part or list(PARTS)
    if unknown := sorted(set(wanted) - set(PARTS)):  # choices refuse an empty list on 3.11
        parser.error(f"no such part: {', '.join(unknown)}")
    return [name for name in PARTS if name in wanted]


def near() -> None:
    """What needs no cluster, with coverage; all at a time, as all but the first wait a lot.

    Raises:
        CalledProcessError: one of them failed, after the other has ended, too.
    """
    for old in Path().glob(".coverage*"):
        old.unlink()
    with ThreadPoolExecutor(len(NEAR)) as beside:
        ends = {name: beside.submit(covered, name, folders) for name, folders in NEAR.items()}
        while wait(ends.values(), TELL_EVERY).not_done:
            say(", ".join(f"{name} {so_far(name)}" for name in NEAR))
        for name in NEAR:
            say(f"\n{name}:\n{said_by(name).read_text()}")
    for end in ends.values():
        end.result()
    run(sys.executable, "-m", "coverage", "combine", "--quiet")


def covered(name: str, folders: tuple[str, ...]) -> None:
    """The tests of some folders; what they print goes to a file."""
    with said_by(name).open("w") as output:
        words = ("-m", "coverage", "run", "--parallel-mode", *PYTEST, *folders)
        run(sys.executable, *words, output=output)


def so_far(name: str) -> str:
    """How far these tests have got, as pytest last said it."""
    said = re.findall(r"\d+%", said_by(name).read_text())
    return said[-1] if said else "0%"


def said_by(name: str) -> Path:
    """Where these tests print to."""
    return Path("out") / f"test-{name}.txt"


def end_to_end() -> None:
    """What needs a cluster."""
    with own_cluster() as name:
        left_out = (f"--ignore={file}" for file in FAULTS)
        run(sys.executable, *PYTEST, "tests/e2e", *left_out, LINNET_TEST_CLUSTER=name)


def coverage() -> None:
    """Line coverage of all, and branch coverage of the core, which has to be whole."""
    report = (sys.executable, "-m", "coverage", "report")
    run(*report, f"--fail-under={LINES_PERCENT}")
    run(*report, "--include=*/linnet/core/*", "--fail-under=100")


@contextmanager
def own_cluster() -> Iterator[str]:
    """A cluster with a name that nobody else uses, gone at the end."""
    remove_left_over()
    name = f"{PREFIX}{os.getpid()}"
    try:
        up(name)
        yield name
    finally:
        down(name)


def remove_left_over() -> None:
    """Remove clusters of earlier runs that were cut short: their process is gone."""
    for folder in paths.cluster_dir("x").parent.glob(f"{PREFIX}*"):
        number = folder.name.removeprefix(PREFIX)
        if number.isdigit() and not Path(f"/proc/{number}").exists():
            down(folder.name)


def down(name: str) -> None:
    """Remove a cluster and its description."""
    kind.delete(engine.find(), name)
    remove(paths.cluster_dir(name))


def run(*words: str, output: TextIO | None = None, **environment: str) -> None:
    """Run a program to its end, its output on ours unless another is given.

    Raises:
        CalledProcessError: it failed.
    """
    subprocess.run(
        words, check=True, stdout=output, stderr=output, env={**os.environ, **environment}
    )


def say(text: str) -> None:
    """Print at once, in order with what programs print."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


PARTS: dict[str, tuple[str, Callable[[], None]]] = {
    "lint": ("lint, types, generated files", lambda: run("make", "--no-print-directory", "lint")),
    "tools": ("tools", host_tools),
    "near": ("unit tests, scenarios, contracts, integration", near),
    "e2e": ("end to end", end_to_end),
    "coverage": ("coverage", coverage),
}


if __name__ == "__main__":
    sys.exit(main())
