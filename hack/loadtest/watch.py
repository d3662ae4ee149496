"""What a run looks like from outside, while it runs: the metrics, and the processor by process."""

from __future__ import annotations

import os
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

_EVERY_S = 2.0
_REQUESTS = "http_requests_total"
_BUCKETS = "http_request_duration_seconds_bucket"
_MEMORY = "process_resident_memory_bytes"


@dataclass(frozen=True)
class Sample:
    """One look. cpu: seconds used so far, by process."""

    at: float
    requests: float
    buckets: dict[float, float]
    """Requests that took no longer than so many seconds."""
    resident_mb: float
    cpu: dict[str, float]


@dataclass
class Watch:
    """Looks every two seconds, from `with` to the end of its block."""

    urls: tuple[str, ...]
    processes: dict[str, int]
    samples: list[Sample] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def add(self, name: str, pid: int) -> None:
        """Look at one more process from now on."""
        self.processes = self.processes | {name: pid}

    def cores(self) -> dict[str, float]:
        """Cores that each process used on average, while it was seen."""
        used = {}
        for name in self.processes:
            seen = [(s.at, s.cpu[name]) for s in self.samples if name in s.cpu]
            if len(seen) > 1:
                used[name] = (seen[-1][1] - seen[0][1]) / (seen[-1][0] - seen[0][0])
        return used

    def per_core(self) -> float:
        """Requests for each second of processor time of recochat; 0 if it wasn't seen."""
        if not self.samples:
            return 0.0
        first, last = self.samples[0], self.samples[-1]
        ours = [name for name in first.cpu if name.startswith("recochat") and name in last.cpu]
        spent = sum(last.cpu[name] - first.cpu[name] for name in ours)
        return (last.requests - first.requests) / spent if spent else 0.0

    def series(self) -> dict[str, list[tuple[float, float]]]:
        """Points (seconds since the start, value): requests a second, p95 in ms, memory in MB."""
        start = self.samples[0].at if self.samples else 0.0
        rps, p95, memory = [], [], []
        for before, now in zip(self.samples, self.samples[1:], strict=False):
            at, count = now.at - start, now.requests - before.requests
            rps.append((at, count / (now.at - before.at)))
            memory.append((at, now.resident_mb))
            if count:
                p95.append((at, 1000 * _quantile(before.buckets, now.buckets, 0.95 * count)))
        return {"requests a second": rps, "p95, ms (at the server)": p95, "memory, MB": memory}

    def _run(self) -> None:
        while not self._over.is_set():
            # Missing one look leaves a longer step, not a wrong one.
            with suppress(urllib.error.URLError, OSError):
                self.samples.append(self._look())
            self._over.wait(_EVERY_S)

    def _look(self) -> Sample:
        requests, resident = 0.0, 0.0
        buckets: dict[float, float] = {}
        for family in (each for url in self.urls for each in _families(url)):
            for sample in family.samples:
                if sample.name == _REQUESTS:
                    requests += sample.value
                elif sample.name == _BUCKETS:
                    edge = float(sample.labels["le"])
                    buckets[edge] = buckets.get(edge, 0.0) + sample.value
                elif sample.name == _MEMORY:
                    resident += sample.value / 1e6
        cpu = {name: used for name, pid in self.processes.items() if (used := cpu_s(pid)) >= 0}
        return Sample(time.monotonic(), requests, buckets, resident, cpu)


def _families(url: str) -> Iterator[Metric]:
    with urllib.request.urlopen(f"{url}/metrics", timeout=10) as answer:  # noqa: S310
        lines = answer.read().decode().splitlines(keepends=True)
    # To read all of them takes processor time that the service needs.
    looked_at = (line for line in lines if line.startswith((_REQUESTS, _BUCKETS, _MEMORY)))
    yield from text_string_to_metric_families("".join(looked_at))


def cpu_s(pid: int) -> float:
    """Seconds of processor time that a process used; -1 if it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return -1.0
    return (int(fields[11]) + int(fields[12])) / float(os.sysconf("SC_CLK_TCK"))


def _quantile(before: dict[float, float], now: dict[float, float], rank: float) -> float:
    """The upper edge of the bucket that the answer of this rank is in."""
    edges = sorted(now)
    for edge in edges:
        if now[edge] - before.get(edge, 0.0) >= rank:
            return edge if edge != float("inf") else edges[-2]
    return edges[-2] if len(edges) > 1 else 0.0
