"""`python -m hack.loadtest`: the standard load on recochat by k6, and a report under out/load.

Without --url it starts one process of recochat with a Redis of its own on this machine. The exit
status is 1 if a promise was missed, or if the machine couldn't make the load.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from contextlib import nullcontext
from pathlib import Path

from hack.cluster import versions
from hack.cluster.tools import tool
from hack.loadtest import report
from hack.loadtest.service import Service, local
from hack.loadtest.watch import Watch

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "charts/recochat/files/load/recochat.js"
OUT = ROOT / "out/load"


def main() -> int:
    """Run, report, and say whether the promises were kept."""
    parser = argparse.ArgumentParser(prog="make load", description=__doc__)
    parser.add_argument("--url", help="of a service that runs; left out: one is started here")
    parser.add_argument("--rate", type=int, default=100, help="requests a second when steady")
    parser.add_argument("--duration", default="20s", help="of each part, such as 60s or 5m")
    asked = parser.parse_args()
    OUT.mkdir(parents=True, exist_ok=True)
    started = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    summary = OUT / "summary.json"
    summary.unlink(missing_ok=True)
    service = nullcontext(Service(asked.url, {})) if asked.url else local(OUT)
    with service as found, Watch(found.url, found.processes) as watch:
        status = _k6(found.url, asked.rate, asked.duration, summary, watch)
    if not summary.exists():
        sys.stderr.write(f"k6 ended with status {status} and no figures\n")
        return 1
    run = report.read(
        json.loads(summary.read_text()),
        started=started,
        rate=asked.rate,
        duration=asked.duration,
        cores=watch.cores(),
        environment=_environment(asked.url),
    )
    earlier = report.record(run, OUT / "runs.jsonl")
    report.write(run, watch.series(), earlier, OUT)
    sys.stdout.write(f"{report.markdown(run, earlier)}\nThe report: {OUT}/report.html\n")
    return 0 if run.passed else 1


def _k6(url: str, rate: int, duration: str, summary: Path, watch: Watch) -> int:
    settings = {
        "BASE_URL": url,
        "RATE": str(rate),
        "DURATION": duration,
        "SUMMARY": str(summary),
    }
    command = [str(tool("k6")), "run", "--quiet", "--no-usage-report", str(SCRIPT)]
    with subprocess.Popen(command, env=os.environ | settings) as process:
        watch.add("k6", process.pid)
        return process.wait()


def _environment(url: str | None) -> dict[str, str]:
    revision = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True
    )
    return {
        "service": url or "one process on this machine, sessions in a Redis beside it",
        "cores": str(os.cpu_count()),
        "load before": f"{os.getloadavg()[2]:.1f} (15 minutes)",
        "python": platform.python_version(),
        "k6": versions.K6,
        "revision": revision.stdout.strip() or "unknown",
    }


if __name__ == "__main__":
    sys.exit(main())
