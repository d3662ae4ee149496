"""Every test, from nothing: `python -m hack.test`, which is what `make test` runs.

The end-to-end tests get a cluster of their own, which is removed whatever happens.
"""

from __future__ import annotations

import os
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
PYTEST = ("-m", "pytest", "-q", "--durations=5")


def main() -> int:
    """Run all parts in order, stop at the first that fails; the result is the exit code."""
    parts: tuple[tuple[str, Callable[[], None]], ...] = (
        ("lint, types, generated files", lambda: run("make", "--no-print-directory", "lint")),
        ("tools", host_tools),
        ("tests", side_by_side),
        ("coverage", coverage),
    )
    started = time.monotonic()
    for name, part in parts:
        begun = time.monotonic()
        say(f"\n── {name}")
        try:
            part()
        except (subprocess.CalledProcessError, ClusterError) as error:
            say(f"── {name} FAILED: {error}")
            return 1
        say(f"── {name}: {time.monotonic() - begun:.0f} s")
    say(f"\nAll passed in {time.monotonic() - started:.0f} s.")
    return 0


def side_by_side() -> None:
    """Tests that need no cluster beside those that need one, which wait most of the time."""
    said = Path("out/near.txt")
    with ThreadPoolExecutor(1) as beside:
        others = beside.submit(near, said)
        try:
            end_to_end()
        finally:
            wait((others,))
            say("\n── unit tests, scenarios, contracts, integration")
            say(said.read_text())
        others.result()


def near(said: Path) -> None:
    """What needs no cluster, with coverage. said: the file that takes the output."""
    for old in Path().glob(".coverage*"):
        old.unlink()
    folders = ("tests/unit", "tests/scenarios", "tests/contract", "tests/integration")
    with said.open("w") as output:
        run(sys.executable, "-m", "coverage", "run", *PYTEST, *folders, output=output)


def end_to_end() -> None:
    """What needs one."""
    with own_cluster() as name:
        run(sys.executable, *PYTEST, "tests/e2e", LINNET_TEST_CLUSTER=name)


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


if __name__ == "__main__":
    sys.exit(main())
