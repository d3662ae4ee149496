"""Thirty days of one service, exported each minute, through `linnet backtest` as a person runs it.

Counted is all that the person waits for: start-up, reading the file, every replayed release. On a
machine that is busy otherwise the CPU time is the figure that can be compared.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

DAYS, STEP_S = 30, 60
STEPS = DAYS * 86400 // STEP_S
PODS = 3
REQUESTS_PER_SECOND = 40.0
EDGES = {"0.05": 0.62, "0.1": 0.97, "0.25": 0.998, "0.5": 0.9995, "1": 1.0, "+Inf": 1.0}
"""Upper bounds of the histogram, and the share of the requests up to each."""
FAILING = 0.002
BEGIN = 1_790_000_000
SEED = 20300101
POLICIES = ("default", "compared")
MANIFEST = """
kind: CanaryRelease
metadata: {name: shop, namespace: shops}
spec: {targetRef: {name: shop}, traffic: {httpRoute: shop}%s}
"""
EXTRA = {"default": "", "compared": ", analysis: {comparison: {}}"}


def main() -> dict[str, Any]:
    """Measure; times are in seconds."""
    figures: dict[str, Any] = {"days": DAYS, "pods": PODS, "processors": os.cpu_count()}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        export = folder / "export.json"
        export.write_text(json.dumps(_export()))
        figures["export_mb"] = round(export.stat().st_size / 1e6, 1)
        for policy in POLICIES:
            release = folder / f"{policy}.yaml"
            release.write_text(MANIFEST % EXTRA[policy])
            figures[policy] = _one(policy, release, export)
    return figures


def _one(policy: str, release: Path, export: Path) -> dict[str, Any]:
    command = [sys.executable, "-m", "linnet.cli.entry", "backtest", "-f", str(release)]
    arguments = ["--export", str(export), "--most-false", "100", "-o", "json"]
    begun, used = time.perf_counter(), _cpu()
    done = subprocess.run([*command, *arguments], capture_output=True, text=True, check=True)
    seconds, cpu = time.perf_counter() - begun, _cpu() - used
    report = json.loads(done.stdout)
    replayed = report["releases"] * (2 + len(report["detections"]))
    sys.stdout.write(
        f"{DAYS} days, {policy} policy: {seconds:.1f} s ({cpu:.1f} s of CPU) for "
        f"{replayed} releases; "
        f"{100 * report['falseRollbacks']['value']:.0f} % of good versions rolled back\n"
    )
    return {
        "seconds": round(seconds, 1),
        "cpu_seconds": round(cpu, 1),
        "releases": replayed,
        "false_rollbacks": report["falseRollbacks"]["value"],
    }


def _cpu() -> float:
    """CPU seconds of all processes that were run and have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _export() -> dict[str, Any]:
    """What /api/v1/query_range would answer: counters of each pod, with a day's curve."""
    rng = np.random.default_rng(SEED)
    days = 2 * np.pi * np.arange(STEPS) * STEP_S / 86400
    result = []
    for pod in range(PODS):
        mean = REQUESTS_PER_SECOND / PODS * STEP_S * (1 + 0.5 * np.sin(days))
        requests = rng.poisson(mean)
        failed = rng.binomial(requests, FAILING)
        labels = {"pod": f"shop-{pod}"}
        result += [
            _series({**labels, "status": "200"}, requests - failed),
            _series({**labels, "status": "500"}, failed),
            *(_series({**labels, "le": le}, np.round(requests * s)) for le, s in EDGES.items()),
        ]
    return {"status": "success", "data": {"resultType": "matrix", "result": result}}


def _series(labels: dict[str, str], counted: np.ndarray) -> dict[str, Any]:
    counter = np.concatenate([[0], np.cumsum(counted)])
    values = [[BEGIN + STEP_S * i, f"{value:.0f}"] for i, value in enumerate(counter)]
    return {"metric": labels, "values": values}
