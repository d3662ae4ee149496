"""How often a healthy canary is rolled back, and how soon a bad one: against bars, and peers.

Made-up traffic from fixed seeds: 5 % weight, 0.2 % base errors, scrapes and decisions every 15 s.
All rows run with the default settings. `LINNET_RELEASES` scales the number of releases (1 by
default). Times are medians in seconds from the onset. Errors have their time from the first sample
that could show them, which comes a tick later, so their bars hold that tick, too.
"""

import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from math import ceil, inf, log
from typing import Any

import numpy as np

from linnet.simulation import trials
from linnet.simulation.trials import SURE, Times, Trial
from linnet.simulation.usage import MemoryWorld
from linnet.simulation.worlds import CLEAN, NOISY, Defect, World
from linnet.stats.errors import ERRORS

SCALE = float(os.environ.get("LINNET_RELEASES") or 1)
WORLDS = {"clean": CLEAN, "noisy": NOISY}
DAY, HOUR = 86400.0, 3600.0
PEERS = (
    "three in a row",
    "Flagger, threshold 5",
    "Argo, failureLimit 0",
    "Argo, failureLimit 3",
    "Kayenta-like",
)
SHORT = {"three in a row": "3 in a row", "Flagger, threshold 5": "Flagger"}


@dataclass(frozen=True)
class Row:
    """One line of the table. kind: of figure. bar: at most this; inf for none."""

    name: str
    kind: str
    bar: float
    run: Callable[[Trial], Times]
    trial: Trial


def _many(releases: int) -> int:
    return max(20, round(releases * SCALE))


def rows() -> list[Row]:
    """The table, in order; the long runs first within each part."""
    return [*_healthy(), *_bad(), *_late(), *_others()]


def _healthy() -> list[Row]:
    found = []
    for name, world in WORLDS.items():
        for rps, bar in ((50, 0.01), (1, 0.02)):
            trial = Trial(replace(world, canary_rps=rps), 48, _many(800), 11)
            label = f"healthy, {rps}/s, {name}, 48 h"
            found.append(Row(label, "rolled back", bar, trials.errors, trial))
        trial = Trial(world, 48, _many(120), 12)
        label = f"healthy, whole release, 50/s, {name}, 48 h"
        found.append(Row(label, "rolled back", 0.02, trials.whole, trial))
        both = Trial(world, 2, _many(1000), 13, Defect(0.5 * HOUR, 0.016, shared=True))
        label = f"incident of both versions x8, {name}"
        found.append(Row(label, "rolled back", 0.01, trials.errors, both))
        cleared = Trial(world, 1, _many(400), 14)
        found.append(Row(f"cleared, 50/s, {name}", "cleared", 180, trials.errors, cleared))
        found.append(Row(f"cleared, 50/s, {name}, p90", "cleared p90", 360, trials.errors, cleared))
    return found


DEFECTS = (
    (50, 0.05, 15, 0.25),
    (50, 0.02, 30, 0.25),
    (50, 0.01, 90, 0.5),
    (50, 0.005, 900, 2),
    (1, 0.2, 30, 0.25),
    (1, 0.05, 180, 1),
    (1, 0.02, 900, 3),
    (1, 0.01, 3600, 8),
)
"""Canary requests per second, error rate, seconds from the first sample that could show it, and
hours that a run lasts."""


def _bad() -> list[Row]:
    found = []
    for name, world in WORLDS.items():
        for rps, rate, after, hours in DEFECTS:
            trial = Trial(replace(world, canary_rps=rps), hours, _many(600), 21, Defect(0, rate))
            label = f"errors {100 * rate:g} %, {rps}/s, {name}"
            found.append(Row(label, "found", after + world.tick_s, trials.errors, trial))
    return found


def _late() -> list[Row]:
    """The bars are three times the delay at hour 0, which `main` fills in."""
    found = []
    for name, world in WORLDS.items():
        for rate in (0.05, 0.01):
            trial = Trial(world, 25, _many(200), 31, Defect(DAY, rate))
            label = f"errors {100 * rate:g} %, 50/s, {name}"
            found.append(Row(f"{label}, from hour 24", "found", inf, trials.errors, trial))
    return found


def _others() -> list[Row]:
    found = []
    for name, world in WORLDS.items():
        for slower, bar in ((1.15, 300), (2.0, 15)):
            trial = Trial(world, 0.5, _many(200), 41, Defect(0, slower=slower))
            label = f"latency x{slower:g}, 50/s, {name}"
            found.append(Row(label, "found", bar, trials.latencies, trial))
    return found


def wald_s(world: World, rate: float) -> float:
    """The least mean delay of any test at this level, in seconds, rounded up to whole ticks.

    Wald's bound for Poisson counts in a clean world: the logarithm of what has to be shown divided
    by the information per second, where the test knows both the defect and the healthy rates'
    ratio.
    """
    canary = world.canary_rps * rate
    stable = world.canary_rps * (1 / world.weight - 1) * world.error_rate
    events, odds = canary + stable, world.weight * ERRORS.margin / (1 - world.weight)
    bad, fine = canary / events, odds / (1 + odds)
    told = bad * log(bad / fine) + (1 - bad) * log((1 - bad) / (1 - fine))
    return ceil(SURE / (events * told) / world.tick_s) * world.tick_s


def measured(row: Row) -> dict[str, Any]:
    """Run a row: its figure, and the peers'."""
    times = row.run(row.trial)
    names = [name for name in times.first if name != "clear"]
    figures = {name: _figure(row, times, name) for name in names if name in ("linnet", *PEERS)}
    if row.run is trials.whole:
        first = np.min([times.first[name] for name in names], axis=0)
        figures["linnet"] = float(np.isfinite(first).mean())
        figures |= {name: float(np.isfinite(times.first[name]).mean()) for name in names}
    if row.kind.startswith("cleared"):
        when = np.quantile(times.first["clear"], 0.9 if "p90" in row.kind else 0.5, method="higher")
        figures = {"linnet": float(when)}
    return {"releases": row.trial.releases, **figures}


def _figure(row: Row, times: Times, who: str) -> float:
    if row.kind == "rolled back":
        return float(np.isfinite(times.first[who]).mean())
    found = times.found(who)
    return float(np.quantile(found, 0.5, method="higher")) if len(found) else inf


LEAKS = (0.0, 0.05, 0.5, 1.2)
"""Parts of its memory that a canary leaks a day; the last is 5 % an hour."""
MEMORIES = {
    "warms up, saw teeth": MemoryWorld(),
    "and at half the traffic": MemoryWorld(less_busy=2.0),
    "and on a busy morning": MemoryWorld(day=0.1),
    "and needs 30 % more, all of that": MemoryWorld(less_busy=2.0, day=0.1, bigger=1.3),
}
NO_CONTROL = "without a control"


def _leak(job: tuple[str, float]) -> dict[str, Any]:
    name, per_day = job
    world, control = MEMORIES.get(name, MemoryWorld()), name != NO_CONTROL
    times = trials.leak(per_day, 48, _many(400), 51, control=control, world=world).first["linnet"]
    found = float(np.isfinite(times).mean())
    middle = float(np.quantile(times, 0.5, method="higher")) / HOUR
    return {"world": name, "per_day": per_day, "found in 48 h": found, "median hours": middle}


def memory_table() -> list[dict[str, Any]]:
    """What is found of leaks, and how often a healthy canary is rolled back for its memory."""
    jobs = [(name, per_day) for name in (*MEMORIES, NO_CONTROL) for per_day in LEAKS]
    with ProcessPoolExecutor(max_workers=2) as pool:
        found = list(pool.map(_leak, jobs))
    print("\nmemory, 48 h, one pod beside 19: found, after so many hours in the median")
    print(f"  {'':34}{'healthy':>10}" + "".join(f"{100 * part:12g} %/day" for part in LEAKS[1:]))
    for name in (*MEMORIES, NO_CONTROL):
        mine = [line for line in found if line["world"] == name]
        cells = [f"{100 * mine[0]['found in 48 h']:8.1f} %"]
        for line in mine[1:]:
            hours = "never" if line["median hours"] == inf else f"{line['median hours']:.1f} h"
            cells.append(f"{100 * line['found in 48 h']:8.0f} % {hours:>7}")
        print(f"  {name:34}" + "".join(cells))
    return found


def main() -> dict[str, Any]:
    """Run the table on two processes, print measured against bar, and return the figures."""
    table = rows()
    with ProcessPoolExecutor(max_workers=2) as pool:
        figures = dict(zip((row.name for row in table), pool.map(measured, table), strict=True))
    print(f"{'':46}{'bar':>8}{'Linnet':>9}  {'':6}" + "".join(f"{_short(p):>13}" for p in PEERS))
    out: dict[str, Any] = {}
    for row in table:
        bar = row.bar
        if row.name.endswith("from hour 24"):
            bar = 3 * figures[row.name.removesuffix(", from hour 24")]["linnet"]
        out[row.name] = _told(row, bar, figures[row.name])
    out |= _against_wald(figures)
    growth = memory_table()
    missed = [name for name, row in out.items() if not row["met"]]
    print(f"\nbars not met: {', '.join(missed) or 'none'}")
    return {"rows": out, "memory": _finite(growth), "not met": missed}


def _told(row: Row, bar: float, figures: dict[str, Any]) -> dict[str, Any]:
    share = row.kind == "rolled back"

    def shown(value: float) -> str:
        return f"{100 * value:.1f} %" if share else "never" if value == inf else f"{value:.0f} s"

    met = figures["linnet"] <= bar
    peers = "".join(f"{shown(figures[name]) if name in figures else '':>13}" for name in PEERS)
    word = "met" if met else "MISSED"
    print(f"{row.name:46}{shown(bar):>8}{shown(figures['linnet']):>9}  {word:6}{peers}")
    parts = {name: value for name, value in figures.items() if name in trials.METRICS and value}
    if parts:
        print("    of these " + ", ".join(f"{name} {shown(part)}" for name, part in parts.items()))
    return {"unit": row.kind, "bar": _finite(bar), "met": met, **_finite(figures)}


def _against_wald(figures: dict[str, Any]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    print("\nclean world against Wald's bound, at most 2.5 times")
    for rps, rate, _, _ in DEFECTS:
        name = f"errors {100 * rate:g} %, {rps}/s, clean"
        bound = wald_s(replace(CLEAN, canary_rps=rps), rate)
        ratio = figures[name]["linnet"] / bound
        print(f"  {name:36} bound {bound:6.0f} s: {ratio:.2f} times")
        out[f"{name}, against Wald"] = {"bar": 2.5, "linnet": ratio, "met": ratio <= 2.5}
    return out


def _short(name: str) -> str:
    return SHORT.get(name, name.replace("failureLimit ", ""))


def _finite(value: Any) -> Any:
    """JSON knows no infinity."""
    if isinstance(value, dict):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_finite(each) for each in value]
    return None if value == inf else value
