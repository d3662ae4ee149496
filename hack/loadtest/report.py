"""The report of a load test, in three forms, and the record of all runs."""

from __future__ import annotations

import html
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

Points = list[tuple[float, float]]


@dataclass(frozen=True)
class Limit:
    """One promise, and whether the run kept it."""

    metric: str
    limit: str
    kept: bool


@dataclass(frozen=True)
class Run:
    """What one run showed. Times in milliseconds."""

    started: str
    passed: bool
    requests: int
    failures: int
    dropped: int
    """Requests that the generator couldn't send in time: the load was less than asked for."""
    rate: int
    duration: str
    trends: dict[str, dict[str, float]]
    """avg, med, p(95), p(99) and max, by part or by endpoint when steady."""
    limits: list[Limit]
    cores: dict[str, float]
    per_core: float
    """Requests a second that one core of recochat answered; 0: not seen."""
    environment: dict[str, str]


def read(summary: dict[str, Any], **known: Any) -> Run:
    """A run from what k6 wrote. It failed if a limit was missed, or if the load wasn't made."""
    metrics = summary["metrics"]
    limits = [
        Limit(name, limit, bool(found["ok"]))
        for name, metric in sorted(metrics.items())
        for limit, found in metric.get("thresholds", {}).items()
    ]
    trends = {
        name.removeprefix("http_req_duration{").removesuffix("}"): metric["values"]
        for name, metric in sorted(metrics.items())
        if name.startswith("http_req_duration{") and "expected_response" not in name
    }
    requests = int(metrics["answered"]["values"]["count"])
    dropped = int(metrics.get("dropped_iterations", {}).get("values", {}).get("count", 0))
    return Run(
        passed=all(limit.kept for limit in limits) and dropped <= requests / 1000,
        requests=requests,
        # Of a rate, k6 counts as passes what was true: here, failures.
        failures=int(metrics["failures"]["values"]["passes"]),
        dropped=dropped,
        trends=trends,
        limits=limits,
        **known,
    )


def write(
    run: Run, series: dict[str, Points], earlier: Sequence[dict[str, Any]], out: Path
) -> None:
    """Write report.json, report.md and report.html to `out`."""
    figures = asdict(run) | {"series": series}
    (out / "report.json").write_text(json.dumps(figures, indent=2) + "\n")
    text = markdown(run, earlier)
    (out / "report.md").write_text(text)
    plots = "\n".join(svg(name, points) for name, points in series.items())
    page = (
        "<!doctype html><meta charset=utf-8><title>recochat: load test</title>"
        "<style>body{font:15px sans-serif;max-width:60em;margin:2em auto}pre{overflow:auto}</style>"
        f"{plots}<pre>{html.escape(text)}</pre>\n"
    )
    (out / "report.html").write_text(page)


def record(run: Run, file: Path) -> list[dict[str, Any]]:
    """Add the run to the record, and return those before it, oldest first."""
    earlier = []
    if file.exists():
        earlier = [json.loads(line) for line in file.read_text().splitlines() if line]
    with file.open("a") as log:
        log.write(json.dumps(asdict(run)) + "\n")
    return earlier


def markdown(run: Run, earlier: Sequence[dict[str, Any]]) -> str:
    """The report as a person reads it, the verdict first."""
    lines = [
        f"# recochat under load: {'pass' if run.passed else 'FAIL'}",
        "",
        f"{run.requests} requests, {run.failures} failures, {run.dropped} not sent in time; "
        f"{run.rate} a second when steady, for {run.duration} ({run.started}).",
        "",
        "| part or endpoint | mean | median | p95 | p99 | max (ms) |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for name, values in run.trends.items():
        cells = (f"{values[key]:.1f}" for key in ("avg", "med", "p(95)", "p(99)", "max"))
        lines.append(f"| {name} | {' | '.join(cells)} |")
    lines += ["", "| promise | | kept |", "| --- | --- | --- |"]
    lines += [f"| {x.metric} | {x.limit} | {'yes' if x.kept else '**no**'} |" for x in run.limits]
    lines += ["", "| process | cores used |", "| --- | --- |"]
    lines += [f"| {name} | {used:.2f} |" for name, used in sorted(run.cores.items())]
    if run.per_core:
        lines.append(f"\nOne core of recochat answered {run.per_core:.0f} requests a second.")
    lines += ["", "| environment | |", "| --- | --- |"]
    lines += [f"| {name} | {value} |" for name, value in run.environment.items()]
    if earlier:
        lines += [
            "",
            "| earlier run | requests | failures | verdict |",
            "| --- | --- | --- | --- |",
        ]
        lines += [
            f"| {old['started']} | {old['requests']} | {old['failures']} "
            f"| {'pass' if old['passed'] else 'FAIL'} |"
            for old in earlier[-10:]
        ]
    return "\n".join(lines) + "\n"


def svg(title: str, points: Points, width: int = 800, height: int = 160, unit: str = "s") -> str:
    """A line over time, or over something else, as a picture."""
    if not points:
        return ""
    last, top = points[-1][0] or 1.0, max(value for _, value in points) or 1.0
    path = " ".join(
        f"{40 + x / last * (width - 50):.1f},{height - 20 - y / top * (height - 50):.1f}"
        for x, y in points
    )
    return (
        f'<svg width="{width}" height="{height}" role="img" aria-label="{html.escape(title)}">'
        f'<text x="40" y="16">{html.escape(title)}: up to {top:.4g}, over {last:.0f} {unit}</text>'
        f'<path d="M40 {height - 20}H{width - 10}" stroke="#999"/>'
        f'<polyline points="{path}" fill="none" stroke="#06c" stroke-width="1.5"/></svg>'
    )
