"""A hundred thousand random histories of the deciding core, each held against every rule.

In each one a Deployment is guarded and released while random things happen around it, and the
operator is killed at random calls. After a random look the world either becomes well, and then the
next version has to be promoted, or the resource is deleted, and then it has to go.

LINNET_HISTORIES is their number, LINNET_SEED the first one's seed: history N has the seed
LINNET_SEED + N, so a broken rule is found again with LINNET_SEED=<its seed> LINNET_HISTORIES=1.
"""

import gc
import os
import sys
import time
from collections import Counter
from datetime import UTC, datetime
from multiprocessing import Pool
from random import Random
from typing import Any

from tests.support.histories import make_history
from tests.support.looks import Stuck
from tests.support.objects import ImpossibleWorld
from tests.support.oracle import ASKED, EVIDENCE, RULES, broken

COUNT = int(os.environ.get("LINNET_HISTORIES", "100000"))
SEED = int(os.environ.get("LINNET_SEED", "1"))
CHUNK = 200
WAY_OUT = "every reachable state has a way out"
POSSIBLE = "nothing is asked for that no cluster can do"
NAMES = (*RULES, EVIDENCE, ASKED, WAY_OUT, POSSIBLE)
SHOWN = 20

Violation = tuple[int, str, str]
"""The history's seed, the rule, and what broke it."""


def main() -> dict[str, Any]:
    """Run them on every CPU.

    Raises:
        SystemExit: a rule was broken.
    """
    began = time.monotonic()
    decisions, violations = 0, list[Violation]()
    seeds = range(SEED, SEED + COUNT)
    chunks = [seeds[first : first + CHUNK] for first in range(0, COUNT, CHUNK)]
    with Pool(initializer=_collect_rarely) as pool:
        for number, (made, found) in enumerate(pool.imap_unordered(run, chunks), start=1):
            decisions += made
            violations += found
            if number % max(1, len(chunks) // 20) == 0:
                _say(f"  {100 * number // len(chunks)} %: {decisions} decisions")
    figures = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),  # noqa: TID251 - a report's date
        "seed": SEED,
        "histories": COUNT,
        "decisions": decisions,
        "seconds": round(time.monotonic() - began, 1),
        "rules": dict.fromkeys(NAMES, 0) | Counter(rule for _, rule, _ in violations),
        "broken": sorted(violations)[:SHOWN],
    }
    _report(figures)
    if violations:
        raise SystemExit(1)
    return figures


def run(seeds: range) -> tuple[int, list[Violation]]:
    """Live the histories of some seeds: how many decisions were made, and what was broken."""
    decisions, violations = 0, list[Violation]()
    for seed in seeds:
        made, found = _live(seed)
        decisions += made
        violations += ((seed, rule, why) for rule, why in found)
    return decisions, violations


def _live(seed: int) -> tuple[int, list[tuple[str, str]]]:
    history = make_history(Random(seed))  # noqa: S311 - a history, not a secret
    ways = list[tuple[str, str]]()
    world = history.begin()
    try:
        history.finish(world)
    except Stuck as error:
        ways = [(WAY_OUT, str(error))]
    except ImpossibleWorld as error:
        ways = [(POSSIBLE, str(error))]
    return len(world.trail), [*broken(world), *ways]


def _collect_rarely() -> None:
    """A history's objects are few and go with it."""
    gc.freeze()
    gc.set_threshold(100_000)


def _report(figures: dict[str, Any]) -> None:
    for rule, times in figures["rules"].items():
        _say(f"  {'held' if not times else f'BROKEN {times} times'}: {rule}")
    for seed, rule, why in figures["broken"]:
        _say(f"  seed {seed}: {rule}: {why}")
    _say(
        f"{figures['histories']} histories, {figures['decisions']} decisions, "
        f"{len(figures['rules'])} rules, {sum(figures['rules'].values())} violations, "
        f"{figures['seconds']} s"
    )


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
