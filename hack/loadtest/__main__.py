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
from collections.abc import Sequence
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
    wanted = asked()
    OUT.mkdir(parents=True, exist_ok=True)
    started = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    summary = OUT / "summary.json"
    summary.unlink(missing_ok=True)
    there = Service((wanted.url,), {})
    service = nullcontext(there) if wanted.url else local(OUT, wanted.pods)
    with service as found, Watch(found.urls, found.processes) as watch:
        status = attack(found, load(wanted), summary, watch)
    if not summary.exists():
        sys.stderr.write(f"k6 ended with status {status} and no figures\n")
        return 1
    run = report.read(
        json.loads(summary.read_text()),
        started=started,
        rate=wanted.rate,
        duration=wanted.duration,
        cores=watch.cores(),
        per_core=watch.per_core(),
        environment=_environment(wanted),
    )
    earlier = report.record(run, OUT / "runs.jsonl")
    report.write(run, watch.series(), earlier, OUT)
    sys.stdout.write(f"{report.markdown(run, earlier)}\nThe report: {OUT}/report.html\n")
    return 0 if run.passed else 1


def asked(words: Sequence[str] | None = None) -> argparse.Namespace:
    """What the command line asks for; None: that of the process."""
    parser = argparse.ArgumentParser(prog="make load", description=__doc__)
    parser.add_argument("--url", help="of a service that runs; left out: one is started here")
    parser.add_argument("--pods", type=int, default=1, help="processes to start here")
    parser.add_argument("--rate", type=int, default=100, help="requests a second when steady")
    parser.add_argument("--duration", default="20s", help="of each part, such as 60s or 5m")
    parser.add_argument("--requests", type=int, help="when steady, in place of a duration")
    parser.add_argument("--warmup", help="of the warm-up, if another than that of the other parts")
    parser.add_argument("--spike", type=float, default=3, help="times the rate (3); 0: no spike")
    found = parser.parse_args(words)
    if found.requests:
        found.duration = f"{-(-found.requests // found.rate)}s"
    return found


def load(wanted: argparse.Namespace) -> dict[str, str]:
    """What was asked for, in the words of the script."""
    settings = {"RATE": str(wanted.rate), "DURATION": wanted.duration, "SPIKE": f"{wanted.spike:g}"}
    return settings | ({"WARMUP": wanted.warmup} if wanted.warmup else {})


def attack(service: Service, settings: dict[str, str], summary: Path, watch: Watch) -> int:
    """Run k6 on the service, and its figures to `summary`; the result is its exit status."""
    environment = {"BASE_URL": ",".join(service.urls), "SUMMARY": str(summary)} | settings
    # Collecting garbage less often saves k6 a third of its processor time, and one thread at a time
    # a tenth: the service needs it.
    environment |= {"GOGC": "400", "GOMAXPROCS": "1"}
    command = [str(tool("k6")), "run", "--quiet", "--no-usage-report", str(SCRIPT)]
    with subprocess.Popen(command, env=os.environ | environment) as process:
        watch.add("k6", process.pid)
        return process.wait()


def _environment(wanted: argparse.Namespace) -> dict[str, str]:
    revision = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True
    )
    here = f"{wanted.pods} on this machine, sessions in a Redis beside"
    return {
        "service": wanted.url or here,
        "spike": f"{wanted.spike:g} times the rate" if wanted.spike else "none",
        "cores": str(os.cpu_count()),
        "load before": f"{os.getloadavg()[2]:.1f} (15 minutes)",
        "python": platform.python_version(),
        "k6": versions.K6,
        "revision": revision.stdout.strip() or "unknown",
    }


if __name__ == "__main__":
    sys.exit(main())
